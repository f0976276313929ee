//! The documents of exchanges: one row, one blob of the same id.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Row, Tx, Value},
    exchanges::{Owner, owner},
};
use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
    params, statements,
};

/// A row of `document`: one document, one blob of the same id.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// The document's id and its blob's.
    pub id: Uuid,
    /// The exchange it belongs to.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// `content` as received, `produced` by a processor.
    pub role: String,
    /// A produced file's name, sealed under the exchange's key.
    pub file_name: Option<Vec<u8>>,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// The project key that wraps the blob's own.
    pub key_id: Uuid,
    /// The blob's own key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
}

statements! {
    INSERT_DOCUMENT = "INSERT INTO document (id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, \
        key_id, wrapped_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    DOCUMENTS = "SELECT id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, key_id, wrapped_key, \
        created_at FROM document WHERE exchange_id = $1 ORDER BY id";
    DOCUMENTS_AFTER = "SELECT id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, key_id, \
        wrapped_key, created_at FROM document WHERE id > $1 AND purged_at IS NULL ORDER BY id LIMIT $2";
    HAS_DOCUMENT = "SELECT 1 FROM document WHERE id = $1 AND purged_at IS NULL";
}

/// The statement that inserts `document`, for a batch.
pub fn insert_document(document: &DocumentRow) -> (&'static str, Vec<Value>) {
    let d = document.clone();
    let values = params![
        d.id,
        d.exchange_id,
        d.owner.partner,
        d.owner.environment,
        d.role,
        d.file_name,
        d.media_type,
        d.size,
        d.sha256,
        d.key_id,
        d.wrapped_key,
        d.created_at
    ];
    (INSERT_DOCUMENT, values.into())
}

/// The documents of an exchange, the received content first.
pub fn documents(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Vec<DocumentRow>> {
    tx.query(DOCUMENTS, &params![exchange])?
        .iter()
        .map(document)
        .collect()
}

/// At most `limit` documents of all exchanges that are not purged, from after `id`, in the order of their ids.
pub fn documents_after(tx: &mut Tx<'_>, id: Uuid, limit: u32) -> Result<Vec<DocumentRow>> {
    tx.query(DOCUMENTS_AFTER, &params![id, limit])?
        .iter()
        .map(document)
        .collect()
}

/// Whether a blob belongs to a document that is not purged.
pub fn has_document(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    Ok(tx.first(HAS_DOCUMENT, &params![id])?.is_some())
}

fn document(row: &Row) -> Result<DocumentRow> {
    Ok(DocumentRow {
        id: row.get(0)?,
        exchange_id: row.get(1)?,
        owner: owner(row, 2)?,
        role: row.get(4)?,
        file_name: row.get(5)?,
        media_type: row.get(6)?,
        size: row.get(7)?,
        sha256: row.get(8)?,
        key_id: row.get(9)?,
        wrapped_key: row.get(10)?,
        created_at: instant(row.get(11)?),
    })
}
