//! Returns that are sent again because it was asked for: under the same id, one redelivery of a return at a time.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Row, Tx},
    exchanges::Owner,
};
use crate::{
    kernel::{clock::instant, fault::Result},
    params, statements,
};

/// A row of `redelivery`.
#[derive(Clone, Debug)]
pub struct RedeliveryRow {
    /// Its id.
    pub id: Uuid,
    /// The return.
    pub return_id: Uuid,
    /// The exchange that the return answers.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// The project.
    pub project: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// By which client or operator.
    pub requested_by: String,
    /// Why, where a client said so, sealed under the exchange's key; and the project key behind that.
    pub reason: Option<(Uuid, Vec<u8>)>,
}

/// A return that may be sent again.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The return.
    pub return_id: Uuid,
    /// The exchange that it answers.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// The project.
    pub project: String,
    /// `pending`, `sent`, `delivered` or `undelivered`.
    pub state: String,
    /// The depot that it leaves through, where through one.
    pub depot: Option<String>,
}

/// Which returns are to be sent again: those of a project whose ids lie between two.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The project.
    pub project: String,
    /// `sent`, `delivered` or `undelivered`; any of them where it is empty.
    pub state: String,
    /// After this id; ids are in the order of their dates.
    pub after: Uuid,
    /// Before this id.
    pub before: Uuid,
}

statements! {
    BEGIN = "UPDATE exchange_return SET redelivery_id = $1, next_attempt_at = $2, \
        state = CASE state WHEN 'undelivered' THEN 'pending' ELSE state END \
        WHERE id = $3 AND redelivery_id IS NULL AND state <> 'pending' AND purged_at IS NULL";
    INSERT = "INSERT INTO redelivery (id, return_id, exchange_id, partner, environment, project, requested_at, requested_by, \
        key_id, reason, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending')";
    OF_RETURN = "SELECT id, requested_at, requested_by, state, reason FROM redelivery WHERE return_id = $1 ORDER BY id";
    ON_ITS_WAY = "UPDATE exchange SET status = 'returned' WHERE id = $1 AND status = 'undelivered'";
    DROP_FAILED_JOB = "DELETE FROM job WHERE subject = $1 AND state = 'failed'";
    SETTLE = "UPDATE redelivery SET state = $1, settled_at = $2 WHERE id = $3";
    OF_EXCHANGE = "SELECT r.id, r.exchange_id, r.partner, r.environment, r.project, r.state, f.depot FROM exchange_return r \
        LEFT JOIN return_file f ON f.return_id = r.id \
        WHERE r.exchange_id = $1 AND r.purged_at IS NULL AND r.outcome <> 'rejected'";
    CANDIDATES = "SELECT r.id, r.exchange_id, r.partner, r.environment, r.project, r.state, f.depot FROM exchange_return r \
        LEFT JOIN return_file f ON f.return_id = r.id \
        WHERE r.id > $1 AND r.id < $2 AND r.project = $3 \
        AND ($4 = '' OR r.state = $4) AND r.state <> 'pending' AND r.redelivery_id IS NULL AND r.purged_at IS NULL \
        AND r.outcome <> 'rejected' ORDER BY r.id LIMIT $5";
}

/// Puts a return on its way again; `false` where it is on its way already.
pub fn begin(tx: &mut Tx<'_>, row: &RedeliveryRow) -> Result<bool> {
    let r = row.clone();
    let taken = params![r.id, r.requested_at, r.return_id];
    if tx.execute(BEGIN, &taken)? == 0 {
        return Ok(false);
    }
    let (key_id, reason) = r.reason.unzip();
    let (shown, replaced) = (params![r.exchange_id], params![r.return_id]);
    let kept = params![
        r.id,
        r.return_id,
        r.exchange_id,
        r.owner.partner,
        r.owner.environment,
        r.project,
        r.requested_at,
        r.requested_by,
        key_id,
        reason
    ];
    tx.batch(&[
        (INSERT, &kept),
        (ON_ITS_WAY, &shown),
        (DROP_FAILED_JOB, &replaced),
    ])?;
    Ok(true)
}

/// A redelivery, as the gateway's operator is told of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its id.
    pub id: Uuid,
    /// When it was asked for.
    pub at: Timestamp,
    /// By which client or operator.
    pub by: String,
    /// `pending`, `delivered` or `undelivered`.
    pub state: String,
    /// Why, sealed under the exchange's key, where a client said so and it is kept.
    pub reason: Option<Vec<u8>>,
}

/// The redeliveries of a return, oldest first.
pub fn of_return(tx: &mut Tx<'_>, id: Uuid) -> Result<Vec<Asked>> {
    let rows = tx.query(OF_RETURN, &params![id])?;
    let read = rows.iter().map(|row| {
        Ok(Asked {
            id: row.get(0)?,
            at: instant(row.get(1)?),
            by: row.get(2)?,
            state: row.get(3)?,
            reason: row.get(4)?,
        })
    });
    read.collect()
}

/// Records how a redelivery ended: `delivered` or `undelivered`.
pub fn settle(tx: &mut Tx<'_>, id: Uuid, state: &str, at: Timestamp) -> Result<()> {
    tx.execute(SETTLE, &params![state, at, id]).map(drop)
}

/// The return of an exchange, where it has one that is still kept.
pub fn of_exchange(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Option<Candidate>> {
    tx.first(OF_EXCHANGE, &params![exchange])?
        .as_ref()
        .map(candidate)
        .transpose()
}

/// At most `limit` returns that may be sent again, oldest first.
pub fn candidates(tx: &mut Tx<'_>, wanted: &Wanted, limit: u32) -> Result<Vec<Candidate>> {
    let w = wanted.clone();
    let values = params![w.after, w.before, w.project, w.state, limit];
    tx.query(CANDIDATES, &values)?
        .iter()
        .map(candidate)
        .collect()
}

fn candidate(row: &Row) -> Result<Candidate> {
    Ok(Candidate {
        return_id: row.get(0)?,
        exchange_id: row.get(1)?,
        owner: Owner {
            partner: row.get(2)?,
            environment: row.get(3)?,
        },
        project: row.get(4)?,
        state: row.get(5)?,
        depot: row.get(6)?,
    })
}
