//! Cases: what one recipient gets of a folder. External id and partner attributes are sealed under the exchange's key.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::{clock::instant, digest::Sha256, fault::Result},
    params, statements,
    storage::{
        engine::{Prepared, Row, Tx, Value},
        exchanges::{Owner, owner},
        sets,
    },
};

/// A row of `hub_case`.
#[derive(Clone, Debug)]
pub struct CaseRow {
    /// The case's id.
    pub id: Uuid,
    /// Its folder.
    pub folder_id: Uuid,
    /// Its place among the folder's cases, from 0.
    pub ordinal: u32,
    /// Partner (the folder's organisation) and environment.
    pub owner: Owner,
    /// The organisation of its folder.
    pub osl: String,
    /// The organisation that it is for, `SI-SIRET-BRANCH`.
    pub recipient: String,
    /// The code of its folder's process.
    pub process_code: String,
    /// The keyed hash of its external id.
    pub external_hash: Sha256,
    /// A word of `domain::hubee::status::CaseStatus`.
    pub status: String,
    /// When its folder was created.
    pub created_at: Timestamp,
    /// When it was last changed, once it was.
    pub updated_at: Option<Timestamp>,
    /// When its recipient first read it (R22).
    pub transmitted_at: Option<Timestamp>,
    /// Since when it is closed, where it is.
    pub closed_at: Option<Timestamp>,
    /// From when on its binaries may go, where it has reached the status for that (R23).
    pub purge_at: Option<Timestamp>,
    /// External id and partner attributes, sealed.
    pub body: Vec<u8>,
}

statements! {
    INSERT = "INSERT INTO hub_case (id, folder_id, ordinal, partner, environment, osl, recipient, process_code, external_hash, status, \
        created_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    FIND = "SELECT id, folder_id, ordinal, partner, environment, osl, recipient, process_code, external_hash, status, created_at, \
        updated_at, transmitted_at, closed_at, purge_at, body FROM hub_case WHERE id = $1";
    OF_FOLDER = "SELECT id, folder_id, ordinal, partner, environment, osl, recipient, process_code, external_hash, status, created_at, \
        updated_at, transmitted_at, closed_at, purge_at, body FROM hub_case WHERE folder_id = $1 ORDER BY ordinal";
    LOCK = "UPDATE hub_case SET status = status WHERE id = $1";
    LOCK_OF_FOLDER = "UPDATE hub_case SET status = status WHERE folder_id = $1";
    SET_STATUS = "UPDATE hub_case SET status = $1, updated_at = $2, closed_at = $3, purge_at = $4 WHERE id = $5";
    PORTAL = "UPDATE hub_case SET portal_pending = EXISTS (SELECT 1 FROM hub_case_attachment l WHERE l.case_id = hub_case.id \
        AND NOT l.portal_purged) WHERE id = $1 AND purge_at IS NOT NULL";
    NO_PORTAL = "UPDATE hub_case SET portal_pending = false WHERE id = $1";
    TRANSMITTED = "UPDATE hub_case SET transmitted_at = $1 WHERE id = $2 AND transmitted_at IS NULL AND status <> 'ARCHIVED'";
    DELETE_OF_FOLDER = "DELETE FROM hub_case WHERE folder_id = $1";
}

/// Gives the cases of one organisation to another; `{}` holds the processes.
const MIGRATE_SOME: &str = "UPDATE hub_case SET recipient = $1, updated_at = $2 WHERE recipient = $3 AND process_code IN ({})";
const MIGRATE_ALL: &str =
    "UPDATE hub_case SET recipient = $1, updated_at = $2 WHERE recipient = $3";
/// The events that it wrote on the cases that are now the other's.
const EVENTS_SOME: &str = "UPDATE hub_event SET author = $1 WHERE author = $2 AND case_id IN \
    (SELECT id FROM hub_case WHERE recipient = $1 AND process_code IN ({}))";
const EVENTS_ALL: &str = "UPDATE hub_event SET author = $1 WHERE author = $2 AND case_id IN \
    (SELECT id FROM hub_case WHERE recipient = $1)";

/// The statements over sets, for the preparation test.
pub fn of_sets() -> Vec<(&'static str, String)> {
    let none = [Value::Null, Value::Null, Value::Null];
    let some = sets::filled(MIGRATE_SOME, &none, &[&[Value::Null]]).0;
    let events = sets::filled(EVENTS_SOME, &none[1..], &[&[Value::Null]]).0;
    vec![
        ("MIGRATE_SOME", some),
        ("MIGRATE_ALL", MIGRATE_ALL.to_owned()),
        ("EVENTS_SOME", events),
        ("EVENTS_ALL", EVENTS_ALL.to_owned()),
    ]
}

