//! Attachments of folders and of events, and the links by which cases see those of their folder (R10, R14, R23).
//!
//! An attachment's row is its metadata and where its file stands; the file itself is a row of `document`, another one each
//! time that it is sent again. An attachment is linked with each case that sees it: a folder's with those that its request
//! named, an event's with its own.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
    storage::{
        engine::{Prepared, Row, Tx},
        exchanges::{Owner, owner},
    },
};

/// A row of `hub_attachment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentRow {
    /// Its technical id.
    pub id: Uuid,
    /// Its folder, which is its exchange.
    pub folder_id: Uuid,
    /// Its event, where it came with one.
    pub event_id: Option<Uuid>,
    /// Partner and environment.
    pub owner: Owner,
    /// Its place in the request that named it, from 0.
    pub ordinal: u32,
    /// Where its file stands.
    pub status: String,
    /// The contract's `type`.
    pub kind: String,
    /// The announced length of its file, in bytes.
    pub size: u64,
    /// The announced format of its file.
    pub mime_type: String,
    /// The document that is its file now.
    pub document_id: Option<Uuid>,
    /// When it was named.
    pub created_at: Timestamp,
    /// When its file or its status last changed.
    pub updated_at: Option<Timestamp>,
    /// Its file name, sealed under the folder's key.
    pub body: Vec<u8>,
}

/// A file that takes its place in an attachment.
#[derive(Clone, Copy, Debug)]
pub struct Placed {
    /// The attachment.
    pub id: Uuid,
    /// The document that is its file now.
    pub document_id: Uuid,
    /// When.
    pub at: Timestamp,
}

statements! {
    INSERT = "INSERT INTO hub_attachment (id, folder_id, event_id, partner, environment, ordinal, status, kind, size, mime_type, \
        document_id, created_at, updated_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    LINK = "INSERT INTO hub_case_attachment (attachment_id, case_id, folder_id, partner, environment, link_status, delete_at, \
        portal_purged) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    FIND = "SELECT id, folder_id, event_id, partner, environment, ordinal, status, kind, size, mime_type, document_id, \
        created_at, updated_at, body FROM hub_attachment WHERE id = $1";
    OF_FOLDER = "SELECT id, folder_id, event_id, partner, environment, ordinal, status, kind, size, mime_type, document_id, \
        created_at, updated_at, body FROM hub_attachment WHERE folder_id = $1 AND event_id IS NULL ORDER BY ordinal, id";
    OF_EVENT = "SELECT id, folder_id, event_id, partner, environment, ordinal, status, kind, size, mime_type, document_id, \
        created_at, updated_at, body FROM hub_attachment WHERE event_id = $1 ORDER BY ordinal, id";
    OF_CASE = "SELECT a.id, a.folder_id, a.event_id, a.partner, a.environment, a.ordinal, a.status, a.kind, a.size, a.mime_type, \
        a.document_id, a.created_at, a.updated_at, a.body FROM hub_case_attachment l JOIN hub_attachment a ON a.id = l.attachment_id \
        WHERE l.case_id = $1 AND a.event_id IS NULL ORDER BY a.ordinal, a.id";
    OF_CASE_EVENTS = "SELECT a.id, a.folder_id, a.event_id, a.partner, a.environment, a.ordinal, a.status, a.kind, a.size, a.mime_type, \
        a.document_id, a.created_at, a.updated_at, a.body FROM hub_event e JOIN hub_attachment a ON a.event_id = e.id \
        WHERE e.case_id = $1 ORDER BY a.event_id, a.ordinal, a.id";
    LINKED = "SELECT link_status FROM hub_case_attachment WHERE attachment_id = $1 AND case_id = $2";
    LINKS = "SELECT attachment_id, case_id FROM hub_case_attachment WHERE folder_id = $1";
    SCANNING = "SELECT 1 FROM hub_attachment WHERE folder_id = $1 AND event_id IS NULL AND status = 'SCANNING' LIMIT 1";
    ANY_WAITS = "SELECT 1 FROM hub_attachment WHERE status = 'SCANNING' LIMIT 1";
    HOLD_WAITING = "UPDATE hub_attachment SET status = status WHERE id = $1 AND document_id = $2 AND status = 'SCANNING'";
    PLACE = "UPDATE hub_attachment SET document_id = $1, status = $2, updated_at = $3 WHERE id = $4";
    SET_STATUS = "UPDATE hub_attachment SET status = $1, updated_at = $2 WHERE id = $3";
    JUDGE = "UPDATE hub_attachment SET status = $1, updated_at = $2 WHERE id = $3 AND document_id = $4 AND status = 'SCANNING'";
    REJECT = "UPDATE hub_attachment SET status = 'REJECTED', document_id = NULL, updated_at = $1 WHERE id = $2";
    DROP_LINKS_OF_EVENT = "DELETE FROM hub_case_attachment WHERE attachment_id IN (SELECT id FROM hub_attachment WHERE event_id = $1)";
    DROP_OF_EVENT = "DELETE FROM hub_attachment WHERE event_id = $1";
    DROP_OF_FOLDER = "DELETE FROM hub_attachment WHERE folder_id = $1";
    DROP_LINKS = "DELETE FROM hub_case_attachment WHERE folder_id = $1";
}

/// The statement that inserts `attachment`, for a batch.
pub fn insert(attachment: &AttachmentRow) -> Prepared {
    let a = attachment.clone();
    let values = params![
        a.id,
        a.folder_id,
        a.event_id,
        a.owner.partner,
        a.owner.environment,
        a.ordinal,
        a.status,
        a.kind,
        a.size,
        a.mime_type,
        a.document_id,
        a.created_at,
        a.updated_at,
        a.body
    ];
    (INSERT, values.into())
}

