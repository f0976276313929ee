//! Events of cases (R30 to R36), in the order of their ids, which is that of their creation.

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

/// A row of `hub_event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Its technical id.
    pub id: Uuid,
    /// The folder of its case, which is its exchange.
    pub folder_id: Uuid,
    /// Its case.
    pub case_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// The organisation that acted: the contract's `transmitter`.
    pub author: String,
    /// With which right it acted: `OSL`, `SI` or `ADMIN`.
    pub actor: String,
    /// What was done.
    pub action_type: String,
    /// `IN_PROGRESS`, `SENT` or `RECEIVED`.
    pub status: String,
    /// Whether the other side is told.
    pub notification: bool,
    /// How the case stood then.
    pub case_current_status: Option<String>,
    /// Where the case goes.
    pub case_new_status: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What is personal of it, sealed under the folder's key.
    pub body: Vec<u8>,
}

statements! {
    INSERT = "INSERT INTO hub_event (id, folder_id, case_id, partner, environment, author, actor, action_type, status, notification, \
        case_current_status, case_new_status, created_at, updated_at, body) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    FIND = "SELECT id, folder_id, case_id, partner, environment, author, actor, action_type, status, notification, \
        case_current_status, case_new_status, created_at, updated_at, body FROM hub_event WHERE id = $1";
    OF_CASE = "SELECT id, folder_id, case_id, partner, environment, author, actor, action_type, status, notification, \
        case_current_status, case_new_status, created_at, updated_at, body FROM hub_event WHERE case_id = $1 ORDER BY id";
    ANY_OF_FOLDER = "SELECT 1 FROM hub_event WHERE folder_id = $1 LIMIT 1";
    MOVE = "UPDATE hub_event SET status = $1, updated_at = $2 WHERE id = $3 AND status = $4";
    DROP = "DELETE FROM hub_event WHERE id = $1 AND status = 'IN_PROGRESS'";
    DROP_OF_FOLDER = "DELETE FROM hub_event WHERE folder_id = $1";
}

/// The statement that inserts `event`, for a batch.
pub fn insert(event: &EventRow) -> Prepared {
    let e = event.clone();
    let values = params![
        e.id,
        e.folder_id,
        e.case_id,
        e.owner.partner,
        e.owner.environment,
        e.author,
        e.actor,
        e.action_type,
        e.status,
        e.notification,
        e.case_current_status,
        e.case_new_status,
        e.created_at,
        e.updated_at,
        e.body
    ];
    (INSERT, values.into())
}

/// The event of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<EventRow>> {
    tx.first(FIND, &params![id])?
        .as_ref()
        .map(event)
        .transpose()
}

/// The events of a case, the oldest first.
pub fn of_case(tx: &mut Tx<'_>, case: Uuid) -> Result<Vec<EventRow>> {
    let rows = tx.query(OF_CASE, &params![case])?;
    rows.iter().map(event).collect()
}

/// Whether anything happened to a case of the folder.
pub fn any_of_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<bool> {
    Ok(tx.first(ANY_OF_FOLDER, &params![folder])?.is_some())
}

/// Moves an event from one status to another; `false` where it is not in the first. It is held until the transaction ends.
pub fn change(tx: &mut Tx<'_>, id: Uuid, from: &str, to: &str, at: Timestamp) -> Result<bool> {
    Ok(tx.execute(MOVE, &params![to, at, id, from])? == 1)
}

/// Forgets an event that is still being filled; `false` where it is not.
pub fn forget(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    Ok(tx.execute(DROP, &params![id])? == 1)
}

/// Forgets all events of a folder.
pub fn drop_of_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<()> {
    tx.execute(DROP_OF_FOLDER, &params![folder]).map(drop)
}

fn event(row: &Row) -> Result<EventRow> {
    Ok(EventRow {
        id: row.get(0)?,
        folder_id: row.get(1)?,
        case_id: row.get(2)?,
        owner: owner(row, 3)?,
        author: row.get(5)?,
        actor: row.get(6)?,
        action_type: row.get(7)?,
        status: row.get(8)?,
        notification: row.get(9)?,
        case_current_status: row.get(10)?,
        case_new_status: row.get(11)?,
        created_at: instant(row.get(12)?),
        updated_at: instant(row.get(13)?),
        body: row.get(14)?,
    })
}
