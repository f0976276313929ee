//! Folders (télédossiers). A folder is an exchange of the same id: its applicant, external id and partner's software are
//! sealed in the exchange's metadata; here stand its process, its organisation, its status and its dates.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
    params, statements,
    storage::{
        engine::{Row, Tx},
        exchanges::{Owner, owner},
    },
};

/// A row of `hub_folder`.
#[derive(Clone, Debug)]
pub struct FolderRow {
    /// The folder's id, and its exchange's.
    pub id: Uuid,
    /// Partner (the organisation of `osl`) and environment.
    pub owner: Owner,
    /// The organisation that sends it, `OSL-SIRET-BRANCH`.
    pub osl: String,
    /// The code of its process.
    pub process_code: String,
    /// The keyed hash of its external id: unique among those of its organisation (R12).
    pub external_hash: Sha256,
    /// A word of `domain::hubee::status::FolderStatus`.
    pub status: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed, once it was.
    pub updated_at: Option<Timestamp>,
    /// When it was completed, once it was (R15).
    pub completed_at: Option<Timestamp>,
    /// When its notifications were made, once they were.
    pub notified_at: Option<Timestamp>,
    /// Since when it is closed, where it is (R16).
    pub closed_at: Option<Timestamp>,
    /// Since when it is archived, where it is (R61).
    pub archived_at: Option<Timestamp>,
}

statements! {
    INSERT = "INSERT INTO hub_folder (id, partner, environment, osl, process_code, external_hash, status, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (osl, external_hash) DO NOTHING";
    FIND = "SELECT id, partner, environment, osl, process_code, external_hash, status, created_at, updated_at, completed_at, \
        notified_at, closed_at, archived_at FROM hub_folder WHERE id = $1";
    LOCK = "UPDATE hub_folder SET status = status WHERE id = $1";
    OF_EXTERNAL = "SELECT id FROM hub_folder WHERE osl = $1 AND external_hash = $2";
    OF_PROCESS = "SELECT 1 FROM hub_folder WHERE process_code = $1 LIMIT 1";
    COMPLETED = "UPDATE hub_folder SET status = 'HUBEE_COMPLETED', completed_at = $1, updated_at = $1, closed_at = NULL WHERE id = $2";
    NOTIFIED = "UPDATE hub_folder SET status = 'HUBEE_NOTIFIED', notified_at = $1, updated_at = $1, closed_at = NULL WHERE id = $2";
    CLOSED = "UPDATE hub_folder SET status = 'CLOSED', closed_at = $1, updated_at = $2 WHERE id = $3";
    REOPENED = "UPDATE hub_folder SET status = 'HUBEE_NOTIFIED', closed_at = NULL, updated_at = $1 WHERE id = $2";
    DELETE = "DELETE FROM hub_folder WHERE id = $1";
}

/// Inserts a folder. Answers `false`, and writes nothing, where its organisation has one of this external id.
pub fn insert(tx: &mut Tx<'_>, folder: &FolderRow) -> Result<bool> {
    let values = params![
        folder.id,
        &folder.owner.partner,
        &folder.owner.environment,
        &folder.osl,
        &folder.process_code,
        folder.external_hash,
        &folder.status,
        folder.created_at
    ];
    Ok(tx.execute(INSERT, &values)? == 1)
}

/// The folder of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<FolderRow>> {
    tx.first(FIND, &params![id])?
        .as_ref()
        .map(folder)
        .transpose()
}

/// The folder of that id, which nobody else changes until this transaction ends: whoever changes a folder, or what its
/// status speaks of, takes it so first.
pub fn lock(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<FolderRow>> {
    tx.execute(LOCK, &params![id])?;
    find(tx, id)
}

/// The folder that an organisation named so.
pub fn of_external(tx: &mut Tx<'_>, osl: &str, external: &Sha256) -> Result<Option<Uuid>> {
    let row = tx.first(OF_EXTERNAL, &params![osl, external])?;
    row.map(|row| row.get(0)).transpose()
}

/// Whether there is a folder of a process.
pub fn is_of_process(tx: &mut Tx<'_>, code: &str) -> Result<bool> {
    Ok(tx.first(OF_PROCESS, &params![code])?.is_some())
}

/// Moves it to `HUBEE_COMPLETED`: its notifications wait.
pub fn completed(tx: &mut Tx<'_>, id: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(COMPLETED, &params![at, id]).map(drop)
}

/// Moves it to `HUBEE_NOTIFIED`: its notifications stand in this transaction.
pub fn notified(tx: &mut Tx<'_>, id: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(NOTIFIED, &params![at, id]).map(drop)
}

/// Closes it as of `at`.
pub fn closed(tx: &mut Tx<'_>, id: Uuid, at: Timestamp, now: Timestamp) -> Result<()> {
    tx.execute(CLOSED, &params![at, now, id]).map(drop)
}

/// Opens it again, at `HUBEE_NOTIFIED`.
pub fn reopened(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<()> {
    tx.execute(REOPENED, &params![now, id]).map(drop)
}

/// Takes it out.
pub fn delete(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    tx.execute(DELETE, &params![id]).map(drop)
}

fn folder(row: &Row) -> Result<FolderRow> {
    let at = |index| Ok(row.get::<Option<i64>>(index)?.map(instant));
    Ok(FolderRow {
        id: row.get(0)?,
        owner: owner(row, 1)?,
        osl: row.get(3)?,
        process_code: row.get(4)?,
        external_hash: row.get(5)?,
        status: row.get(6)?,
        created_at: instant(row.get(7)?),
        updated_at: at(8)?,
        completed_at: at(9)?,
        notified_at: at(10)?,
        closed_at: at(11)?,
        archived_at: at(12)?,
    })
}
