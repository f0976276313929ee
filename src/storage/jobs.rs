//! Durable work: jobs queued with what they follow from, leased with an expiry and a token, settled with their effects.
//!
//! A job's `run_at` is when it may be taken next: leasing moves it to the lease's expiry, so an abandoned job comes back by
//! itself. Settling names the token; where no row answers, another has taken the job and all rolls back.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Engine, Prepared, Row, Tx},
    exchanges::Owner,
};
use crate::{
    kernel::{
        clock::instant,
        fault::{Fault, Result},
    },
    params, statements,
};

/// A job to queue.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: Uuid,
    /// What is to be done.
    pub kind: String,
    /// Whose turn it takes: jobs of one lane wait for each other only.
    pub lane: String,
    /// What it is to be done to.
    pub subject: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// From when on.
    pub run_at: Timestamp,
}

/// A job as leased or listed.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Its id.
    pub id: Uuid,
    /// What is to be done.
    pub kind: String,
    /// Its lane.
    pub lane: String,
    /// What it is to be done to.
    pub subject: Uuid,
    /// `queued`, or `failed` once it is given up.
    pub state: String,
    /// How often it was tried before.
    pub attempts: u32,
    /// When it may be taken next.
    pub run_at: Timestamp,
    /// Why the last attempt failed.
    pub last_fault: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
}

impl JobRow {
    /// Whether it was taken before and did not succeed since. Its attempts alone do not tell: they begin again where an
    /// operator revives it, and its last fault stays.
    pub fn has_failed(&self) -> bool {
        self.attempts > 0 || self.last_fault.is_some()
    }
}

/// How many jobs wait in a lane, and since when.
#[derive(Clone, Debug)]
pub struct Depth {
    /// The lane.
    pub lane: String,
    /// `queued` or `failed`.
    pub state: String,
    /// How many.
    pub count: u64,
    /// When the oldest was queued.
    pub oldest: Timestamp,
    /// From when on the first of them could be taken; of one that is leased, when its lease ends.
    pub due: Timestamp,
}

impl Depth {
    /// Whether these wait for a worker.
    pub fn is_queued(&self) -> bool {
        self.state == "queued"
    }
}

statements! {
    QUEUE = "INSERT INTO job (id, kind, lane, subject, partner, environment, state, attempts, run_at, created_at) \
        VALUES ($1, $2, $3, $4, $5, $6, 'queued', 0, $7, $8)";
    TAKE = "UPDATE job SET lease_token = $1, run_at = $2 WHERE id = $3 AND run_at <= $4 AND state = 'queued'";
    RENEW = "UPDATE job SET run_at = $1 WHERE id = $2 AND lease_token = $3";
    WAITS = "SELECT 1 FROM job WHERE subject = $1 AND kind = $2 AND state = 'queued' LIMIT 1";
    STANDS = "SELECT 1 FROM job WHERE subject = $1 AND kind = $2 LIMIT 1";
    HASTEN = "UPDATE job SET run_at = $1 WHERE lane = $2 AND state = 'queued' AND lease_token IS NULL AND run_at > $1";
    RECALL = "UPDATE job SET run_at = $1, created_at = $1 WHERE state = 'queued' AND created_at > $2 \
        AND (lease_token IS NULL OR run_at > $3)";
    RECALL_LEASES = "UPDATE job SET run_at = $1 WHERE state = 'queued' AND lease_token IS NOT NULL AND run_at > $2";
    HASTEN_ALL = "UPDATE job SET run_at = $1 WHERE state = 'queued' AND lease_token IS NULL AND run_at > $1";
    DONE = "DELETE FROM job WHERE id = $1 AND lease_token = $2";
    AGAIN = "UPDATE job SET attempts = 0, run_at = $1, last_fault = NULL, lease_token = NULL WHERE id = $2 AND lease_token = $3";
    RETRY = "UPDATE job SET attempts = attempts + 1, run_at = $1, last_fault = $2, lease_token = NULL \
        WHERE id = $3 AND lease_token = $4";
    FAIL = "UPDATE job SET attempts = attempts + 1, state = 'failed', last_fault = $1, lease_token = NULL \
        WHERE id = $2 AND lease_token = $3";
    HAND_BACK = "UPDATE job SET run_at = $1, lease_token = NULL WHERE id = $2 AND lease_token = $3";
    FIND = "SELECT id, kind, lane, subject, state, attempts, run_at, last_fault, created_at FROM job WHERE id = $1";
    DEPTHS = "SELECT lane, state, count(*), min(created_at), min(run_at) FROM job GROUP BY lane, state";
}