/// The statement that links an attachment with `case`, for a batch. `purge_at` is from when on the case's files may go, where
/// it has reached the status for that already (R23).
pub fn insert_link(
    attachment: &AttachmentRow,
    case: Uuid,
    purge_at: Option<Timestamp>,
) -> Prepared {
    let a = attachment.clone();
    let status = match purge_at {
        Some(_) => "TO_DELETE",
        None => "TO_DOWNLOAD",
    };
    let values = params![
        a.id,
        case,
        a.folder_id,
        a.owner.partner,
        a.owner.environment,
        status,
        purge_at,
        false
    ];
    (LINK, values.into())
}

/// The attachment of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<AttachmentRow>> {
    tx.first(FIND, &params![id])?
        .as_ref()
        .map(attachment)
        .transpose()
}

/// A folder's own attachments, in the order in which its request named them.
pub fn of_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<Vec<AttachmentRow>> {
    all(tx, OF_FOLDER, folder)
}

/// An event's attachments, in the order in which its request named them.
pub fn of_event(tx: &mut Tx<'_>, event: Uuid) -> Result<Vec<AttachmentRow>> {
    all(tx, OF_EVENT, event)
}

/// The attachments of its folder that a case sees, in their order.
pub fn of_case(tx: &mut Tx<'_>, case: Uuid) -> Result<Vec<AttachmentRow>> {
    all(tx, OF_CASE, case)
}

/// The attachments of all events of a case, event by event.
pub fn of_case_events(tx: &mut Tx<'_>, case: Uuid) -> Result<Vec<AttachmentRow>> {
    all(tx, OF_CASE_EVENTS, case)
}

/// How the link between a case and an attachment of its folder stands; nothing where there is none.
pub fn link(tx: &mut Tx<'_>, attachment: Uuid, case: Uuid) -> Result<Option<String>> {
    let row = tx.first(LINKED, &params![attachment, case])?;
    row.map(|row| row.get(0)).transpose()
}

/// The links of a folder: attachment and case each.
pub fn links(tx: &mut Tx<'_>, folder: Uuid) -> Result<Vec<(Uuid, Uuid)>> {
    let rows = tx.query(LINKS, &params![folder])?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// Whether the antivirus has yet to judge one of the folder's own files.
pub fn is_scanning(tx: &mut Tx<'_>, folder: Uuid) -> Result<bool> {
    Ok(tx.first(SCANNING, &params![folder])?.is_some())
}

/// Whether the antivirus has yet to judge any file of the hub.
pub fn any_waits(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(tx.first(ANY_WAITS, &[])?.is_some())
}

/// Holds an attachment, which nobody else changes until this transaction ends; `false` where that file waits for the antivirus
/// no more.
pub fn hold_waiting(tx: &mut Tx<'_>, file: &Placed) -> Result<bool> {
    Ok(tx.execute(HOLD_WAITING, &params![file.id, file.document_id])? == 1)
}

/// Gives an attachment its file.
pub fn place(tx: &mut Tx<'_>, placed: &Placed, status: &str) -> Result<()> {
    let p = *placed;
    tx.execute(PLACE, &params![p.document_id, status, p.at, p.id])
        .map(drop)
}

/// Moves an attachment to `status`.
pub fn set_status(tx: &mut Tx<'_>, id: Uuid, status: &str, at: Timestamp) -> Result<()> {
    tx.execute(SET_STATUS, &params![status, at, id]).map(drop)
}

/// Writes what the antivirus said of a file that waits for it; `false` where another file has taken its place since.
pub fn judge(tx: &mut Tx<'_>, placed: &Placed, status: &str) -> Result<bool> {
    let p = *placed;
    let rows = tx.execute(JUDGE, &params![status, p.at, p.id, p.document_id])?;
    Ok(rows == 1)
}

/// Notes that what was sent is not the announced file; a file that was there goes.
pub fn reject(tx: &mut Tx<'_>, id: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(REJECT, &params![at, id]).map(drop)
}

/// Forgets the attachments of an event; their files are given up first.
pub fn drop_of_event(tx: &mut Tx<'_>, event: Uuid) -> Result<()> {
    let event = params![event];
    tx.batch(&[(DROP_LINKS_OF_EVENT, &event), (DROP_OF_EVENT, &event)])
}

/// Forgets all attachments of a folder, those of its events too, and its links.
pub fn drop_of_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<()> {
    let folder = params![folder];
    tx.batch(&[(DROP_LINKS, &folder), (DROP_OF_FOLDER, &folder)])
}

fn all(tx: &mut Tx<'_>, sql: &str, of: Uuid) -> Result<Vec<AttachmentRow>> {
    let rows = tx.query(sql, &params![of])?;
    rows.iter().map(attachment).collect()
}

fn attachment(row: &Row) -> Result<AttachmentRow> {
    Ok(AttachmentRow {
        id: row.get(0)?,
        folder_id: row.get(1)?,
        event_id: row.get(2)?,
        owner: owner(row, 3)?,
        ordinal: row.get(5)?,
        status: row.get(6)?,
        kind: row.get(7)?,
        size: row.get(8)?,
        mime_type: row.get(9)?,
        document_id: row.get(10)?,
        created_at: instant(row.get(11)?),
        updated_at: row.get::<Option<i64>>(12)?.map(instant),
        body: row.get(13)?,
    })
}
