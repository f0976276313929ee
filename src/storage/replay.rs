//! Jobs as an operator sees them, and the revival of those that were given up.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Row, Tx},
    exchanges::Owner,
    jobs::{JobRow, job},
};
use crate::{kernel::fault::Result, params, statements};

/// A job and the exchange behind it.
#[derive(Clone, Debug)]
pub struct ListedJob {
    /// The job.
    pub job: JobRow,
    /// The exchange that it is about, directly, by its return or by an incident, where about one.
    pub exchange_id: Option<Uuid>,
    /// The exchange's project.
    pub project: String,
    /// Partner and environment.
    pub owner: Owner,
}

/// What a list of jobs is narrowed to; an empty text narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `queued` or `failed`.
    pub state: String,
    /// A project.
    pub project: String,
    /// Only jobs that were queued before.
    pub before: Option<Timestamp>,
}

statements! {
    HASTEN_OF = "UPDATE job SET state = 'queued', run_at = $1, lease_token = NULL WHERE subject = $2 \
        AND (state = 'failed' OR (state = 'queued' AND lease_token IS NULL))";
    LIST = "SELECT j.id, j.kind, j.lane, j.subject, j.state, j.attempts, j.run_at, j.last_fault, j.created_at, \
        COALESCE(r.exchange_id, e.id, i.exchange_id), COALESCE(r.project, e.project, i.project, ''), j.partner, j.environment FROM job j \
        LEFT JOIN exchange_return r ON r.id = j.subject \
        LEFT JOIN depot_file f ON f.id = j.subject LEFT JOIN exchange e ON e.id = COALESCE(f.exchange_id, j.subject) \
        LEFT JOIN incident i ON i.id = j.subject \
        WHERE ($1 = '' OR j.state = $1) AND ($2 = '' OR COALESCE(r.project, e.project, i.project, '') = $2) AND j.created_at < $3 \
        ORDER BY j.created_at, j.id LIMIT $4";
    FIND = "SELECT j.id, j.kind, j.lane, j.subject, j.state, j.attempts, j.run_at, j.last_fault, j.created_at, \
        COALESCE(r.exchange_id, e.id, i.exchange_id), COALESCE(r.project, e.project, i.project, ''), j.partner, j.environment FROM job j \
        LEFT JOIN exchange_return r ON r.id = j.subject \
        LEFT JOIN depot_file f ON f.id = j.subject LEFT JOIN exchange e ON e.id = COALESCE(f.exchange_id, j.subject) \
        LEFT JOIN incident i ON i.id = j.subject WHERE j.id = $1";
    REVIVE = "UPDATE job SET state = 'queued', attempts = 0, run_at = $1, created_at = $1, lease_token = NULL \
        WHERE id = $2 AND state = 'failed'";
}

/// At most `limit` jobs, oldest first.
pub fn list(tx: &mut Tx<'_>, wanted: &Wanted, limit: u32) -> Result<Vec<ListedJob>> {
    let before = wanted.before.unwrap_or(Timestamp::MAX);
    let values = params![&wanted.state, &wanted.project, before, limit];
    tx.query(LIST, &values)?.iter().map(listed).collect()
}

/// The job of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<ListedJob>> {
    tx.first(FIND, &params![id])?
        .as_ref()
        .map(listed)
        .transpose()
}

/// Queues a given-up job as if it were new: its attempts and its age begin again. Answers whether it was given up.
pub fn revive(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<bool> {
    Ok(tx.execute(REVIVE, &params![now, id])? == 1)
}

fn listed(row: &Row) -> Result<ListedJob> {
    Ok(ListedJob {
        job: job(row)?,
        exchange_id: row.get(9)?,
        project: row.get(10)?,
        owner: Owner {
            partner: row.get(11)?,
            environment: row.get(12)?,
        },
    })
}

/// Has the jobs on `subject` that wait or were given up taken now; answers how many.
pub fn hasten_of(tx: &mut Tx<'_>, subject: Uuid, now: Timestamp) -> Result<u64> {
    tx.execute(HASTEN_OF, &params![now, subject])
}
