//! Documents in memory, for the tests of this room.

use bytes::Bytes;

use super::{document::Document, sniff};
use crate::kernel::digest::Hasher;

/// A document as intake would describe it: every type accepted, no hash announced.
pub(super) fn document(bytes: &[u8], declared: &str) -> Document {
    let mut hasher = Hasher::new(false);
    hasher.update(bytes);
    Document {
        file_name: "document".to_owned(),
        media_type: sniff::compare(bytes, declared),
        accepted: [].into(),
        size: bytes.len() as u64,
        size_limit: 20_000_000,
        digests: hasher.finish(),
        announced: None,
        content: std::sync::Arc::new(Bytes::copy_from_slice(bytes)),
    }
}
