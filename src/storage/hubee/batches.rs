//! What the batches look for and write (R60, R61), for many rows at once.
//!
//! Candidates are walked by a cursor in the order in which they fell due, each with what keeps it; [`super::files`] gives up
//! contents, [`super::forgetting`] whole folders. Whoever writes asks again within the transaction: a hold waits for it,
//! and a case that was reopened meanwhile makes it fail, to be run again.

use jiff::Timestamp;
use uuid::Uuid;

use super::files;
use crate::{
    kernel::{
        clock::instant,
        fault::{Fault, Result},
    },
    params, statements,
    storage::{
        engine::{Row, Tx, Value},
        exchanges::Owner,
        sets,
    },
};

/// A place in the order of candidates: when it fell due, and its id.
pub type Place = (Timestamp, Uuid);

/// The place before all candidates.
pub const START: Place = (Timestamp::MIN, Uuid::nil());

/// What keeps a folder, or a part of it, although its time has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// It is on legal hold.
    pub hold: bool,
    /// An incident about it is not resolved.
    pub incident: bool,
}

impl Kept {
    /// Whether anything keeps it.
    pub fn any(self) -> bool {
        self.hold || self.incident
    }
}

/// An attachment of which a link is over its date.
#[derive(Clone, Debug)]
pub struct DueFile {
    /// The attachment.
    pub id: Uuid,
    /// Its folder.
    pub folder_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// Its content, where it has one.
    pub document_id: Option<Uuid>,
    /// Its bytes.
    pub size: u64,
    /// Whether a case may still download it, or its event is not sent yet.
    pub wanted: bool,
    /// What keeps it.
    pub kept: Kept,
}

/// A folder whose time has come.
#[derive(Clone, Debug)]
pub struct DueFolder {
    /// The folder.
    pub id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// Since when it is closed, or archived.
    pub since: Timestamp,
    /// What keeps it.
    pub kept: Kept,
}

impl DueFolder {
    /// Its place in the order of candidates.
    pub fn place(&self) -> Place {
        (self.since, self.id)
    }
}

statements! {
    DUE_LINKS = "SELECT delete_at, attachment_id FROM hub_case_attachment WHERE link_status = 'TO_DELETE' AND delete_at <= $1 \
        AND (delete_at, attachment_id) > ($2, $3) ORDER BY delete_at, attachment_id LIMIT $4";
    CLOSED = "SELECT f.id, f.partner, f.environment, f.closed_at, \
        EXISTS (SELECT 1 FROM exchange e JOIN legal_hold h ON h.project = e.project AND h.dossier_hash = e.dossier_hash \
        WHERE e.id = f.id AND h.lifted_at IS NULL), \
        EXISTS (SELECT 1 FROM incident i WHERE i.exchange_id = f.id AND i.state <> 'resolved') FROM hub_folder f \
        WHERE f.process_code = $1 AND f.status = 'CLOSED' AND f.closed_at <= $2 AND (f.closed_at, f.id) > ($3, $4) \
        ORDER BY f.closed_at, f.id LIMIT $5";
    ARCHIVED = "SELECT f.id, f.partner, f.environment, f.archived_at, \
        EXISTS (SELECT 1 FROM exchange e JOIN legal_hold h ON h.project = e.project AND h.dossier_hash = e.dossier_hash \
        WHERE e.id = f.id AND h.lifted_at IS NULL), \
        EXISTS (SELECT 1 FROM incident i WHERE i.exchange_id = f.id AND i.state <> 'resolved') FROM hub_folder f \
        WHERE f.process_code = $1 AND f.status = 'ARCHIVED' AND f.archived_at <= $2 AND (f.archived_at, f.id) > ($3, $4) \
        ORDER BY f.archived_at, f.id LIMIT $5";
}

/// A deposit that is not sent yet keeps its files, for thirty days after it was begun.
const FILES: &str = "SELECT a.id, a.folder_id, a.partner, a.environment, a.document_id, a.size, \
    (EXISTS (SELECT 1 FROM hub_case_attachment l WHERE l.attachment_id = a.id \
    AND (l.link_status = 'TO_DOWNLOAD' OR (l.link_status = 'TO_DELETE' AND l.delete_at > $1))) \
    OR EXISTS (SELECT 1 FROM hub_event v WHERE v.id = a.event_id AND v.status = 'IN_PROGRESS' \
    AND v.created_at > $1 - 2592000000000)), \
    EXISTS (SELECT 1 FROM exchange e JOIN legal_hold h ON h.project = e.project AND h.dossier_hash = e.dossier_hash \
    WHERE e.id = a.folder_id AND h.lifted_at IS NULL), \
    EXISTS (SELECT 1 FROM incident i WHERE i.exchange_id = a.folder_id AND i.state <> 'resolved') \
    FROM hub_attachment a WHERE a.status <> 'DELETED' AND a.id IN ({}) ORDER BY a.folder_id, a.id";
