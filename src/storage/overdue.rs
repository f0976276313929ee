//! What no purge comes to by itself: exchanges that nobody has acknowledged, and those that a clock which stood ahead has.

use jiff::Timestamp;
use uuid::Uuid;

use super::engine::{Row, Tx, Value};
use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
};

/// An exchange that no purge comes to by itself.
#[derive(Clone, Debug)]
pub struct Overdue {
    /// The exchange.
    pub exchange_id: Uuid,
    /// When it was received; of one that was acknowledged, when that was.
    pub since: Timestamp,
}

statements! {
    UNACKNOWLEDGED = "SELECT e.id, e.received_at FROM exchange e LEFT JOIN exchange_return r ON r.exchange_id = e.id \
        WHERE e.project = $1 AND e.status = $2 AND e.id < $3 AND r.acknowledged_at IS NULL ORDER BY e.id LIMIT $4";
    COUNT_UNACKNOWLEDGED = "SELECT count(*) FROM exchange e LEFT JOIN exchange_return r ON r.exchange_id = e.id \
        WHERE e.project = $1 AND e.status = $2 AND e.id < $3 AND r.acknowledged_at IS NULL";
    ACKNOWLEDGED_AFTER = "SELECT r.exchange_id, r.acknowledged_at FROM exchange_return r \
        WHERE r.project = $1 AND r.purged_at IS NULL AND r.acknowledged_at > $2 ORDER BY r.acknowledged_at, r.id LIMIT $3";
    COUNT_ACKNOWLEDGED_AFTER = "SELECT count(*) FROM exchange_return r \
        WHERE r.project = $1 AND r.purged_at IS NULL AND r.acknowledged_at > $2";
}

/// At most `limit` exchanges of `project` of that status whose id is below `before` and which nobody has acknowledged, and
/// how many there are.
pub fn unacknowledged(
    tx: &mut Tx<'_>,
    project: &str,
    status: &str,
    before: Uuid,
    limit: u32,
) -> Result<(Vec<Overdue>, u64)> {
    let of = params![project, status, before];
    counted(tx, (UNACKNOWLEDGED, COUNT_UNACKNOWLEDGED), &of, limit)
}

/// At most `limit` exchanges of `project` that were acknowledged after `after`, and how many there are.
pub fn acknowledged_after(
    tx: &mut Tx<'_>,
    project: &str,
    after: Timestamp,
    limit: u32,
) -> Result<(Vec<Overdue>, u64)> {
    let of = params![project, after];
    counted(
        tx,
        (ACKNOWLEDGED_AFTER, COUNT_ACKNOWLEDGED_AFTER),
        &of,
        limit,
    )
}

/// What the first statement finds `of` these, `limit` at most, and how many there are: by the second one, where there may be more.
fn counted(
    tx: &mut Tx<'_>,
    (some, all): (&'static str, &'static str),
    of: &[Value],
    limit: u32,
) -> Result<(Vec<Overdue>, u64)> {
    let rows = tx.query(some, &[of, &params![limit]].concat())?;
    let overdue = |row: &Row| {
        Ok(Overdue {
            exchange_id: row.get(0)?,
            since: instant(row.get(1)?),
        })
    };
    let listed: Vec<_> = rows.iter().map(overdue).collect::<Result<_>>()?;
    let full = listed.len() == limit as usize;
    let count = match full {
        false => listed.len() as u64,
        true => tx.first(all, of)?.map_or(Ok(0), |row| row.get(0))?,
    };
    Ok((listed, count))
}
