//! The links between cases and attachments: whether a binary may still be downloaded for a case, and whether the portal has
//! purged its own copy (R23, R25). Whoever adds an attachment inserts its links.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::fault::Result,
    params, statements,
    storage::{
        engine::{Row, Tx, Value},
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

/// Whose cases are listed.
#[derive(Clone, Debug)]
pub enum Whose {
    /// Everybody's.
    Everybody,
    /// Those of the folders of one organisation.
    Osl(String),
    /// Those of one recipient, all of them or those of some processes.
    Recipient(String, Option<Vec<String>>),
}

statements! {
    TO_DELETE = "UPDATE hub_case_attachment SET link_status = 'TO_DELETE', delete_at = $1 \
        WHERE case_id = $2 AND link_status <> 'DELETED'";
    TO_DOWNLOAD = "UPDATE hub_case_attachment SET link_status = 'TO_DOWNLOAD', delete_at = NULL \
        WHERE case_id = $1 AND link_status = 'TO_DELETE'";
    SENT = "UPDATE hub_case_attachment SET delete_at = $1, portal_purged = false WHERE link_status = 'TO_DELETE' \
        AND attachment_id IN (SELECT id FROM hub_attachment WHERE event_id = $2)";
    PURGED = "UPDATE hub_case_attachment SET portal_purged = true WHERE attachment_id = $1 AND case_id = $2 \
        AND link_status <> 'TO_DOWNLOAD' AND NOT portal_purged";
    PORTAL_ALL = "SELECT l.case_id, l.attachment_id FROM hub_case c JOIN hub_case_attachment l ON l.case_id = c.id \
        WHERE c.portal_pending AND c.id >= $1 AND (c.id > $1 OR l.attachment_id > $2) AND NOT l.portal_purged \
        ORDER BY c.id, l.attachment_id LIMIT $3";
    PORTAL_OSL = "SELECT l.case_id, l.attachment_id FROM hub_case c JOIN hub_case_attachment l ON l.case_id = c.id \
        WHERE c.portal_pending AND c.id >= $1 AND (c.id > $1 OR l.attachment_id > $2) AND NOT l.portal_purged AND c.osl = $3 \
        ORDER BY c.id, l.attachment_id LIMIT $4";
    PORTAL_RECIPIENT = "SELECT l.case_id, l.attachment_id FROM hub_case c JOIN hub_case_attachment l ON l.case_id = c.id \
        WHERE c.portal_pending AND c.id >= $1 AND (c.id > $1 OR l.attachment_id > $2) AND NOT l.portal_purged AND c.recipient = $3 \
        ORDER BY c.id, l.attachment_id LIMIT $4";
}

/// The same for some processes of a recipient.
const PORTAL_SOME: &str = "SELECT l.case_id, l.attachment_id FROM hub_case c JOIN hub_case_attachment l ON l.case_id = c.id \
    WHERE c.portal_pending AND c.id >= $1 AND (c.id > $1 OR l.attachment_id > $2) AND NOT l.portal_purged AND c.recipient = $3 \
    AND c.process_code IN ({}) ORDER BY c.id, l.attachment_id LIMIT ";

/// The statements over sets, for the preparation test and that of the query plans.
pub fn of_sets() -> Vec<(&'static str, String)> {
    let whose = Whose::Recipient(String::new(), Some(vec![String::new(); 2]));
    vec![("PORTAL_SOME", statement(&whose, Pair::FIRST, 1).0)]
}

/// The binaries of a case may go from `at` on.
pub fn to_delete(tx: &mut Tx<'_>, case: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(TO_DELETE, &params![at, case]).map(drop)
}

/// The binaries of an event, sent to a case whose others may go, may go from `at` on; the portal has purged none of them.
pub fn sent(tx: &mut Tx<'_>, event: Uuid, at: Timestamp) -> Result<()> {
    tx.execute(SENT, &params![at, event]).map(drop)
}

/// The binaries of a case that are still there stay.
pub fn to_download(tx: &mut Tx<'_>, case: Uuid) -> Result<()> {
    tx.execute(TO_DOWNLOAD, &params![case]).map(drop)
}

/// Notes that the portal has purged its copy. A pair that there is not, or that is not to go, is passed over. Answers how many
/// there are now that were not before.
pub fn purged(tx: &mut Tx<'_>, pair: Pair) -> Result<u64> {
    tx.execute(PURGED, &params![pair.attachment_id, pair.case_id])
}

/// At most `limit` pairs that reached the status to go and that the portal has not purged, from after `after` on, in order.
pub fn for_portal(tx: &mut Tx<'_>, whose: &Whose, after: Pair, limit: u32) -> Result<Vec<Pair>> {
    let (sql, values) = statement(whose, after, limit);
    let rows = tx.query(&sql, &values)?;
    rows.iter().map(pair).collect()
}

/// Only what is asked for stands in it, so that each has its index.
fn statement(whose: &Whose, after: Pair, limit: u32) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = params![after.case_id, after.attachment_id].into();
    let mut with = |more: &[Value]| {
        values.extend_from_slice(more);
        values.clone()
    };
    match whose {
        Whose::Everybody => (PORTAL_ALL.to_owned(), with(&params![limit])),
        Whose::Osl(osl) => (PORTAL_OSL.to_owned(), with(&params![osl, limit])),
        Whose::Recipient(si, None) => (PORTAL_RECIPIENT.to_owned(), with(&params![si, limit])),
        Whose::Recipient(si, Some(codes)) => {
            let codes: Vec<Value> = codes.iter().map(Value::from).collect();
            // A client is issued for a handful of processes; none stands for nothing.
            let codes = if codes.is_empty() {
                vec![Value::Null]
            } else {
                codes
            };
            let (sql, mut values) = sets::filled(PORTAL_SOME, &with(&params![si]), &[&codes]);
            values.push(limit.into());
            (format!("{sql}${}", values.len()), values)
        }
    }
}

fn pair(row: &Row) -> Result<Pair> {
    Ok(Pair {
        case_id: row.get(0)?,
        attachment_id: row.get(1)?,
    })
}