const LINKS_DELETED: &str = "UPDATE hub_case_attachment SET link_status = 'DELETED' WHERE link_status = 'TO_DELETE' AND delete_at <= $1 \
    AND attachment_id IN ({})";
const LINKS_LEFT: &str = "SELECT attachment_id FROM hub_case_attachment WHERE link_status <> 'DELETED' AND attachment_id IN ({})";
const FILES_DELETED: &str =
    "UPDATE hub_attachment SET status = 'DELETED', updated_at = $1 WHERE id IN ({})";
const ARCHIVE: &str = "UPDATE hub_folder SET status = 'ARCHIVED', archived_at = $1, updated_at = $1 WHERE status = 'CLOSED' \
    AND closed_at <= $2 AND NOT EXISTS (SELECT 1 FROM exchange e JOIN legal_hold h ON h.project = e.project \
    AND h.dossier_hash = e.dossier_hash WHERE e.id = hub_folder.id AND h.lifted_at IS NULL) \
    AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.exchange_id = hub_folder.id AND i.state <> 'resolved') AND id IN ({})";
const ARCHIVED_NOW: &str =
    "SELECT id FROM hub_folder WHERE status = 'ARCHIVED' AND archived_at = $1 AND id IN ({})";
const CASES_ARCHIVED: &str =
    "UPDATE hub_case SET status = 'ARCHIVED', updated_at = $1 WHERE folder_id IN ({})";
const CASES_AT_PORTAL: &str = "UPDATE hub_case SET purge_at = $1, portal_pending = EXISTS (SELECT 1 FROM hub_case_attachment l \
    WHERE l.case_id = hub_case.id AND NOT l.portal_purged) WHERE folder_id IN ({})";
const LINKS_OF_FOLDERS_DELETED: &str =
    "UPDATE hub_case_attachment SET link_status = 'DELETED' WHERE folder_id IN ({})";
const FILES_OF_FOLDERS_DELETED: &str = "UPDATE hub_attachment SET status = 'DELETED', updated_at = $1 \
    WHERE status <> 'DELETED' AND folder_id IN ({})";

/// The statements over sets, each of one member, for the preparation test.
pub(in crate::storage) fn of_sets() -> Vec<(&'static str, String)> {
    let none: &[Value] = &[];
    let (one, two) = ([Value::Null], [Value::Null, Value::Null]);
    let all: [(&'static str, &'static str, &[Value]); 10] = [
        ("FILES", FILES, &one[..]),
        ("LINKS_DELETED", LINKS_DELETED, &one),
        ("LINKS_LEFT", LINKS_LEFT, none),
        ("FILES_DELETED", FILES_DELETED, &one),
        ("ARCHIVE", ARCHIVE, &two),
        ("ARCHIVED_NOW", ARCHIVED_NOW, &one),
        ("CASES_ARCHIVED", CASES_ARCHIVED, &one),
        ("CASES_AT_PORTAL", CASES_AT_PORTAL, &one),
        ("LINKS_OF_FOLDERS_DELETED", LINKS_OF_FOLDERS_DELETED, none),
        ("FILES_OF_FOLDERS_DELETED", FILES_OF_FOLDERS_DELETED, &one),
    ];
    all.map(|(name, template, fixed)| (name, sets::filled(template, fixed, &[&one]).0))
        .into()
}

/// At most `limit` links that are over their date, from after `place`: each with its attachment, which may come again.
pub fn due_links(tx: &mut Tx<'_>, now: Timestamp, place: Place, limit: u32) -> Result<Vec<Place>> {
    let rows = tx.query(DUE_LINKS, &params![now, place.0, place.1, limit])?;
    rows.iter()
        .map(|row| Ok((instant(row.get(0)?), row.get(1)?)))
        .collect()
}

/// What is known of attachments that are not deleted yet.
pub fn files(tx: &mut Tx<'_>, now: Timestamp, ids: &[Uuid]) -> Result<Vec<DueFile>> {
    let rows = queried(tx, FILES, &params![now], ids)?;
    rows.iter().map(file).collect()
}

