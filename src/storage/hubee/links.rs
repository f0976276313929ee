//! The links between cases and attachments: whether a binary may still be downloaded for a case, and whether the portal has
//! purged its own copy (R23, R25). Whoever adds an attachment inserts its links.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::fault::Result,
    params, statements,
    storage::{
        engine::{Tx, Value},
        sets,
    },
};

/// An attachment of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The case.
    pub case_id: Uuid,
    /// The attachment.
    pub attachment_id: Uuid,
}

impl Pair {
    /// Before every other.
    pub const FIRST: Self = Self {
        case_id: Uuid::nil(),
        attachment_id: Uuid::nil(),
    };
}

/// Whose links are listed.
#[derive(Clone, Debug)]
pub enum Whose {
    /// Of everybody.
    Everybody,
    /// Of these processes.
    Processes(Vec<String>),
    /// Of the cases of one recipient, all of them or those of some processes.
    Recipient(String, Option<Vec<String>>),
}

statements! {
    TO_DELETE = "UPDATE hub_case_attachment SET link_status = 'TO_DELETE', delete_at = $1 \
        WHERE case_id = $2 AND link_status <> 'DELETED'";
    TO_DOWNLOAD = "UPDATE hub_case_attachment SET link_status = 'TO_DOWNLOAD', delete_at = NULL \
        WHERE case_id = $1 AND link_status = 'TO_DELETE'";
    PURGED = "UPDATE hub_case_attachment SET portal_purged_at = $1 WHERE attachment_id = $2 AND case_id = $3 \
        AND link_status <> 'TO_DOWNLOAD' AND portal_purged_at IS NULL";
    OF_FOLDER = "SELECT l.attachment_id, l.case_id FROM hub_case_attachment l JOIN hub_case c ON c.id = l.case_id \
        WHERE c.folder_id = $1 ORDER BY l.attachment_id, l.ordinal";
    DELETE_OF_FOLDER = "DELETE FROM hub_case_attachment WHERE case_id IN (SELECT id FROM hub_case WHERE folder_id = $1)";
    PORTAL_ALL = "SELECT case_id, attachment_id FROM hub_case_attachment WHERE link_status <> 'TO_DOWNLOAD' \
        AND portal_purged_at IS NULL AND case_id >= $1 AND (case_id > $1 OR attachment_id > $2) \
        ORDER BY case_id, attachment_id LIMIT $3";
    PORTAL_PROCESS = "SELECT case_id, attachment_id FROM hub_case_attachment WHERE link_status <> 'TO_DOWNLOAD' \
        AND portal_purged_at IS NULL AND case_id >= $1 AND (case_id > $1 OR attachment_id > $2) AND process_code = $3 \
        ORDER BY case_id, attachment_id LIMIT $4";
    PORTAL_RECIPIENT = "SELECT case_id, attachment_id FROM hub_case_attachment WHERE link_status <> 'TO_DOWNLOAD' \
        AND portal_purged_at IS NULL AND case_id >= $1 AND (case_id > $1 OR attachment_id > $2) AND recipient = $3 \
        AND process_code = $4 ORDER BY case_id, attachment_id LIMIT $5";
    RECIPIENT_PROCESSES = "SELECT DISTINCT process_code FROM hub_case WHERE recipient = $1 ORDER BY process_code";
    MIGRATE_ALL = "UPDATE hub_case_attachment SET recipient = $1 WHERE case_id IN (SELECT id FROM hub_case WHERE recipient = $2)";
}

const MIGRATE_SOME: &str = "UPDATE hub_case_attachment SET recipient = $1 WHERE case_id IN \
    (SELECT id FROM hub_case WHERE recipient = $2 AND process_code IN ({}))";

/// The statements over sets, for the preparation test.
pub(super) fn of_sets() -> Vec<(&'static str, String)> {
    let none = [Value::Null, Value::Null];
    let some = sets::filled(MIGRATE_SOME, &none, &[&[Value::Null]]).0;
    vec![("MIGRATE_SOME", some)]
}

