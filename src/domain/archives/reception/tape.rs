//! What takes an archive's bytes as they come from its depot.

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    codec::Format,
    kernel::{digest::Hasher, fault::Result},
    vault::{BlobWriter, Stored},
};

/// An archive on its way in.
pub enum Tape {
    /// It is kept, in a blob.
    Kept(Box<BlobWriter>),
    /// It is over the limit: it is hashed, for the receipt that refuses it, and fills no store however large it is.
    Hashed {
        /// The id that its blob would have.
        id: Uuid,
        /// Of all its bytes so far.
        hasher: Box<Hasher>,
        /// How many they are.
        size: u64,
    },
}

impl Tape {
    /// One that keeps nothing.
    pub fn hashed(id: Uuid) -> Self {
        Self::Hashed {
            id,
            hasher: Box::new(Hasher::new(false)),
            size: 0,
        }
    }

    /// The blob's id.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Kept(writer) => writer.id(),
            Self::Hashed { id, .. } => *id,
        }
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        match self {
            Self::Kept(writer) => writer.size(),
            Self::Hashed { size, .. } => *size,
        }
    }

    /// The format that its first bytes tell; none of one that is not kept.
    pub fn format(&self) -> Option<Format> {
        match self {
            Self::Kept(writer) => Format::detect(writer.prefix()),
            Self::Hashed { .. } => None,
        }
    }

    /// Takes bytes; fails as [`BlobWriter::write`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Kept(writer) => writer.write(bytes).await,
            Self::Hashed { hasher, size, .. } => {
                hasher.update(bytes);
                *size += bytes.len() as u64;
                Ok(())
            }
        }
    }

    /// What came in all, and whether it is kept; fails as [`BlobWriter::finish`].
    pub async fn finish(self) -> Result<(Stored, bool)> {
        match self {
            Self::Kept(writer) => Ok((writer.finish().await?, true)),
            Self::Hashed { id, hasher, size } => {
                let stored = Stored {
                    id,
                    size,
                    digests: hasher.finish(),
                    prefix: Bytes::new(),
                };
                Ok((stored, false))
            }
        }
    }
}
