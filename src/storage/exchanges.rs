//! Exchanges, their receipts, natural keys and results; their documents are in [`super::documents`].

use jiff::Timestamp;
use uuid::Uuid;

pub use super::documents::{
    Container, DocumentRow, Method, documents, documents_after, has_document, insert_document,
};
use super::engine::{Prepared, Row, Tx};
use crate::{
    kernel::{
        clock::instant,
        digest::Sha256,
        fault::{Fault, Result},
    },
    params, statements,
};

/// Who a row belongs to: every row carries both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The organisation at the other end.
    pub partner: String,
    /// The environment, such as `production`.
    pub environment: String,
}

/// A row of `exchange`.
#[derive(Clone, Debug)]
pub struct ExchangeRow {
    /// The reconciliation id.
    pub id: Uuid,
    /// `piece` for a file sent by API, `archive` or `pli` for one that a depot held.
    pub kind: String,
    /// The client that sent it, and sees it.
    pub client_id: String,
    /// Partner and environment.
    pub owner: Owner,
    /// The project.
    pub project: String,
    /// The sender's application.
    pub source_application: String,
    /// The iteration, from 1.
    pub iteration: u32,
    /// Where it stands.
    pub status: String,
    /// When its last byte was read.
    pub received_at: Timestamp,
    /// The request body's bytes as received.
    pub request_bytes: u64,
    /// The keyed hash of the dossier id.
    pub dossier_hash: Sha256,
    /// The content's bytes.
    pub size: u64,
    /// The content's SHA-256.
    pub sha256: Sha256,
    /// The project key that wraps the exchange's own.
    pub key_id: Uuid,
    /// The exchange's own key, wrapped.
    pub wrapped_key: Vec<u8>,
    /// The metadata as received, sealed under the exchange's key.
    pub metadata: Vec<u8>,
    /// Whether an earlier iteration of its dossier was missing when it came.
    pub earlier_missing: bool,
    /// How often it came again.
    pub repetitions: u32,
}

/// A row of `receipt`.
#[derive(Clone, Debug)]
pub struct ReceiptRow {
    /// The exchange it proves.
    pub exchange_id: Uuid,
    /// The receipt's own id.
    pub id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// The JSON that is signed.
    pub body: Vec<u8>,
    /// The CMS, DER.
    pub cms: Vec<u8>,
    /// When it was signed.
    pub created_at: Timestamp,
    /// Whether body and CMS are sealed under the exchange's key: they name entries of an archive.
    pub sealed: bool,
}

/// What a natural key already stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The exchange that came first.
    pub exchange_id: Uuid,
    /// Its content.
    pub sha256: Sha256,
}

statements! {
    CLAIM = "INSERT INTO natural_key (digest, exchange_id, sha256) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING";
    CLAIM_UNASKED = "INSERT INTO natural_key (digest, exchange_id, sha256) VALUES ($1, $2, $3)";
    CLAIMED = "SELECT exchange_id, sha256 FROM natural_key WHERE digest = $1";
    INSERT = "INSERT INTO exchange (id, kind, client_id, partner, environment, project, source_application, iteration, status, \
        received_at, request_bytes, dossier_hash, size, sha256, key_id, wrapped_key, metadata, earlier_missing) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    INSERT_RECEIPT = "INSERT INTO receipt (exchange_id, id, partner, environment, body, cms, created_at, sealed) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    INSERT_RESULT = "INSERT INTO result (exchange_id, partner, environment, key_id, body, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = "SELECT id, kind, client_id, partner, environment, project, source_application, iteration, status, \
        received_at, request_bytes, dossier_hash, size, sha256, key_id, wrapped_key, metadata, earlier_missing, repetitions \
        FROM exchange WHERE id = $1";
    RECEIPT = "SELECT exchange_id, id, partner, environment, body, cms, created_at, sealed FROM receipt WHERE exchange_id = $1";
    RESULT = "SELECT body FROM result WHERE exchange_id = $1";
    SET_STATUS = "UPDATE exchange SET status = $1 WHERE id = $2";
    REPEATED = "UPDATE exchange SET repetitions = repetitions + 1 WHERE id = $1";
}

/// Takes the natural key `digest` for `exchange`. Answers what it already stands for, where it is taken.
pub fn claim(
    tx: &mut Tx<'_>,
    digest: &Sha256,
    exchange: Uuid,
    sha256: &Sha256,
) -> Result<Option<Known>> {
    if tx.execute(CLAIM, &params![digest, exchange, sha256])? == 1 {
        return Ok(None);
    }
    let row = tx.first(CLAIMED, &params![digest])?;
    let row = row.ok_or_else(|| Fault::unavailable("a natural key vanished while it was read"))?;
    Ok(Some(Known {
        exchange_id: row.get(0)?,
        sha256: row.get(1)?,
    }))
}

