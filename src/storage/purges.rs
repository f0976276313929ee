//! The runs of the purge, the blobs that it has yet to remove, and the clock as the house saw it last.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Row, Tx, Value},
    sets,
};
use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
};

/// A row of `purge_run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Its id.
    pub id: Uuid,
    /// The environment.
    pub environment: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; nothing while it runs, and where it died until the next one begins.
    pub ended_at: Option<Timestamp>,
    /// Who ran it: an operator, or `navette` by the clock.
    pub run_by: String,
    /// Why, where an operator ran it.
    pub reason: Option<String>,
    /// Whether an operator vouched for the clock.
    pub confirmed_clock: bool,
    /// What it came to so far.
    pub sums: Sums,
    /// Why it stopped early.
    pub fault: Option<String>,
}

/// What a run comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Exchanges purged.
    pub exchanges: u64,
    /// Their documents.
    pub documents: u64,
    /// The documents' bytes of text.
    pub bytes: u64,
    /// Daily keys destroyed.
    pub keys_destroyed: u64,
    /// Exchanges whose term is over and which something keeps.
    pub kept_back: u64,
}

/// A blob that is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The document's id and its blob's; the exchange's own where it has no blob, and only the ledger is to learn of it.
    pub document_id: Uuid,
    /// The run that destroyed it.
    pub purge_id: Uuid,
    /// The exchange that it belonged to.
    pub exchange_id: Uuid,
    /// Whether the whole exchange is destroyed.
    pub whole: bool,
    /// Whether it was the content of an attachment that is deleted, of a télédossier that stays.
    pub attachment: bool,
}

impl Removal {
    /// Whether its sender replaced or withdrew it: what it belonged to stays, and names it no more.
    pub fn is_given_up(&self) -> bool {
        !self.whole && !self.attachment
    }
}

statements! {
    BEGIN = "INSERT INTO purge_run (id, environment, started_at, run_by, reason, confirmed_clock, exchanges, documents, \
        bytes, keys_destroyed, kept_back) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0, 0)";
    ADVANCE = "UPDATE purge_run SET exchanges = $1, documents = $2, bytes = $3, keys_destroyed = $4, kept_back = $5 WHERE id = $6";
    END = "UPDATE purge_run SET ended_at = $1, fault = $2 WHERE id = $3 AND ended_at IS NULL";
    OPEN = "SELECT id, environment, started_at, ended_at, run_by, reason, confirmed_clock, exchanges, documents, bytes, \
        keys_destroyed, kept_back, fault FROM purge_run WHERE ended_at IS NULL ORDER BY started_at LIMIT $1";
    LAST = "SELECT id, environment, started_at, ended_at, run_by, reason, confirmed_clock, exchanges, documents, bytes, \
        keys_destroyed, kept_back, fault FROM purge_run ORDER BY started_at DESC LIMIT $1";
    TO_REMOVE = "SELECT b.document_id, b.purge_id, COALESCE(d.exchange_id, b.document_id), \
        EXISTS (SELECT 1 FROM exchange e WHERE e.id = COALESCE(d.exchange_id, b.document_id) AND e.status = 'purged'), \
        EXISTS (SELECT 1 FROM hub_attachment a WHERE a.document_id = b.document_id AND a.status = 'DELETED') \
        FROM blob_removal b LEFT JOIN document d ON d.id = b.document_id \
        WHERE b.document_id > $1 ORDER BY b.document_id LIMIT $2";
    AWAITS_REMOVAL = "SELECT 1 FROM blob_removal WHERE document_id = $1";
    MARK = "SELECT at FROM clock_mark WHERE name = 'house'";
    SET_MARK = "INSERT INTO clock_mark (name, at) VALUES ('house', $1) ON CONFLICT (name) DO UPDATE SET at = excluded.at";
    FIRST_ENTRY = "SELECT j.at FROM journal_link l JOIN journal j ON j.id = l.entry_id ORDER BY l.seq LIMIT 1";
    LAST_ENTRY = "SELECT j.at FROM journal_link l JOIN journal j ON j.id = l.entry_id ORDER BY l.seq DESC LIMIT 1";
}

const REMOVED: &str = "DELETE FROM blob_removal WHERE document_id IN ({})";