/// Deletes the contents of attachments all of whose links are over their date (R60). Fails with `unavailable`, for the
/// unit to be run again, where one has been wanted again since it was looked at.
pub fn delete_files(tx: &mut Tx<'_>, run: Uuid, now: Timestamp, files: &[DueFile]) -> Result<()> {
    let ids: Vec<Uuid> = files.iter().map(|file| file.id).collect();
    run_over(tx, LINKS_DELETED, &params![now], &ids)?;
    if !queried(tx, LINKS_LEFT, &[], &ids)?.is_empty() {
        return Err(Fault::unavailable(
            "a case was reopened while its files were deleted",
        ));
    }
    run_over(tx, FILES_DELETED, &params![now], &ids)?;
    let documents: Vec<Uuid> = files.iter().filter_map(|file| file.document_id).collect();
    files::discard(tx, run, now, &documents)
}

/// At most `limit` folders of a process that are closed since `upto` or before, from after `place`.
pub fn closed(
    tx: &mut Tx<'_>,
    process: &str,
    upto: Timestamp,
    place: Place,
    limit: u32,
) -> Result<Vec<DueFolder>> {
    due(tx, CLOSED, process, upto, place, limit)
}

/// At most `limit` folders of a process that are archived since `upto` or before, from after `place`.
pub fn archived(
    tx: &mut Tx<'_>,
    process: &str,
    upto: Timestamp,
    place: Place,
    limit: u32,
) -> Result<Vec<DueFolder>> {
    due(tx, ARCHIVED, process, upto, place, limit)
}

/// Archives those of `ids` that are still closed since `upto` and that nothing keeps (R61): with their cases, without their
/// contents. Answers which.
pub fn archive(
    tx: &mut Tx<'_>,
    run: Uuid,
    now: Timestamp,
    upto: Timestamp,
    ids: &[Uuid],
) -> Result<Vec<Uuid>> {
    run_over(tx, ARCHIVE, &params![now, upto], ids)?;
    let rows = queried(tx, ARCHIVED_NOW, &params![now], ids)?;
    let done: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
    run_over(tx, CASES_ARCHIVED, &params![now], &done)?;
    run_over(tx, LINKS_OF_FOLDERS_DELETED, &[], &done)?;
    run_over(tx, FILES_OF_FOLDERS_DELETED, &params![now], &done)?;
    files::discard_of_folders(tx, run, now, &done)?;
    Ok(done)
}

/// The portal has yet to purge its copies of what these archived folders hold, from `at` on (R25): their process says that
/// files go at ARCHIVED.
pub fn to_portal(tx: &mut Tx<'_>, at: Timestamp, ids: &[Uuid]) -> Result<()> {
    run_over(tx, CASES_AT_PORTAL, &params![at], ids)
}

fn due(
    tx: &mut Tx<'_>,
    sql: &str,
    process: &str,
    upto: Timestamp,
    place: Place,
    limit: u32,
) -> Result<Vec<DueFolder>> {
    let rows = tx.query(sql, &params![process, upto, place.0, place.1, limit])?;
    rows.iter().map(folder).collect()
}

pub(super) fn run_over(
    tx: &mut Tx<'_>,
    template: &str,
    fixed: &[Value],
    ids: &[Uuid],
) -> Result<()> {
    let ids: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    sets::run(tx, template, fixed, &ids)
}

/// The rows that a template answers over `ids`, in parts.
pub(super) fn queried(
    tx: &mut Tx<'_>,
    template: &str,
    fixed: &[Value],
    ids: &[Uuid],
) -> Result<Vec<Row>> {
    let ids: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let mut all = Vec::new();
    for part in ids.chunks(sets::SET) {
        let (sql, values) = sets::filled(template, fixed, &[part]);
        all.extend(tx.query(&sql, &values)?);
    }
    Ok(all)
}

fn file(row: &Row) -> Result<DueFile> {
    Ok(DueFile {
        id: row.get(0)?,
        folder_id: row.get(1)?,
        owner: owner(row, 2)?,
        document_id: row.get(4)?,
        size: row.get(5)?,
        wanted: row.get(6)?,
        kept: kept(row, 7)?,
    })
}

fn folder(row: &Row) -> Result<DueFolder> {
    Ok(DueFolder {
        id: row.get(0)?,
        owner: owner(row, 1)?,
        since: instant(row.get(3)?),
        kept: kept(row, 4)?,
    })
}

fn owner(row: &Row, at: usize) -> Result<Owner> {
    Ok(Owner {
        partner: row.get(at)?,
        environment: row.get(at + 1)?,
    })
}

fn kept(row: &Row, at: usize) -> Result<Kept> {
    Ok(Kept {
        hold: row.get(at)?,
        incident: row.get(at + 1)?,
    })
}
