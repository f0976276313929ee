//! Notifications: what an organisation has not deleted yet (R40, R41). Ids are UUIDv7, so the order of ids is that of dates.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
    storage::{
        engine::{Prepared, Row, Tx, Value},
        exchanges::{Owner, owner},
        sets,
    },
};

/// A row of `hub_notification`.
#[derive(Clone, Debug)]
pub struct NotificationRow {
    /// Its id.
    pub id: Uuid,
    /// Partner (the folder's organisation) and environment.
    pub owner: Owner,
    /// The organisation that it is for.
    pub recipient: String,
    /// The organisation that acted.
    pub transmitter: String,
    /// The code of the process.
    pub process_code: String,
    /// The folder.
    pub folder_id: Uuid,
    /// The case, where it is of one.
    pub case_id: Option<Uuid>,
    /// The event that it tells of, where it is not of a new case.
    pub event_id: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A notification, with where its event stands now.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The notification.
    pub row: NotificationRow,
    /// The event's action type and its status, where there is one.
    pub event: Option<(String, String)>,
}

/// Which notifications of a recipient are read.
#[derive(Clone, Debug)]
pub enum Which {
    /// All of them.
    All,
    /// Those of these processes.
    Of(Vec<String>),
    /// All but those of these processes.
    Except(Vec<String>),
}

/// The most walks that one statement merges; of more processes one walk passes over those of others.
const WALKS: usize = 64;

const COLUMNS: &str = "n.id, n.partner, n.environment, n.recipient, n.transmitter, n.process_code, n.folder_id, n.case_id, \
    n.event_id, n.created_at, e.action_type, e.status";

statements! {
    INSERT = "INSERT INTO hub_notification (id, partner, environment, recipient, transmitter, process_code, folder_id, case_id, \
        event_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    FIND = "SELECT id, partner, environment, recipient, transmitter, process_code, folder_id, case_id, event_id, created_at \
        FROM hub_notification WHERE id = $1";
    DELETE = "DELETE FROM hub_notification WHERE id = $1";
    IN_FOLDER = "SELECT 1 FROM hub_notification WHERE folder_id = $1 LIMIT 1";
    MIGRATE_RECEIVED_ALL = "UPDATE hub_notification SET recipient = $1 WHERE recipient = $2 AND case_id IN \
        (SELECT id FROM hub_case WHERE recipient = $1)";
    MIGRATE_SENT_ALL = "UPDATE hub_notification SET transmitter = $1 WHERE transmitter = $2 AND folder_id IN \
        (SELECT folder_id FROM hub_case WHERE recipient = $1)";
}

const MIGRATE_RECEIVED_SOME: &str = "UPDATE hub_notification SET recipient = $1 WHERE recipient = $2 AND case_id IN \
    (SELECT id FROM hub_case WHERE recipient = $1 AND process_code IN ({}))";
const MIGRATE_SENT_SOME: &str = "UPDATE hub_notification SET transmitter = $1 WHERE transmitter = $2 AND folder_id IN \
    (SELECT folder_id FROM hub_case WHERE recipient = $1 AND process_code IN ({}))";

/// The statements that are put together, for the preparation test and that of the query plans.
pub fn composed() -> Vec<(&'static str, String)> {
    let none = [Value::Null, Value::Null];
    let filled = |template| sets::filled(template, &none, &[&[Value::Null]]).0;
    let codes = |n: usize| vec![String::new(); n];
    vec![
        ("MIGRATE_RECEIVED_SOME", filled(MIGRATE_RECEIVED_SOME)),
        ("MIGRATE_SENT_SOME", filled(MIGRATE_SENT_SOME)),
        ("PAGE_ALL", statement("", &Which::All, Uuid::nil(), 1).0),
        (
            "PAGE_OF_ONE",
            statement("", &Which::Of(codes(1)), Uuid::nil(), 1).0,
        ),
        (
            "PAGE_OF_SOME",
            statement("", &Which::Of(codes(3)), Uuid::nil(), 1).0,
        ),
        (
            "PAGE_OF_MANY",
            statement("", &Which::Of(codes(WALKS + 1)), Uuid::nil(), 1).0,
        ),
        (
            "PAGE_EXCEPT",
            statement("", &Which::Except(codes(2)), Uuid::nil(), 1).0,
        ),
    ]
}

/// The statement that inserts `notification`, for a batch.
pub fn insert(notification: &NotificationRow) -> Prepared {
    let n = notification.clone();
    let values = params![
        n.id,
        n.owner.partner,
        n.owner.environment,
        n.recipient,
        n.transmitter,
        n.process_code,
        n.folder_id,
        n.case_id,
        n.event_id,
        n.created_at
    ];
    (INSERT, values.into())
}

