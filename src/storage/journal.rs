//! The journal: entries appended in the transaction of what they record, numbered and chained afterwards.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Row, Tx, Value},
    exchanges::Owner,
};
use crate::{
    kernel::{
        clock::instant,
        digest::Sha256,
        fault::{Fault, Result},
    },
    params, statements,
};

/// A row of `journal`: ids, digests, dates and codes, never personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// The entry's id.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// What happened, such as `piece.received`.
    pub kind: String,
    /// To which exchange, where to one.
    pub exchange_id: Option<Uuid>,
    /// In which project, where in one.
    pub project: Option<String>,
    /// Partner and environment.
    pub owner: Owner,
    /// The particulars, as JSON text whose bytes the chain covers.
    pub detail: String,
    /// Its number in the chain, once it has one.
    pub seq: Option<u64>,
    /// The digest of itself and its predecessor's, once it has one.
    pub chain: Option<Sha256>,
}

statements! {
    APPEND = "INSERT INTO journal (id, at, kind, exchange_id, project, partner, environment, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    OF_EXCHANGE = "SELECT id, at, kind, exchange_id, project, partner, environment, detail, seq, chain FROM journal \
        WHERE exchange_id = $1 ORDER BY at, id LIMIT $2";
    UNNUMBERED = "SELECT id, at, kind, exchange_id, project, partner, environment, detail, seq, chain FROM journal \
        WHERE seq IS NULL ORDER BY id LIMIT $1";
    ANY_UNNUMBERED = "SELECT 1 FROM journal WHERE seq IS NULL LIMIT 1";
    LAST = "SELECT seq, chain FROM journal WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1";
    NUMBER = "UPDATE journal SET seq = $1, chain = $2 WHERE id = $3 AND seq IS NULL";
    NUMBERED_AFTER = "SELECT id, at, kind, exchange_id, project, partner, environment, detail, seq, chain FROM journal \
        WHERE seq > $1 ORDER BY seq LIMIT $2";
}

/// The statement that appends `entry`, for a batch.
pub fn append(entry: &EntryRow) -> (&'static str, Vec<Value>) {
    let e = entry.clone();
    let values = params![
        e.id,
        e.at,
        e.kind,
        e.exchange_id,
        e.project,
        e.owner.partner,
        e.owner.environment,
        e.detail
    ];
    (APPEND, values.into())
}

/// The entries of one exchange, oldest first, at most `limit`.
pub fn of_exchange(tx: &mut Tx<'_>, exchange: Uuid, limit: u32) -> Result<Vec<EntryRow>> {
    tx.query(OF_EXCHANGE, &params![exchange, limit])?
        .iter()
        .map(entry)
        .collect()
}

/// Whether an entry waits for its number.
pub fn any_unnumbered(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(tx.first(ANY_UNNUMBERED, &[])?.is_some())
}

/// Entries that wait for their number, at most `limit`.
pub fn unnumbered(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<EntryRow>> {
    tx.query(UNNUMBERED, &params![limit])?
        .iter()
        .map(entry)
        .collect()
}

/// The last number given and its digest; nothing before the first entry.
pub fn last(tx: &mut Tx<'_>) -> Result<Option<(u64, Sha256)>> {
    let Some(row) = tx.first(LAST, &[])? else {
        return Ok(None);
    };
    Ok(Some((row.get(0)?, row.get(1)?)))
}

/// Gives entries their numbers and digests; fails if one of them has a number already.
pub fn number(tx: &mut Tx<'_>, numbered: &[(Uuid, u64, Sha256)]) -> Result<()> {
    let values: Vec<_> = numbered
        .iter()
        .map(|(id, seq, chain)| params![*seq, chain, *id])
        .collect();
    let statements: Vec<_> = values.iter().map(|values| (NUMBER, &values[..])).collect();
    tx.batch(&statements)
}

/// At most `limit` entries whose number is above `seq`, in order.
pub fn numbered_after(tx: &mut Tx<'_>, seq: u64, limit: u32) -> Result<Vec<EntryRow>> {
    tx.query(NUMBERED_AFTER, &params![seq, limit])?
        .iter()
        .map(entry)
        .collect()
}

fn entry(row: &Row) -> Result<EntryRow> {
    let chain: Option<Vec<u8>> = row.get(9)?;
    Ok(EntryRow {
        id: row.get(0)?,
        at: instant(row.get(1)?),
        kind: row.get(2)?,
        exchange_id: row.get(3)?,
        project: row.get(4)?,
        owner: Owner {
            partner: row.get(5)?,
            environment: row.get(6)?,
        },
        detail: row.get(7)?,
        seq: row.get(8)?,
        chain: chain
            .map(|bytes| {
                bytes
                    .try_into()
                    .map_err(|_| Fault::internal("a chain digest is not 32 bytes"))
            })
            .transpose()?,
    })
}
