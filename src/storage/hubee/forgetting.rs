//! What is left of a folder that is deleted (R61): a count, and for a moment the rows of its exchange.
//!
//! A deletion goes in two steps, so that one that dies half way is gone on with: the folder's own rows go and its exchange
//! is emptied in one transaction ([`super::super::purging`]); once its blobs are gone and the ledger names it, the rows of
//! the exchange and its documents go too ([`bury`]). The journal keeps its ids.

use jiff::Timestamp;
use uuid::Uuid;

use super::batches::{queried, run_over};
use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
    storage::{
        engine::{Row, Tx, Value},
        sets,
    },
};

/// What is counted of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// The folder.
    pub id: Uuid,
    /// Its process.
    pub process: String,
    /// Who sent it.
    pub osl: String,
    /// When.
    pub created_at: Timestamp,
    /// Its cases.
    pub cases: u64,
    /// Its attachments, its events' among them.
    pub attachments: u64,
    /// Its events.
    pub events: u64,
    /// Its attachments' bytes.
    pub bytes: u64,
}

statements! {
    COUNT = "INSERT INTO hub_counter (day, process_code, osl, folders, cases, attachments, events, bytes) \
        VALUES ($1, $2, $3, 1, $4, $5, $6, $7) ON CONFLICT (day, process_code, osl) DO UPDATE SET \
        folders = hub_counter.folders + 1, cases = hub_counter.cases + excluded.cases, \
        attachments = hub_counter.attachments + excluded.attachments, events = hub_counter.events + excluded.events, \
        bytes = hub_counter.bytes + excluded.bytes";
    TOMBSTONES = "SELECT e.id FROM exchange e WHERE e.project = 'hubee' AND e.status = 'purged' AND e.id > $1 \
        AND NOT EXISTS (SELECT 1 FROM document d JOIN blob_removal b ON b.document_id = d.id WHERE d.exchange_id = e.id) \
        ORDER BY e.id LIMIT $2";
}

const SUMS: &str = "SELECT f.id, f.process_code, f.osl, f.created_at, \
    (SELECT count(*) FROM hub_case c WHERE c.folder_id = f.id), \
    (SELECT count(*) FROM hub_attachment a WHERE a.folder_id = f.id), \
    (SELECT count(*) FROM hub_event v WHERE v.folder_id = f.id), \
    (SELECT CAST(COALESCE(sum(a.size), 0) AS bigint) FROM hub_attachment a WHERE a.folder_id = f.id) \
    FROM hub_folder f WHERE f.status = 'ARCHIVED' AND f.archived_at <= $1 \
    AND NOT EXISTS (SELECT 1 FROM exchange e JOIN legal_hold h ON h.project = e.project AND h.dossier_hash = e.dossier_hash \
    WHERE e.id = f.id AND h.lifted_at IS NULL) \
    AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.exchange_id = f.id AND i.state <> 'resolved') AND f.id IN ({})";
/// A folder's own rows, those that are found by others first.
const FORGET: [&str; 7] = [
    "DELETE FROM hub_mail WHERE case_id IN (SELECT c.id FROM hub_case c WHERE c.folder_id IN ({}))",
    "DELETE FROM hub_notification WHERE folder_id IN ({})",
    "DELETE FROM hub_case_attachment WHERE folder_id IN ({})",
    "DELETE FROM hub_attachment WHERE folder_id IN ({})",
    "DELETE FROM hub_event WHERE folder_id IN ({})",
    "DELETE FROM hub_case WHERE folder_id IN ({})",
    "DELETE FROM hub_folder WHERE id IN ({})",
];
/// What an exchange that is purged still has.
const BURY: [&str; 3] = [
    "DELETE FROM scan WHERE exchange_id IN ({})",
    "DELETE FROM document WHERE exchange_id IN ({})",
    "DELETE FROM exchange WHERE kind = 'teledossier' AND status = 'purged' AND id IN ({})",
];
/// The contents of a restored house that were deleted before: their attachments say so again.
const FILES_OF: &str =
    "UPDATE hub_attachment SET status = 'DELETED', updated_at = $1 WHERE document_id IN ({})";
const LINKS_OF: &str = "UPDATE hub_case_attachment SET link_status = 'DELETED' \
    WHERE attachment_id IN (SELECT a.id FROM hub_attachment a WHERE a.document_id IN ({}))";

/// The statements over sets, each of one member, for the preparation test.
pub(in crate::storage) fn of_sets() -> Vec<(&'static str, String)> {
    let one = [Value::Null];
    let bare = |template: &&str| sets::filled(template, &[], &[&one]).0;
    let dated = |template: &str| sets::filled(template, &one, &[&one]).0;
    let mut all = vec![
        ("SUMS", dated(SUMS)),
        ("FILES_OF", dated(FILES_OF)),
        ("LINKS_OF", bare(&LINKS_OF)),
    ];
    all.extend(FORGET.iter().map(|template| ("FORGET", bare(template))));
    all.extend(BURY.iter().map(|template| ("BURY", bare(template))));
    all
}

/// Those of `ids` that are archived since `upto` or before and that nothing keeps, with what is counted of them.
pub fn sums(tx: &mut Tx<'_>, upto: Timestamp, ids: &[Uuid]) -> Result<Vec<Sums>> {
    let rows = queried(tx, SUMS, &params![upto], ids)?;
    rows.iter().map(read).collect()
}

/// Counts a folder on `day` (days since 1970).
pub fn count(tx: &mut Tx<'_>, day: i64, sums: &Sums) -> Result<()> {
    let s = sums;
    let values = params![
        day,
        &s.process,
        &s.osl,
        s.cases,
        s.attachments,
        s.events,
        s.bytes
    ];
    tx.execute(COUNT, &values).map(drop)
}

/// Takes away the folders' own rows; their exchanges are the purge's.
pub fn forget(tx: &mut Tx<'_>, folders: &[Uuid]) -> Result<()> {
    FORGET
        .iter()
        .try_for_each(|template| run_over(tx, template, &[], folders))
}

/// At most `limit` folders that are deleted but for the rows of their exchanges, from after `id`.
pub fn tombstones(tx: &mut Tx<'_>, id: Uuid, limit: u32) -> Result<Vec<Uuid>> {
    let rows = tx.query(TOMBSTONES, &params![id, limit])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Takes away the rows of the exchanges of deleted folders, whose blobs are gone.
pub fn bury(tx: &mut Tx<'_>, folders: &[Uuid]) -> Result<()> {
    BURY.iter()
        .try_for_each(|template| run_over(tx, template, &[], folders))
}

/// Marks the attachments of `documents` as deleted, after a restoration.
pub fn mark_deleted(tx: &mut Tx<'_>, now: Timestamp, documents: &[Uuid]) -> Result<()> {
    run_over(tx, LINKS_OF, &[], documents)?;
    run_over(tx, FILES_OF, &params![now], documents)
}

fn read(row: &Row) -> Result<Sums> {
    Ok(Sums {
        id: row.get(0)?,
        process: row.get(1)?,
        osl: row.get(2)?,
        created_at: instant(row.get(3)?),
        cases: row.get(4)?,
        attachments: row.get(5)?,
        events: row.get(6)?,
        bytes: row.get(7)?,
    })
}