/// The notification of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<NotificationRow>> {
    tx.first(FIND, &params![id])?
        .as_ref()
        .map(notification)
        .transpose()
}

/// Takes one out. Answers whether it was there.
pub fn delete(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    Ok(tx.execute(DELETE, &params![id])? == 1)
}

/// Whether a case of the folder has a notification.
pub fn is_in_folder(tx: &mut Tx<'_>, folder: Uuid) -> Result<bool> {
    Ok(tx.first(IN_FOLDER, &params![folder])?.is_some())
}

/// At most `limit` notifications of `recipient`, from after `after` on, oldest first.
pub fn page(
    tx: &mut Tx<'_>,
    recipient: &str,
    which: &Which,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Shown>> {
    if matches!(which, Which::Of(codes) if codes.is_empty()) {
        return Ok(Vec::new());
    }
    let (sql, values) = statement(recipient, which, after, limit);
    let rows = tx.query(&sql, &values)?;
    rows.iter().map(shown).collect()
}

/// Each page walks an index and stops: by the recipient alone, or by recipient and process, one walk for each process whose
/// first ones are merged.
fn statement(recipient: &str, which: &Which, after: Uuid, limit: u32) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = params![recipient, after].into();
    let mut place = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let walk = |condition: &str, limit: &str| {
        format!(
            "SELECT * FROM hub_notification WHERE recipient = $1 AND id > $2{condition} ORDER BY id LIMIT {limit}"
        )
    };
    let (found, limit) = match which {
        Which::All => {
            let limit = place(limit.into());
            (walk("", &limit), limit)
        }
        Which::Except(codes) => {
            let codes: Vec<_> = codes.iter().map(|code| place(code.into())).collect();
            let limit = place(limit.into());
            let condition = format!(" AND process_code NOT IN ({})", codes.join(", "));
            (walk(&condition, &limit), limit)
        }
        Which::Of(codes) if codes.len() > WALKS => {
            let codes: Vec<_> = codes.iter().map(|code| place(code.into())).collect();
            let limit = place(limit.into());
            let condition = format!(" AND process_code IN ({})", codes.join(", "));
            (walk(&condition, &limit), limit)
        }
        Which::Of(codes) => {
            // Places are numbered in the order in which they appear: the limit stands behind the first process.
            let mut last = None;
            let mut walks = Vec::new();
            for code in codes {
                let code = place(code.into());
                let limit = last.get_or_insert_with(|| place(limit.into()));
                let walk = walk(&format!(" AND process_code = {code}"), limit);
                walks.push(format!("SELECT * FROM ({walk}) AS w"));
            }
            (walks.join(" UNION ALL "), last.unwrap_or_default())
        }
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM ({found}) AS n LEFT JOIN hub_event e ON e.id = n.event_id ORDER BY n.id LIMIT {limit}"
    );
    (sql, values)
}

/// Gives the notifications that `source` has of cases that are now `target`'s, of these processes or of all, to `target`.
pub fn migrate(
    tx: &mut Tx<'_>,
    (source, target): (&str, &str),
    processes: Option<&[String]>,
) -> Result<()> {
    let fixed = params![target, source];
    match processes {
        None => {
            tx.execute(MIGRATE_RECEIVED_ALL, &fixed)?;
            tx.execute(MIGRATE_SENT_ALL, &fixed).map(drop)
        }
        Some(processes) => {
            let codes: Vec<Value> = processes.iter().map(Value::from).collect();
            sets::run(tx, MIGRATE_RECEIVED_SOME, &fixed, &codes)?;
            sets::run(tx, MIGRATE_SENT_SOME, &fixed, &codes)
        }
    }
}

fn notification(row: &Row) -> Result<NotificationRow> {
    Ok(NotificationRow {
        id: row.get(0)?,
        owner: owner(row, 1)?,
        recipient: row.get(3)?,
        transmitter: row.get(4)?,
        process_code: row.get(5)?,
        folder_id: row.get(6)?,
        case_id: row.get(7)?,
        event_id: row.get(8)?,
        created_at: instant(row.get(9)?),
    })
}

fn shown(row: &Row) -> Result<Shown> {
    let (action, status): (Option<String>, Option<String>) = (row.get(10)?, row.get(11)?);
    Ok(Shown {
        row: notification(row)?,
        event: action.zip(status),
    })
}
