//! The asynchronous half of a writer: gathers the body into a group while the one before is hashed, and the one before that
//! is at the press. No thread waits for another: each stage is awaited here before the next group enters it.

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::{blocking, group::Group, press::Press, tally::Tally};
use crate::kernel::{
    digest::Digests,
    fault::{Fault, Result},
};

/// How much of a blob's beginning is kept at hand, in bytes, to tell its real type.
pub const PREFIX_BYTES: usize = 8 * 1024;

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
    printing: Stage<Box<Press>>,
}

/// The digests so far, and the group that was hashed last, to be printed.
type Hashed = (Tally, Option<Group>);

/// One of the stages that a group goes through.
enum Stage<T> {
    Ready(T),
    Working(JoinHandle<Result<T>>),
    Spent,
}

impl<T: Send + 'static> Stage<T> {
    fn begin(work: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        Self::Working(spawn_blocking(work))
    }

    /// Waits until it is free. A caller that stops waiting loses nothing.
    async fn settle(&mut self) -> Result<()> {
        if let Self::Working(task) = self {
            let done = task.await;
            *self = Self::Spent;
            *self = Self::Ready(done.map_err(Fault::internal)??);
        }
        Ok(())
    }

    /// What it works with, once it is free.
    fn take(&mut self) -> Result<T> {
        match std::mem::replace(self, Self::Spent) {
            Self::Ready(ready) => Ok(ready),
            _ => Err(Fault::unavailable("this blob has failed before")),
        }
    }
}

impl BlobWriter {
    pub(super) fn new(id: Uuid, tally: Tally, press: Box<Press>) -> Self {
        Self {
            id,
            size: 0,
            prefix: Vec::new(),
            group: press.first_group(),
            hashing: Stage::Ready((tally, None)),
            printing: Stage::Ready(press),
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

    /// Appends bytes. Returns at once, unless a group is full and the previous one is still being written. Fails with
    /// `storage-full` or `unavailable`, perhaps for bytes of an earlier call; the blob is lost then.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.keep_prefix(bytes);
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
        let ((tally, before), press) = self.ready().await?;
        let group = std::mem::replace(&mut self.group, Group::spent());
        let digests = blocking(move || press.finish(before, tally, group)).await?;
        Ok(Stored {
            id: self.id,
            size: self.size,
            digests,
            prefix: std::mem::take(&mut self.prefix).into(),
        })
    }

    fn keep_prefix(&mut self, bytes: &[u8]) {
        let wanted = PREFIX_BYTES - self.prefix.len();
        self.prefix
            .extend_from_slice(&bytes[..wanted.min(bytes.len())]);
    }

    async fn hand_over(&mut self) -> Result<()> {
        let ((mut tally, hashed), press) = self.ready().await?;
        let group = std::mem::replace(&mut self.group, Group::after(&[]));
        self.printing = match hashed {
            Some(hashed) => Stage::begin(move || press.print(hashed)),
            None => Stage::Ready(press),
        };
        self.hashing = Stage::begin(move || {
            let group = tally.add(group)?;
            Ok((tally, Some(group)))
        });
        Ok(())
    }

    /// Both stages, once they are free. A caller that stops waiting loses nothing.
    async fn ready(&mut self) -> Result<(Hashed, Box<Press>)> {
        self.hashing.settle().await?;
        self.printing.settle().await?;
        Ok((self.hashing.take()?, self.printing.take()?))
    }
}

impl Drop for BlobWriter {
    /// Removes the file on a thread that may block, if there is a runtime to lend one.
    fn drop(&mut self) {
        let Stage::Ready(press) = std::mem::replace(&mut self.printing, Stage::Spent) else {
            // A press at work is dropped by its own task, and its file with it.
            return;
        };
        if let (true, Ok(runtime)) = (press.has_file(), tokio::runtime::Handle::try_current()) {
            runtime.spawn_blocking(move || drop(press));
        }
    }
}
