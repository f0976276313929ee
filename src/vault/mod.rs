//! Blobs on a local disk: every document is one file, encrypted in frames, durable before anybody is told so.
//!
//! # What it is for
//! A body of any size streams in with constant memory, is hashed and encrypted on its way, and stands on the disk under an
//! id that was drawn before its first byte (so that a remote store can follow). Nothing is shared between blobs: no
//! reference counts, no deduplication. The vault knows neither names, nor owners, nor rows; the database does.
//!
//! # The way through
//! - in: [`Vault::create`] → [`BlobWriter::write`] … → [`BlobWriter::finish`] → [`Stored`] (id, size, digests).
//!   `writer` gathers frames into a `group`, `press` seals and writes it once it is hashed, `disk` makes it durable; `stage`
//!   is how one group waits for another. Writers that hash at the same time share the lanes of a few threads (`tally`, `crew`).
//! - out: [`Vault::reader`] → [`BlobReader::stream`], [`BlobReader::read_all`], [`BlobReader::verify`] (`reader`);
//!   [`BlobReader::seekable`] reads it as a file (`seekable`).
//! - upkeep: [`Vault::remove`], [`Vault::list`], [`Vault::parts`] (`census`).
//!
//! # The files
//! `root/blobs/00…3f/<id in hexadecimal>`, the folder being the id's last (random) byte modulo 64; `<id>.part` until published,
//! where it is more than one group and so is written over its sender's time.
//! A file is a header of 24 bytes, then frames of 65,536 bytes of text (the last one 0 to 65,536), each followed by its tag:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | magic `NVTB` |
//! | 1 | version, 1 |
//! | 3 | zero |
//! | 16 | the blob's id |
//! | n + 16, repeated | AES-256-GCM ciphertext and tag of one frame |
//!
//! A frame's nonce is its index; its associated data are the header, the index and one byte that says whether it is the
//! last: a frame that was moved, dropped, cut or taken from another blob does not open. The cipher's key is derived from
//! the caller's data key and the id, so that no nonce is ever used twice, even where a caller uses one data key for two blobs.
//! The file holds no key: the wrapped data key lives in the blob's row, and destroying it is the deletion.
//!
//! # What holds
//! - No thread waits for a body: the disk is touched by short blocking tasks, one per 256 KiB and a single one for a smaller blob.
//! - A writer holds two groups of 256 KiB: one is filled while the other is hashed, sealed and written. Where writers hash
//!   together it holds a third, for hashing takes its time there.
//! - After [`BlobWriter::finish`] the blob survives a power cut. A sync that fails fails the blob and is never tried again:
//!   the retry would say yes and the bytes would be gone.
//! - An unfinished writer leaves nothing; what a crash leaves, [`Vault::parts`] finds, and [`Vault::list`] where it was a small
//!   blob being written.
//!
//! # How to add one
//! Another store (S3): the same five methods on a type of its own, then an enum here. A new file layout: a new version in
//! `frame`; the old one stays readable for as long as blobs of it live.

mod census;
mod crew;
mod disk;
mod frame;
mod group;
mod press;
mod reader;
mod seekable;
mod stage;
mod tally;
#[cfg(test)]
mod tests;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use uuid::Uuid;

use crate::kernel::{
    clock::Clock,
    digest::{Sha256, blocks::Lanes},
    entropy::Entropy,
    fault::{Fault, Result},
    secret::Key,
};

pub use census::Entry;
pub use reader::BlobReader;
pub use seekable::{Seekable, fault_of};
pub use writer::{BlobWriter, PREFIX_BYTES, Stored, keep_prefix};

/// A store of blobs on a local disk. Cheap to clone; all clones share one root.
#[derive(Clone)]
pub struct Vault {
    layout: Arc<disk::Layout>,
    crew: Arc<crew::Crew>,
    clock: Clock,
    entropy: Entropy,
}