/// The same without an answer, for units that run together: where the natural key is taken, the transaction fails.
pub fn claim_unasked(
    tx: &mut Tx<'_>,
    digest: &Sha256,
    exchange: Uuid,
    sha256: &Sha256,
) -> Result<()> {
    tx.batch(&[(CLAIM_UNASKED, &params![digest, exchange, sha256])])
}

/// The statement that inserts `exchange`, for a batch.
pub fn insert(exchange: &ExchangeRow) -> Prepared {
    let e = exchange.clone();
    let values = params![
        e.id,
        e.kind,
        e.client_id,
        e.owner.partner,
        e.owner.environment,
        e.project,
        e.source_application,
        e.iteration,
        e.status,
        e.received_at,
        e.request_bytes,
        e.dossier_hash,
        e.size,
        e.sha256,
        e.key_id,
        e.wrapped_key,
        e.metadata,
        e.earlier_missing
    ];
    (INSERT, values.into())
}

/// The statement that inserts `receipt`, for a batch.
pub fn insert_receipt(receipt: &ReceiptRow) -> Prepared {
    let r = receipt.clone();
    let values = params![
        r.exchange_id,
        r.id,
        r.owner.partner,
        r.owner.environment,
        r.body,
        r.cms,
        r.created_at,
        r.sealed
    ];
    (INSERT_RECEIPT, values.into())
}

/// Keeps the sealed results of an exchange.
pub fn insert_result(
    tx: &mut Tx<'_>,
    exchange: &ExchangeRow,
    body: &[u8],
    at: Timestamp,
) -> Result<()> {
    let owner = &exchange.owner;
    let values = params![
        exchange.id,
        &owner.partner,
        &owner.environment,
        exchange.key_id,
        body,
        at
    ];
    tx.execute(INSERT_RESULT, &values).map(drop)
}

/// The exchange of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<ExchangeRow>> {
    tx.first(FIND, &params![id])?
        .as_ref()
        .map(exchange)
        .transpose()
}

/// The receipt of an exchange.
pub fn receipt(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Option<ReceiptRow>> {
    tx.first(RECEIPT, &params![exchange])?
        .as_ref()
        .map(receipt_row)
        .transpose()
}

/// The sealed results of an exchange, once it was processed.
pub fn result(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Option<Vec<u8>>> {
    tx.first(RESULT, &params![exchange])?
        .map(|row| row.get(0))
        .transpose()
}

/// Moves an exchange to `status`.
pub fn set_status(tx: &mut Tx<'_>, exchange: Uuid, status: &str) -> Result<()> {
    tx.execute(SET_STATUS, &params![status, exchange]).map(drop)
}

/// Counts that an exchange came again.
pub fn repeated(tx: &mut Tx<'_>, exchange: Uuid) -> Result<()> {
    tx.execute(REPEATED, &params![exchange]).map(drop)
}

pub(super) fn owner(row: &Row, at: usize) -> Result<Owner> {
    Ok(Owner {
        partner: row.get(at)?,
        environment: row.get(at + 1)?,
    })
}

pub(super) fn exchange(row: &Row) -> Result<ExchangeRow> {
    Ok(ExchangeRow {
        id: row.get(0)?,
        kind: row.get(1)?,
        client_id: row.get(2)?,
        owner: owner(row, 3)?,
        project: row.get(5)?,
        source_application: row.get(6)?,
        iteration: row.get(7)?,
        status: row.get(8)?,
        received_at: instant(row.get(9)?),
        request_bytes: row.get(10)?,
        dossier_hash: row.get(11)?,
        size: row.get(12)?,
        sha256: row.get(13)?,
        key_id: row.get(14)?,
        wrapped_key: row.get(15)?,
        metadata: row.get(16)?,
        earlier_missing: row.get(17)?,
        repetitions: row.get(18)?,
    })
}

pub(super) fn receipt_row(row: &Row) -> Result<ReceiptRow> {
    Ok(ReceiptRow {
        exchange_id: row.get(0)?,
        id: row.get(1)?,
        owner: owner(row, 2)?,
        body: row.get(4)?,
        cms: row.get(5)?,
        created_at: instant(row.get(6)?),
        sealed: row.get(7)?,
    })
}