/// The statement over a set, for the preparation test.
pub(super) fn of_sets() -> Vec<(&'static str, String)> {
    vec![("REMOVED", sets::filled(REMOVED, &[], &[&[Value::Null]]).0)]
}

/// Notes that a run begins.
pub fn begin(tx: &mut Tx<'_>, run: &RunRow) -> Result<()> {
    let r = run.clone();
    let values = params![
        r.id,
        r.environment,
        r.started_at,
        r.run_by,
        r.reason,
        r.confirmed_clock
    ];
    tx.execute(BEGIN, &values).map(drop)
}

/// Notes how far a run is.
pub fn advance(tx: &mut Tx<'_>, run: Uuid, sums: &Sums) -> Result<()> {
    let s = *sums;
    let values = params![
        s.exchanges,
        s.documents,
        s.bytes,
        s.keys_destroyed,
        s.kept_back,
        run
    ];
    tx.execute(ADVANCE, &values).map(drop)
}

/// Notes that a run has ended, and why where it was early; `false` where it has never begun, or has its end.
pub fn end(tx: &mut Tx<'_>, run: Uuid, at: Timestamp, fault: Option<&str>) -> Result<bool> {
    Ok(tx.execute(END, &params![at, fault, run])? == 1)
}

/// At most `limit` runs that have no end, the oldest first.
pub fn open(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<RunRow>> {
    tx.query(OPEN, &params![limit])?.iter().map(run).collect()
}

/// At most `limit` runs, the newest first.
pub fn last(tx: &mut Tx<'_>, limit: u32) -> Result<Vec<RunRow>> {
    tx.query(LAST, &params![limit])?.iter().map(run).collect()
}

/// At most `limit` blobs that are to be removed, from after `id`.
pub fn to_remove(tx: &mut Tx<'_>, id: Uuid, limit: u32) -> Result<Vec<Removal>> {
    let rows = tx.query(TO_REMOVE, &params![id, limit])?;
    rows.iter()
        .map(|row| {
            Ok(Removal {
                document_id: row.get(0)?,
                purge_id: row.get(1)?,
                exchange_id: row.get(2)?,
                whole: row.get(3)?,
                attachment: row.get(4)?,
            })
        })
        .collect()
}

/// Forgets blobs whose files are gone for good.
pub fn removed(tx: &mut Tx<'_>, documents: &[Uuid]) -> Result<()> {
    let documents: Vec<Value> = documents.iter().copied().map(Value::from).collect();
    sets::run(tx, REMOVED, &[], &documents)
}

/// Whether a blob is on its way out.
pub fn awaits_removal(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    Ok(tx.first(AWAITS_REMOVAL, &params![id])?.is_some())
}

/// When the house last looked at the clock and believed it.
pub fn mark(tx: &mut Tx<'_>) -> Result<Option<Timestamp>> {
    let row = tx.first(MARK, &[])?;
    row.map(|row| row.get(0).map(instant)).transpose()
}

/// Notes that the house believes the clock at `at`.
pub fn set_mark(tx: &mut Tx<'_>, at: Timestamp) -> Result<()> {
    tx.execute(SET_MARK, &params![at]).map(drop)
}

/// The date of the journal's first entry.
pub fn first_entry(tx: &mut Tx<'_>) -> Result<Option<Timestamp>> {
    let row = tx.first(FIRST_ENTRY, &[])?;
    row.map(|row| row.get(0).map(instant)).transpose()
}

/// The date of the last entry that the journal has numbered.
pub fn last_entry(tx: &mut Tx<'_>) -> Result<Option<Timestamp>> {
    let row = tx.first(LAST_ENTRY, &[])?;
    row.map(|row| row.get(0).map(instant)).transpose()
}

fn run(row: &Row) -> Result<RunRow> {
    Ok(RunRow {
        id: row.get(0)?,
        environment: row.get(1)?,
        started_at: instant(row.get(2)?),
        ended_at: row.get::<Option<i64>>(3)?.map(instant),
        run_by: row.get(4)?,
        reason: row.get(5)?,
        confirmed_clock: row.get(6)?,
        sums: Sums {
            exchanges: row.get(7)?,
            documents: row.get(8)?,
            bytes: row.get(9)?,
            keys_destroyed: row.get(10)?,
            kept_back: row.get(11)?,
        },
        fault: row.get(12)?,
    })
}
