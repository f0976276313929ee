//! Documents: what came in, what was made of it, and where its bytes lie.
//!
//! A document is a blob of the same id, or it lies in another's blob ([`Container`]): the files of an archive are never
//! copied out of it. Only the former have a key of their own, are backed up, swept and removed.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Prepared, Row, Tx, Value},
    exchanges::{Owner, owner},
};
use crate::{
    kernel::{
        clock::instant,
        digest::Sha256,
        fault::{Fault, Result},
    },
    params, statements,
};

/// A row of `document`.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// The document's id, and its blob's where it has one.
    pub id: Uuid,
    /// The exchange it belongs to.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// `content` as received, `produced` by a processor, `archive` and `unpacked` for what holds the files of pieces.
    pub role: String,
    /// Its file's name, sealed under the exchange's key, where the metadata do not give it.
    pub file_name: Option<Vec<u8>>,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// The project key that wraps the blob's own.
    pub key_id: Uuid,
    /// The blob's own key, wrapped; empty for what lies in another's blob.
    pub wrapped_key: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
    /// The piece of the archive that it belongs to.
    pub piece_id: Option<Uuid>,
    /// Where its bytes lie, where not in a blob of its own.
    pub container: Option<Container>,
}

/// A place in another document's blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Container {
    /// The document whose blob holds the bytes.
    pub id: Uuid,
    /// Where they begin, in bytes of its text.
    pub offset: u64,
    /// How many they are as stored.
    pub length: u64,
    /// How they are stored.
    pub method: Method,
}

/// How bytes are stored in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As they are.
    Stored,
    /// By the deflate algorithm, without a header.
    Deflate,
}

impl Method {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Deflate => "deflate",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "stored" => Ok(Self::Stored),
            "deflate" => Ok(Self::Deflate),
            other => Err(Fault::internal(format!("{other} is no way to store bytes"))),
        }
    }
}

statements! {
    INSERT = "INSERT INTO document (id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, \
        key_id, wrapped_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    INSERT_CONTAINED = "INSERT INTO document (id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, \
        key_id, wrapped_key, created_at, piece_id, container_id, container_offset, container_length, container_method) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    OF_EXCHANGE = "SELECT id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, key_id, wrapped_key, \
        created_at, piece_id, container_id, container_offset, container_length, container_method \
        FROM document WHERE exchange_id = $1 AND piece_id IS NULL ORDER BY id";
    WITH_BLOBS = "SELECT id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, key_id, wrapped_key, \
        created_at, piece_id, container_id, container_offset, container_length, container_method \
        FROM document WHERE exchange_id = $1 AND container_id IS NULL AND purged_at IS NULL AND id > $2 ORDER BY id LIMIT $3";
    OF_PIECE = "SELECT id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, key_id, wrapped_key, \
        created_at, piece_id, container_id, container_offset, container_length, container_method \
        FROM document WHERE piece_id = $1 ORDER BY id";
    FIND = "SELECT id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, key_id, wrapped_key, \
        created_at, piece_id, container_id, container_offset, container_length, container_method FROM document WHERE id = $1";
    AFTER = "SELECT id, exchange_id, partner, environment, role, file_name, media_type, size, sha256, key_id, wrapped_key, \
        created_at, piece_id, container_id, container_offset, container_length, container_method \
        FROM document WHERE id > $1 AND purged_at IS NULL AND NOT EXISTS (SELECT 1 FROM archive a WHERE a.exchange_id = document.exchange_id \
        AND a.token IS NOT NULL AND a.state NOT IN ('spooling', 'staging')) ORDER BY id LIMIT $2";
    HAS_BLOB = "SELECT 1 FROM document WHERE id = $1 AND purged_at IS NULL AND container_id IS NULL";
    IS_KEPT = "SELECT 1 FROM document WHERE id = $1 AND purged_at IS NULL";
    SPOOLED = "SELECT 1 FROM archive WHERE state IN ('spooling', 'staging') AND (container_id = $1 OR unpacked_id = $1) LIMIT 1";
}

/// The statement that inserts `document`, for a batch.
pub fn insert_document(document: &DocumentRow) -> Prepared {
    let d = document.clone();
    let mut values: Vec<Value> = params![
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
    ]
    .into();
    if d.piece_id.is_none() && d.container.is_none() {
        return (INSERT, values);
    }
    let c = d.container;
    values.extend(params![
        d.piece_id,
        c.map(|c| c.id),
        c.map(|c| c.offset),
        c.map(|c| c.length),
        c.map(|c| c.method.as_str())
    ]);
    (INSERT_CONTAINED, values)
}

/// The documents of an exchange that belong to no piece of an archive, the received content first.
pub fn documents(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Vec<DocumentRow>> {
    let rows = tx.query(OF_EXCHANGE, &params![exchange])?;
    rows.iter().map(document).collect()
}

/// At most `limit` documents of an exchange, pieces of an archive included, of ids after `id`: those that have a blob of their own,
/// in which all the others lie.
pub fn with_blobs_after(
    tx: &mut Tx<'_>,
    exchange: Uuid,
    id: Uuid,
    limit: u32,
) -> Result<Vec<DocumentRow>> {
    let rows = tx.query(WITH_BLOBS, &params![exchange, id, limit])?;
    rows.iter().map(document).collect()
}

/// The documents of a piece of an archive, in the order in which they were written.
pub fn of_piece(tx: &mut Tx<'_>, piece: Uuid) -> Result<Vec<DocumentRow>> {
    let rows = tx.query(OF_PIECE, &params![piece])?;
    rows.iter().map(document).collect()
}

/// The document of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<DocumentRow>> {
    let row = tx.first(FIND, &params![id])?;
    row.as_ref().map(document).transpose()
}

/// At most `limit` documents of all exchanges that are not purged, from after `id`, in the order of their ids.
pub fn documents_after(tx: &mut Tx<'_>, id: Uuid, limit: u32) -> Result<Vec<DocumentRow>> {
    let rows = tx.query(AFTER, &params![id, limit])?;
    rows.iter().map(document).collect()
}

/// Whether a blob belongs to a document that is not purged, or to an archive that is being taken.
pub fn has_document(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    let named = tx.first(HAS_BLOB, &params![id])?.is_some();
    Ok(named || tx.first(SPOOLED, &params![id])?.is_some())
}

/// Whether there is such a document and it is not purged, wherever its bytes lie.
pub fn is_kept(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    Ok(tx.first(IS_KEPT, &params![id])?.is_some())
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
        piece_id: row.get(12)?,
        container: container(row)?,
    })
}

fn container(row: &Row) -> Result<Option<Container>> {
    let Some(id) = row.get::<Option<Uuid>>(13)? else {
        return Ok(None);
    };
    Ok(Some(Container {
        id,
        offset: row.get(14)?,
        length: row.get(15)?,
        method: Method::parse(&row.get::<String>(16)?)?,
    }))
}
