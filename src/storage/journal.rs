//! The journal: entries appended in the transaction of what they record, numbered and chained afterwards.
//!
//! `journal` is only ever inserted into. An entry waits in `journal_pending` until the sequencer gives it a number and a
//! digest in `journal_link`; both tables are narrow, so that the large one can be partitioned by month.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Prepared, Row, Tx, Value},
    exchanges::Owner,
    sets,
};
use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
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
}

/// A row of `journal_link`: an entry's place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// The entry.
    pub entry_id: Uuid,
    /// The digest of the entry and of its predecessor's digest.
    pub chain: Sha256,
}

statements! {
    APPEND = "INSERT INTO journal (id, at, kind, exchange_id, project, partner, environment, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    PEND = "INSERT INTO journal_pending (entry_id) VALUES ($1)";
    OF_EXCHANGE = "SELECT id, at, kind, exchange_id, project, partner, environment, detail FROM journal \
        WHERE exchange_id = $1 AND (at, id) > ($2, $3) ORDER BY at, id LIMIT $4";
    PENDING = "SELECT j.id, j.at, j.kind, j.exchange_id, j.project, j.partner, j.environment, j.detail \
        FROM journal_pending p JOIN journal j ON j.id = p.entry_id ORDER BY p.entry_id LIMIT $1";
    ANY_PENDING = "SELECT 1 FROM journal_pending ORDER BY entry_id LIMIT 1";
    LAST = "SELECT seq, entry_id, chain FROM journal_link ORDER BY seq DESC LIMIT 1";
    LINKED_AFTER = "SELECT l.seq, l.entry_id, l.chain, j.id, j.at, j.kind, j.exchange_id, j.project, j.partner, \
        j.environment, j.detail FROM journal_link l LEFT JOIN journal j ON j.id = l.entry_id WHERE l.seq > $1 \
        ORDER BY l.seq LIMIT $2";
    OUTSIDE = "SELECT j.id FROM journal j WHERE NOT EXISTS (SELECT 1 FROM journal_link l WHERE l.entry_id = j.id) \
        AND NOT EXISTS (SELECT 1 FROM journal_pending p WHERE p.entry_id = j.id) LIMIT $1";
}

const APPEND_ALL: &str =
    "INSERT INTO journal (id, at, kind, exchange_id, project, partner, environment, detail) VALUES";
const PEND_ALL: &str = "INSERT INTO journal_pending (entry_id) VALUES";
const LINK_ALL: &str = "INSERT INTO journal_link (seq, entry_id, chain) VALUES";
const UNPEND_ALL: &str = "DELETE FROM journal_pending WHERE entry_id IN ({})";

/// The statements over sets, for the preparation test.
pub(super) fn of_sets() -> Vec<(&'static str, String)> {
    vec![
        ("APPEND_ALL", sets::inserting(APPEND_ALL, 2, 8)),
        ("PEND_ALL", sets::inserting(PEND_ALL, 2, 1)),
        ("LINK_ALL", sets::inserting(LINK_ALL, 2, 3)),
        (
            "UNPEND_ALL",
            sets::filled(UNPEND_ALL, &[], &[&[Value::Null]]).0,
        ),
    ]
}

/// The statements that append `entry`, for a batch.
pub fn appending(entry: &EntryRow) -> [Prepared; 2] {
    [(APPEND, values(entry)), (PEND, params![entry.id].into())]
}

/// Appends many entries at once.
pub fn append_all(tx: &mut Tx<'_>, entries: &[&EntryRow]) -> Result<()> {
    let rows: Vec<_> = entries.iter().map(|entry| values(entry)).collect();
    let pended: Vec<Vec<Value>> = entries
        .iter()
        .map(|entry| params![entry.id].into())
        .collect();
    sets::insert(tx, APPEND_ALL, &rows)?;
    sets::insert(tx, PEND_ALL, &pended)
}

fn values(entry: &EntryRow) -> Vec<Value> {
    let e = entry.clone();
    params![
        e.id,
        e.at,
        e.kind,
        e.exchange_id,
        e.project,
        e.owner.partner,
        e.owner.environment,
        e.detail
    ]
    .into()
}

/// Appends `entry`.
pub fn append(tx: &mut Tx<'_>, entry: &EntryRow) -> Result<()> {
    let statements = appending(entry);
    tx.run_all(&statements)
}

/// The entries of one exchange behind that date and id, oldest first, at most `limit`.
pub fn of_exchange(
    tx: &mut Tx<'_>,
    exchange: Uuid,
    (at, id): (Timestamp, Uuid),
    limit: u32,
) -> Result<Vec<EntryRow>> {
    let rows = tx.query(OF_EXCHANGE, &params![exchange, at, id, limit])?;
    rows.iter().map(|row| entry(row, 0)).collect()
}

/// Whether an entry waits for its number.
pub fn any_pending(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(tx.first(ANY_PENDING, &[])?.is_some())
}

/// Entries that wait for their number, at most `limit`.
pub fn pending(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<EntryRow>> {
    let rows = tx.query(PENDING, &params![limit])?;
    rows.iter().map(|row| entry(row, 0)).collect()
}

/// The last link of the chain; nothing before the first entry.
pub fn last(tx: &mut Tx<'_>) -> Result<Option<LinkRow>> {
    tx.first(LAST, &[])?.as_ref().map(link).transpose()
}

/// Gives entries their numbers and digests. Fails, and writes nothing, where a number or an entry is taken already.
pub fn number(tx: &mut Tx<'_>, links: &[LinkRow]) -> Result<()> {
    let rows: Vec<Vec<Value>> = links
        .iter()
        .map(|link| params![link.seq, link.entry_id, link.chain].into())
        .collect();
    let entries: Vec<Value> = links.iter().map(|link| link.entry_id.into()).collect();
    sets::insert(tx, LINK_ALL, &rows)?;
    sets::run(tx, UNPEND_ALL, &[], &entries)
}

/// At most `limit` links whose number is above `seq`, in order, each with its entry where it is still there.
pub fn linked_after(
    tx: &mut Tx<'_>,
    seq: u64,
    limit: u32,
) -> Result<Vec<(LinkRow, Option<EntryRow>)>> {
    let rows = tx.query(LINKED_AFTER, &params![seq, limit])?;
    rows.iter()
        .map(|row| {
            let id: Option<Uuid> = row.get(3)?;
            Ok((link(row)?, id.map(|_| entry(row, 3)).transpose()?))
        })
        .collect()
}

/// Entries that neither have a place in the chain nor wait for one, at most `limit`: somebody put them in.
pub fn outside(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<Uuid>> {
    tx.query(OUTSIDE, &params![limit])?
        .iter()
        .map(|row| row.get(0))
        .collect()
}

fn link(row: &Row) -> Result<LinkRow> {
    Ok(LinkRow {
        seq: row.get(0)?,
        entry_id: row.get(1)?,
        chain: row.get(2)?,
    })
}

fn entry(row: &Row, at: usize) -> Result<EntryRow> {
    Ok(EntryRow {
        id: row.get(at)?,
        at: instant(row.get(at + 1)?),
        kind: row.get(at + 2)?,
        exchange_id: row.get(at + 3)?,
        project: row.get(at + 4)?,
        owner: Owner {
            partner: row.get(at + 5)?,
            environment: row.get(at + 6)?,
        },
        detail: row.get(at + 7)?,
    })
}