impl Vault {
    /// Opens the store at `root`, making its folders (mode 0700, synced) where they are missing. Blocks: for start-up.
    /// Fails with `unavailable` or `storage-full` where a file cannot be written there.
    pub fn open(root: &Path, clock: Clock, entropy: Entropy) -> Result<Self> {
        let layout = Arc::new(disk::Layout::prepare(root)?);
        let vault = Self {
            layout,
            crew: Arc::new(crew::Crew::new(Lanes::detect())?),
            clock,
            entropy,
        };
        vault.probe()?;
        Ok(vault)
    }

    /// The store at `root` for whoever only reads it: touches no disk, makes nothing.
    pub fn existing(root: &Path, clock: Clock, entropy: Entropy) -> Self {
        Self {
            layout: Arc::new(disk::Layout::existing(root)),
            crew: Arc::default(),
            clock,
            entropy,
        }
    }

    /// Begins a blob under a fresh id, encrypted under `key` (a data key of its own). SHA-256 is always computed, SHA-512
    /// on demand (API-11). Touches no disk: the file appears with its first group, or at the end of a small blob.
    pub fn create(&self, key: &Key, with_sha512: bool) -> Result<BlobWriter> {
        let id = self.entropy.uuid(&self.clock)?;
        let cipher = frame::Cipher::new(key, id)?;
        let part = disk::Part::new(&self.layout, id);
        let tally = tally::Tally::new(Arc::clone(&self.crew), with_sha512);
        Ok(BlobWriter::new(id, tally, press::Press::new(part, cipher)))
    }

    /// Opens a blob of `size` bytes (as its row says) for reading. Fails with `corrupt` where the file is missing, has
    /// another length or another header; with `unavailable` where the disk does not answer.
    pub async fn reader(&self, id: Uuid, key: &Key, size: u64) -> Result<BlobReader> {
        let cipher = frame::Cipher::new(key, id)?;
        let path = self.layout.blob(id);
        blocking(move || BlobReader::open(&path, cipher, size)).await
    }

    /// Whether there is a file of that id, whatever it holds. Fails with `unavailable`.
    pub async fn holds(&self, id: Uuid) -> Result<bool> {
        let path = self.layout.blob(id);
        blocking(move || path.try_exists().map_err(disk::refused("look for a blob"))).await
    }

    /// Removes a blob; `false` where there is none. Its row is dead by then, so the removal is not synced: a blob that a
    /// power cut brings back has no row, and is swept.
    pub async fn remove(&self, id: Uuid) -> Result<bool> {
        let path = self.layout.blob(id);
        blocking(move || disk::remove(&path)).await
    }

    /// Copies a blob's file, as it is, to `to`, which must not be there; answers the digest of its bytes, or nothing
    /// where there is no such blob. The copy is not synced.
    pub async fn export(&self, id: Uuid, to: PathBuf) -> Result<Option<Sha256>> {
        let from = self.layout.blob(id);
        blocking(move || disk::copy(&from, &to)).await
    }

    /// Takes a file of [`Vault::export`] back as blob `id`, durably, in the place of whatever lay there.
    pub async fn import(&self, id: Uuid, from: PathBuf) -> Result<()> {
        let layout = self.layout.clone();
        blocking(move || disk::take_in(&layout, id, &from)).await
    }

    /// Removes many blobs and syncs their folders, so that none comes back; answers those that are gone, whether they
    /// were there or not. A file that the disk does not give up stays, and is not among them.
    pub async fn remove_all(&self, ids: Vec<Uuid>) -> Result<Vec<Uuid>> {
        let layout = self.layout.clone();
        blocking(move || layout.remove_all(&ids)).await
    }

    /// Writes, syncs and removes one small file, as a readiness check does. Blocks.
    pub fn probe(&self) -> Result<()> {
        let mut part = disk::Part::new(&self.layout, self.entropy.uuid(&self.clock)?);
        part.write(b"probe")?;
        part.sync()
    }
}

/// Runs `work` on a thread that may block; a panic there becomes a fault of ours.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Fault::internal)?
}
