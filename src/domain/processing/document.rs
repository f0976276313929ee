//! A received document as processors see it: what intake already knows, and its bytes on demand.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::{Stream, stream};

use super::sniff::TypeFinding;
use crate::kernel::{
    digest::{Algorithm, Digests},
    fault::Result,
};

/// Bytes as they come from the store; a fault ends them.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// Where a document's bytes come from. They may be asked for more than once, from the first byte each time.
pub trait Content: Send + Sync {
    /// A fresh stream over all bytes.
    fn open(&self) -> ByteStream;
}

/// Bytes already in memory: small documents and tests.
impl Content for Bytes {
    fn open(&self) -> ByteStream {
        let bytes = self.clone();
        Box::pin(stream::iter([Ok(bytes)]))
    }
}

/// A closure that opens the stream, such as one that reads a blob.
pub struct Opener<F>(pub F);

impl<F: Fn() -> ByteStream + Send + Sync> Content for Opener<F> {
    fn open(&self) -> ByteStream {
        (self.0)()
    }
}

/// A hash that the sender announced (API-11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Its value, of the algorithm's length.
    pub value: Vec<u8>,
}

/// A document and what intake found out about it.
#[derive(Clone)]
pub struct Document {
    /// The sender's name for it: shown, never a path.
    pub file_name: String,
    /// Declared and real type.
    pub media_type: TypeFinding,
    /// The project's accepted types; see [`super::sniff::listed`].
    pub accepted: Arc<[String]>,
    /// Its length in bytes.
    pub size: u64,
    /// The most that a document may have, in bytes (API-3).
    pub size_limit: u64,
    /// Its digests, computed while it came in.
    pub digests: Digests,
    /// The hash that its sender announced.
    pub announced: Option<Announced>,
    /// Its bytes.
    pub content: Arc<dyn Content>,
}
