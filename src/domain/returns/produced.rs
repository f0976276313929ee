//! The files that were produced from an exchange, as its return tells of them: each by its row, and carried or linked to.

use data_encoding::BASE64;
use serde::Serialize;
use uuid::Uuid;

use crate::{kernel::digest::hex, storage::exchanges::DocumentRow};

/// How the produced files of a return are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrying {
    /// In the return itself.
    Inline,
    /// By their addresses.
    Links,
    /// As entries of the return archive.
    Entries,
}

/// How one of them is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Carried {
    /// In the return itself, as base64.
    Content(String),
    /// By its address in this service.
    Href(String),
    /// As an entry of the return archive.
    Entry(String),
}

impl Carried {
    /// In the return itself.
    pub fn inline(bytes: &[u8]) -> Self {
        Self::Content(BASE64.encode(bytes))
    }

    /// By its address.
    pub fn link(row: &DocumentRow) -> Self {
        let (exchange, document) = (row.exchange_id, row.id);
        Self::Href(format!("/v1/pieces/{exchange}/return/documents/{document}"))
    }
}

/// A produced file and how it is handed over.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    document_id: Uuid,
    file_name: String,
    media_type: String,
    size: u64,
    sha256: String,
    #[serde(flatten)]
    carried: Carried,
}

impl Document {
    /// The file of `row`, under this name.
    pub fn new(row: &DocumentRow, file_name: String, carried: Carried) -> Self {
        Self {
            document_id: row.id,
            file_name,
            media_type: row.media_type.clone(),
            size: row.size,
            sha256: hex(&row.sha256),
            carried,
        }
    }
}

/// A file's name as a part of a path: a processor's name for it is no path.
pub fn plain(file_name: &str) -> String {
    let harmless = |c: char| match c == '/' || c == '\\' || c.is_control() {
        true => '_',
        false => c,
    };
    file_name.chars().take(200).map(harmless).collect()
}