/// Those of the lanes of a JSON array in which a job may be taken: all of them are asked about in one statement, for that is done
/// whenever a job ends. Each is looked up by itself, and in the index's order, whatever the planner thinks of the table's size:
/// read from its beginning, PostgreSQL's would be passed through row by dead row.
const OPEN_SQLITE: &str = "SELECT l.value FROM json_each($1) l \
    WHERE (SELECT 1 FROM job WHERE state = 'queued' AND lane = l.value AND run_at <= $2 ORDER BY run_at LIMIT 1) = 1";
const OPEN_POSTGRES: &str = "SELECT l.name FROM json_array_elements_text(CAST(CAST($1 AS text) AS json)) AS l (name) \
    WHERE (SELECT 1 FROM job WHERE state = 'queued' AND lane = l.name AND run_at <= $2 ORDER BY run_at LIMIT 1) = 1";
/// What PostgreSQL's lease reads: rows that another transaction holds are passed over. SQLite has one writer.
const READY_SQLITE: &str = "SELECT id, kind, lane, subject, state, attempts, run_at, last_fault, created_at FROM job \
    WHERE state = 'queued' AND lane = $1 AND run_at <= $2 ORDER BY run_at LIMIT $3";
const READY_POSTGRES: &str = "SELECT id, kind, lane, subject, state, attempts, run_at, last_fault, created_at FROM job \
    WHERE state = 'queued' AND lane = $1 AND run_at <= $2 ORDER BY run_at LIMIT $3 FOR UPDATE SKIP LOCKED";
/// Leases are timed by the database's clock where several machines share it.
const NOW_POSTGRES: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)";

/// How far the clocks of machines may be apart, in microseconds.
const TOLERANCE: i64 = 60_000_000;
/// Longer than any lease of the settings, in microseconds.
const LONGEST_LEASE: i64 = 2 * 3_600_000_000;

/// The statement that queues `job`, for a batch.
pub fn queue(job: &NewJob, now: Timestamp) -> Prepared {
    let j = job.clone();
    let values = params![
        j.id,
        j.kind,
        j.lane,
        j.subject,
        j.owner.partner,
        j.owner.environment,
        j.run_at,
        now
    ];
    (QUEUE, values.into())
}

/// The lanes of `lanes` in which a job may be taken now.
pub fn ready(tx: &mut Tx<'_>, lanes: &[String], now: Timestamp) -> Result<Vec<String>> {
    let now = lease_clock(tx, now)?;
    let sql = match tx.engine() {
        Engine::Sqlite => OPEN_SQLITE,
        Engine::Postgres => OPEN_POSTGRES,
    };
    let lanes = serde_json::to_string(lanes).map_err(Fault::internal)?;
    let rows = tx.query(sql, &params![&lanes, now])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Leases at most `limit` jobs of `lane` for `micros` microseconds, under `token`.
pub fn lease(
    tx: &mut Tx<'_>,
    lane: &str,
    limit: u32,
    token: Uuid,
    now: Timestamp,
    micros: i64,
) -> Result<Vec<JobRow>> {
    let now = lease_clock(tx, now)?;
    let sql = match tx.engine() {
        Engine::Sqlite => READY_SQLITE,
        Engine::Postgres => READY_POSTGRES,
    };
    let rows = tx.query(sql, &params![lane, now, limit])?;
    let jobs: Vec<JobRow> = rows.iter().map(job).collect::<Result<_>>()?;
    let until = now.saturating_add(micros);
    let values: Vec<_> = jobs
        .iter()
        .map(|job| params![token, until, job.id, now])
        .collect();
    let statements: Vec<_> = values.iter().map(|values| (TAKE, &values[..])).collect();
    tx.batch(&statements)?;
    Ok(jobs)
}

/// Renews the leases of `held`, jobs each with its token, for `micros` microseconds from now; one that was lost stays lost.
pub fn renew(tx: &mut Tx<'_>, held: &[(Uuid, Uuid)], now: Timestamp, micros: i64) -> Result<()> {
    let until = lease_clock(tx, now)?.saturating_add(micros);
    let values: Vec<_> = held
        .iter()
        .map(|(id, token)| params![until, *id, *token])
        .collect();
    let statements: Vec<_> = values.iter().map(|values| (RENEW, &values[..])).collect();
    tx.batch(&statements)
}

/// The clock that leases are timed by.
pub(super) fn lease_clock(tx: &mut Tx<'_>, now: Timestamp) -> Result<i64> {
    match tx.engine() {
        Engine::Sqlite => Ok(now.as_microsecond()),
        Engine::Postgres => tx
            .first(NOW_POSTGRES, &[])?
            .map_or(Ok(now.as_microsecond()), |row| row.get(0)),
    }
}

/// Ends a job whose work is done.
pub fn done(tx: &mut Tx<'_>, id: Uuid, token: Uuid) -> Result<()> {
    let rows = tx.execute(DONE, &params![id, token])?;
    held(rows)
}

/// Puts a job of which a part is done back, to go on at once: among those that wait, as one that does since `since`.
pub fn again(tx: &mut Tx<'_>, id: Uuid, token: Uuid, since: Timestamp) -> Result<()> {
    let rows = tx.execute(AGAIN, &params![since, id, token])?;
    held(rows)
}

/// Puts a job back until `at`.
pub fn retry(tx: &mut Tx<'_>, id: Uuid, token: Uuid, at: Timestamp, fault: &str) -> Result<()> {
    let rows = tx.execute(RETRY, &params![at, fault, id, token])?;
    held(rows)
}

/// Gives a job up; it stays, for an operator to replay.
pub fn fail(tx: &mut Tx<'_>, id: Uuid, token: Uuid, fault: &str) -> Result<()> {
    let rows = tx.execute(FAIL, &params![fault, id, token])?;
    held(rows)
}

/// Hands a lease back unused (shutdown), without counting an attempt. A lease already lost is no fault.
pub fn hand_back(tx: &mut Tx<'_>, id: Uuid, token: Uuid, now: Timestamp) -> Result<()> {
    tx.execute(HAND_BACK, &params![now, id, token]).map(drop)
}

fn held(rows: u64) -> Result<()> {
    match rows {
        1 => Ok(()),
        _ => Err(Fault::unavailable(
            "the lease was lost: another worker has the job",
        )),
    }
}

/// The job of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<JobRow>> {
    tx.first(FIND, &params![id])?.as_ref().map(job).transpose()
}