/// The statement that inserts `case`, for a batch.
pub fn insert(case: &CaseRow) -> Prepared {
    let c = case.clone();
    let values = params![
        c.id,
        c.folder_id,
        c.ordinal,
        c.owner.partner,
        c.owner.environment,
        c.osl,
        c.recipient,
        c.process_code,
        c.external_hash,
        c.status,
        c.created_at,
        c.body
    ];
    (INSERT, values.into())
}

/// The case of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<CaseRow>> {
    tx.first(FIND, &params![id])?.as_ref().map(case).transpose()
}

/// The case of that id, which nobody else changes until this transaction ends.
pub fn lock(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<CaseRow>> {
    tx.execute(LOCK, &params![id])?;
    find(tx, id)
}

/// Takes the cases of a folder until this transaction ends: nothing new comes beside them, and what came is seen.
pub fn lock_of_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<()> {
    tx.execute(LOCK_OF_FOLDER, &params![folder]).map(drop)
}

/// The cases of a folder, in the order in which they were given.
pub fn of_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<Vec<CaseRow>> {
    let rows = tx.query(OF_FOLDER, &params![folder])?;
    rows.iter().map(case).collect()
}

/// Where a case stands from `now` on.
pub fn set_status(
    tx: &mut Tx<'_>,
    id: Uuid,
    status: &str,
    now: Timestamp,
    closed_at: Option<Timestamp>,
    purge_at: Option<Timestamp>,
) -> Result<()> {
    let values = params![status, now, closed_at, purge_at, id];
    tx.execute(SET_STATUS, &values).map(drop)
}

/// Whether the portal still has files of a case to purge: asked anew once it reached the status for that, once it left it
/// (`goes` is false), and once the portal has purged some (R25).
pub fn set_portal(tx: &mut Tx<'_>, id: Uuid, goes: bool) -> Result<()> {
    let sql = if goes { PORTAL } else { NO_PORTAL };
    tx.execute(sql, &params![id]).map(drop)
}

/// Records the recipient's first reading, unless the case is archived. Answers whether this one was it.
pub fn transmitted(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(TRANSMITTED, &params![now, id])? == 1)
}

/// Takes out the cases of a folder.
pub fn delete_of_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<()> {
    tx.execute(DELETE_OF_FOLDER, &params![folder]).map(drop)
}

/// Gives the cases of `source`, of these processes or of all, to `target`: the first step of their move, which also takes them
/// until the transaction ends. Whoever writes beside a case takes it first, so that nothing new comes beside these; one that is
/// created from here on is none of them. Answers how many.
pub fn migrate(
    tx: &mut Tx<'_>,
    (source, target): (&str, &str),
    processes: Option<&[String]>,
    now: Timestamp,
) -> Result<u64> {
    let fixed = params![target, now, source];
    let Some(processes) = processes else {
        return tx.execute(MIGRATE_ALL, &fixed);
    };
    let codes: Vec<Value> = processes.iter().map(Value::from).collect();
    let mut moved = 0;
    for part in codes.chunks(sets::SET) {
        let (sql, values) = sets::filled(MIGRATE_SOME, &fixed, &[part]);
        moved += tx.execute(&sql, &values)?;
    }
    Ok(moved)
}

/// Gives the events that `source` wrote on cases that are now `target`'s, of these processes or of all, to `target`.
pub fn migrate_events(
    tx: &mut Tx<'_>,
    (source, target): (&str, &str),
    processes: Option<&[String]>,
) -> Result<()> {
    let fixed = params![target, source];
    match processes {
        None => tx.execute(EVENTS_ALL, &fixed).map(drop),
        Some(processes) => {
            let codes: Vec<Value> = processes.iter().map(Value::from).collect();
            sets::run(tx, EVENTS_SOME, &fixed, &codes)
        }
    }
}

fn case(row: &Row) -> Result<CaseRow> {
    let at = |index| Ok(row.get::<Option<i64>>(index)?.map(instant));
    Ok(CaseRow {
        id: row.get(0)?,
        folder_id: row.get(1)?,
        ordinal: row.get(2)?,
        owner: owner(row, 3)?,
        osl: row.get(5)?,
        recipient: row.get(6)?,
        process_code: row.get(7)?,
        external_hash: row.get(8)?,
        status: row.get(9)?,
        created_at: instant(row.get(10)?),
        updated_at: at(11)?,
        transmitted_at: at(12)?,
        closed_at: at(13)?,
        purge_at: at(14)?,
        body: row.get(15)?,
    })
}