/// The binaries of a case may go from `at` on.
pub fn to_delete(tx: &mut Tx<'_>, case: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(TO_DELETE, &params![at, case]).map(drop)
}

/// The binaries of a case that are still there stay.
pub fn to_download(tx: &mut Tx<'_>, case: Uuid) -> Result<()> {
    tx.execute(TO_DOWNLOAD, &params![case]).map(drop)
}

/// Notes that the portal has purged its copy. A pair that there is not, or that is not to go, is passed over.
pub fn purged(tx: &mut Tx<'_>, pair: Pair, at: Timestamp) -> Result<()> {
    let values = params![at, pair.attachment_id, pair.case_id];
    tx.execute(PURGED, &values).map(drop)
}

/// The links of a folder's cases: the cases of each attachment in the order in which its recipients were given.
pub fn of_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<Vec<Pair>> {
    let rows = tx.query(OF_FOLDER, &params![folder])?;
    rows.iter()
        .map(|row| {
            Ok(Pair {
                attachment_id: row.get(0)?,
                case_id: row.get(1)?,
            })
        })
        .collect()
}

/// Takes out the links of a folder's cases, before the cases themselves.
pub fn delete_of_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<()> {
    tx.execute(DELETE_OF_FOLDER, &params![folder]).map(drop)
}

/// At most `limit` pairs that reached the status to go and that the portal has not purged, from after `after` on, in order.
pub fn for_portal(tx: &mut Tx<'_>, whose: &Whose, after: Pair, limit: u32) -> Result<Vec<Pair>> {
    let (case, attachment) = (after.case_id, after.attachment_id);
    match whose {
        Whose::Everybody => pairs(tx, PORTAL_ALL, &params![case, attachment, limit]),
        Whose::Processes(codes) => merged(codes, limit, |code| {
            pairs(tx, PORTAL_PROCESS, &params![case, attachment, code, limit])
        }),
        Whose::Recipient(recipient, codes) => {
            let codes = match codes {
                Some(codes) => codes.clone(),
                None => recipient_processes(tx, recipient)?,
            };
            merged(&codes, limit, |code| {
                let values = params![case, attachment, recipient, code, limit];
                pairs(tx, PORTAL_RECIPIENT, &values)
            })
        }
    }
}

/// The processes of which a recipient has cases.
fn recipient_processes(tx: &mut Tx<'_>, recipient: &str) -> Result<Vec<String>> {
    let rows = tx.query(RECIPIENT_PROCESSES, &params![recipient])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// One index answers for one process: the first `limit` of all are among the first `limit` of each.
fn merged(
    codes: &[String],
    limit: u32,
    mut of: impl FnMut(&str) -> Result<Vec<Pair>>,
) -> Result<Vec<Pair>> {
    let mut found = Vec::new();
    for code in codes {
        found.extend(of(code)?);
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(limit as usize);
    Ok(found)
}

fn pairs(tx: &mut Tx<'_>, sql: &str, values: &[Value]) -> Result<Vec<Pair>> {
    let rows = tx.query(sql, values)?;
    rows.iter()
        .map(|row| {
            Ok(Pair {
                case_id: row.get(0)?,
                attachment_id: row.get(1)?,
            })
        })
        .collect()
}

/// Gives the links of the cases of `source`, of these processes or of all, to `target`: before the cases themselves.
pub fn migrate(
    tx: &mut Tx<'_>,
    (source, target): (&str, &str),
    processes: Option<&[String]>,
) -> Result<()> {
    let fixed = params![target, source];
    match processes {
        None => tx.execute(MIGRATE_ALL, &fixed).map(drop),
        Some(processes) => {
            let codes: Vec<Value> = processes.iter().map(Value::from).collect();
            sets::run(tx, MIGRATE_SOME, &fixed, &codes)
        }
    }
}