/// Whether a job of `kind` on `subject` waits or runs.
pub fn waits(tx: &mut Tx<'_>, subject: Uuid, kind: &str) -> Result<bool> {
    Ok(tx.first(WAITS, &params![subject, kind])?.is_some())
}

/// Whether a job of `kind` on `subject` waits, runs, or was given up and stays for an operator.
pub fn stands(tx: &mut Tx<'_>, subject: Uuid, kind: &str) -> Result<bool> {
    Ok(tx.first(STANDS, &params![subject, kind])?.is_some())
}

/// Has the jobs of a lane that wait for later taken now; answers how many.
pub fn hasten(tx: &mut Tx<'_>, lane: &str, now: Timestamp) -> Result<u64> {
    tx.execute(HASTEN, &params![now, lane])
}

/// Has jobs taken now that a clock has dated which was set back since, and that would wait for its time to come again.
pub fn recall(tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
    let now = lease_clock(tx, now)?;
    let (soon, beyond) = (
        now.saturating_add(TOLERANCE),
        now.saturating_add(LONGEST_LEASE),
    );
    tx.batch(&[
        (RECALL, &params![now, soon, beyond]),
        (RECALL_LEASES, &params![now, beyond]),
    ])
}

/// Has everything that waits for later taken now, for nobody knows by which clock it was dated.
pub fn hasten_all(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    let now = lease_clock(tx, now)?;
    tx.execute(HASTEN_ALL, &params![now])
}

/// How many jobs stand in each lane and state.
pub fn depths(tx: &mut Tx<'_>) -> Result<Vec<Depth>> {
    let rows = tx.query(DEPTHS, &[])?;
    rows.iter()
        .map(|row| {
            Ok(Depth {
                lane: row.get(0)?,
                state: row.get(1)?,
                count: row.get(2)?,
                oldest: instant(row.get(3)?),
                due: instant(row.get(4)?),
            })
        })
        .collect()
}

/// The statements that differ, for the preparation test.
pub(super) fn of_engine(engine: Engine) -> Vec<(&'static str, &'static str)> {
    match engine {
        Engine::Sqlite => vec![("OPEN_SQLITE", OPEN_SQLITE), ("READY_SQLITE", READY_SQLITE)],
        Engine::Postgres => vec![
            ("OPEN_POSTGRES", OPEN_POSTGRES),
            ("READY_POSTGRES", READY_POSTGRES),
            ("NOW_POSTGRES", NOW_POSTGRES),
        ],
    }
}

pub(super) fn job(row: &Row) -> Result<JobRow> {
    Ok(JobRow {
        id: row.get(0)?,
        kind: row.get(1)?,
        lane: row.get(2)?,
        subject: row.get(3)?,
        state: row.get(4)?,
        attempts: row.get(5)?,
        run_at: instant(row.get(6)?),
        last_fault: row.get(7)?,
        created_at: instant(row.get(8)?),
    })
}
