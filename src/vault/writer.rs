//! The asynchronous half of a writer: gathers the body into a group while the one before is hashed, sealed and written by a
//! thread. Where writers hash together, that one is hashed only, while the one before it is sealed and written: a third group,
//! for they wait for each other there. No thread waits for another: a group enters a stage once the one before has left it.

use std::mem;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{
    blocking,
    group::Group,
    press::Press,
    stage::Stage,
    tally::{Hashed, Tally},
};
use crate::kernel::{digest::Digests, fault::Result};

/// How much of a blob's beginning is kept at hand, in bytes, to tell its real type.
pub const PREFIX_BYTES: usize = 8 * 1024;

/// Adds to the first bytes of a content those that follow, up to [`PREFIX_BYTES`].
pub fn keep_prefix(prefix: &mut Vec<u8>, bytes: &[u8]) {
    let wanted = PREFIX_BYTES.saturating_sub(prefix.len());
    prefix.extend_from_slice(&bytes[..wanted.min(bytes.len())]);
}

/// What [`BlobWriter::finish`] made.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The blob's id.
    pub id: Uuid,
    /// Its size, in bytes of text.
    pub size: u64,
    /// Its digests.
    pub digests: Digests,
    /// Its first [`PREFIX_BYTES`] bytes, or all of a smaller blob.
    pub prefix: Bytes,
}

/// A blob being written. Dropped before [`BlobWriter::finish`] is called, it leaves nothing behind.
pub struct BlobWriter {
    id: Uuid,
    size: u64,
    prefix: Vec<u8>,
    group: Group,
    hashing: Stage<Hashed>,
    press: Stage<Box<Press>>,
}

impl BlobWriter {
    pub(super) fn new(id: Uuid, tally: Tally, press: Box<Press>) -> Self {
        Self {
            id,
            size: 0,
            prefix: Vec::new(),
            group: press.first_group(),
            hashing: Stage::Free((tally, None)),
            press: Stage::Free(press),
        }
    }

    /// The blob's id, known before its first byte.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The first bytes taken so far, [`PREFIX_BYTES`] at most.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Appends bytes. Returns at once, unless a group is full and the previous one is still being hashed, or the one before
    /// it written. Fails with `storage-full` or `unavailable`, perhaps for bytes of an earlier call; the blob is lost then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        keep_prefix(&mut self.prefix, bytes);
        self.size += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.group.is_full() {
                self.hand_over().await?;
            }
            rest = self.group.take(rest);
        }
        Ok(())
    }

    /// Writes the rest, and answers once the blob is durable under its final name. Fails with `storage-full` or
    /// `unavailable`; nothing is left then, and nothing is tried again. If the caller stops waiting, the blob may stand
    /// all the same: without a row, it is swept.
    pub async fn finish(mut self) -> Result<Stored> {
        let ((mut tally, hashed), press) = self.ready().await?;
        let press = printing(press, hashed);
        let group = mem::replace(&mut self.group, Group::spent());
        let last = move || -> Result<Digests> {
            let (digests, group) = tally.finish(group)?;
            press.wait()?.finish(group)?;
            Ok(digests)
        };
        let digests = blocking(last).await?;
        Ok(Stored {
            id: self.id,
            size: self.size,
            digests,
            prefix: mem::take(&mut self.prefix).into(),
        })
    }

    async fn hand_over(&mut self) -> Result<()> {
        let ((tally, hashed), press) = self.ready().await?;
        let group = mem::replace(&mut self.group, Group::after(&[]));
        (self.hashing, self.press) = match tally.is_shared() {
            true => (tally.begin(group), printing(press, hashed)),
            false => alone(tally, press, group),
        };
        Ok(())
    }

    /// What both stages work with, once both are free. A caller that stops waiting loses nothing.
    async fn ready(&mut self) -> Result<(Hashed, Box<Press>)> {
        self.hashing.settle().await?;
        self.press.settle().await?;
        Ok((self.hashing.take()?, self.press.take()?))
    }
}

/// Has a group printed where there is one.
fn printing(press: Box<Press>, hashed: Option<Group>) -> Stage<Box<Press>> {
    let Some(group) = hashed else {
        return Stage::Free(press);
    };
    let (give, coming) = Stage::taken();
    spawn_blocking(move || {
        // Where the writer was dropped meanwhile, the press is dropped here, and its file with it.
        let _ = give.send(press.print(group));
    });
    coming
}

/// Has a group hashed and printed by one thread.
fn alone(mut tally: Tally, press: Box<Press>, group: Group) -> (Stage<Hashed>, Stage<Box<Press>>) {
    let ((counted, hashing), (give, coming)) = (Stage::taken(), Stage::taken());
    spawn_blocking(move || {
        let printed = tally.add(group).and_then(|group| press.print(group));
        // A fault of either is told by the press. Where the writer was dropped meanwhile, both are dropped here.
        let _ = counted.send(Ok((tally, None)));
        let _ = give.send(printed);
    });
    (hashing, coming)
}

impl Drop for BlobWriter {
    /// Removes the file on a thread that may block, if there is a runtime to lend one. A press at work is dropped by its own
    /// thread, and its file with it.
    fn drop(&mut self) {
        let Some(press) = self.press.give_up() else {
            return;
        };
        if let (true, Ok(runtime)) = (press.has_file(), tokio::runtime::Handle::try_current()) {
            runtime.spawn_blocking(move || drop(press));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::{
        kernel::{clock::Clock, entropy::Entropy, secret::Key},
        vault::{Vault, frame},
    };

    const GROUP: usize = frame::GROUP * frame::TEXT;

    #[tokio::test]
    async fn a_writer_takes_no_further_group_while_the_press_has_not_come_back() {
        let root = tempfile::TempDir::new().unwrap();
        let vault = Vault::open(root.path(), Clock::system(), Entropy::system()).unwrap();
        let mut writer = vault.create(&Key::new([5; 32]), false).unwrap();
        let (give, busy) = Stage::taken();
        let press = mem::replace(&mut writer.press, busy).wait().unwrap();
        writer.write(&vec![1; GROUP]).await.unwrap();
        assert!(writer.hand_over().now_or_never().is_none());
        assert!(writer.group.is_full(), "it waits with the group in hand");
        assert!(give.send(Ok(press)).is_ok());
        writer.hand_over().await.unwrap();
        writer.write(&vec![2; GROUP]).await.unwrap();
        assert_eq!(writer.finish().await.unwrap().size, 2 * GROUP as u64);
    }
}
