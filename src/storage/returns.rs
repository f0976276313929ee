//! Returns, and the attempts to deliver them. Their acknowledgments are in [`super::acknowledgments`].

use bytes::Bytes;
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

/// A row of `exchange_return`: the one return of an exchange.
#[derive(Clone, Debug)]
pub struct ReturnRow {
    /// The return's stable id.
    pub id: Uuid,
    /// The exchange that it answers.
    pub exchange_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// The project, hence the channel.
    pub project: String,
    /// `processed`, `partial` or `unprocessable`.
    pub outcome: String,
    /// `pending`, `sent`, `delivered` or `undelivered`.
    pub state: String,
    /// How often its delivery was tried.
    pub attempts: u32,
    /// When it is tried next, while it is pending.
    pub next_attempt_at: Option<Timestamp>,
    /// When the partner acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
    /// The project key behind the exchange's own.
    pub key_id: Uuid,
    /// The bytes that are sent, sealed under the exchange's key; those of a large archive's return are megabytes, hence shared.
    pub body: Bytes,
    /// When it was made.
    pub created_at: Timestamp,
    /// The redelivery that is under way.
    pub redelivery_id: Option<Uuid>,
}

/// Where a return stands, without its bytes.
#[derive(Clone, Debug)]
pub struct StateRow {
    /// The return's id.
    pub id: Uuid,
    /// `processed`, `partial` or `unprocessable`.
    pub outcome: String,
    /// `pending`, `sent`, `delivered` or `undelivered`.
    pub state: String,
    /// How often its delivery was tried.
    pub attempts: u32,
    /// When it is tried next, while it is pending.
    pub next_attempt_at: Option<Timestamp>,
    /// When the partner acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A row of `delivery_attempt`.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    /// Its id.
    pub id: Uuid,
    /// The return.
    pub return_id: Uuid,
    /// Partner and environment.
    pub owner: Owner,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// The answer's status, where one came.
    pub http_status: Option<u16>,
    /// Why it is no acknowledgment; nothing where it is one.
    pub failure: Option<String>,
    /// The first bytes of the answer, where one came, sealed under the exchange's key.
    pub answer: Option<Vec<u8>>,
    /// The redelivery that it belongs to.
    pub redelivery_id: Option<Uuid>,
}

/// Where a return stands after an attempt.
#[derive(Clone, Debug)]
pub struct Tried {
    /// `pending`, `sent`, `delivered` or `undelivered`.
    pub state: &'static str,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// When the partner acknowledged it; a first acknowledgment stays.
    pub acknowledged_at: Option<Timestamp>,
    /// The redelivery that is still under way.
    pub redelivery_id: Option<Uuid>,
}

statements! {
    ONCE = "INSERT INTO return_once (exchange_id, return_id) VALUES ($1, $2) ON CONFLICT (exchange_id) DO NOTHING";
    INSERT = "INSERT INTO exchange_return (id, exchange_id, partner, environment, project, outcome, state, attempts, \
        next_attempt_at, key_id, body, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    FIND = "SELECT id, exchange_id, partner, environment, project, outcome, state, attempts, next_attempt_at, \
        acknowledged_at, key_id, body, created_at, redelivery_id FROM exchange_return WHERE id = $1";
    OF_EXCHANGE = "SELECT id, exchange_id, partner, environment, project, outcome, state, attempts, next_attempt_at, \
        acknowledged_at, key_id, body, created_at, redelivery_id FROM exchange_return WHERE exchange_id = $1";
    STATE_OF = "SELECT id, outcome, state, attempts, next_attempt_at, acknowledged_at, created_at FROM exchange_return \
        WHERE exchange_id = $1";
    TRIED = "UPDATE exchange_return SET attempts = attempts + 1, state = $1, next_attempt_at = $2, \
        acknowledged_at = COALESCE(acknowledged_at, $3), redelivery_id = $4 WHERE id = $5";
    WAITS = "UPDATE exchange_return SET next_attempt_at = $1 WHERE id = $2 AND next_attempt_at IS NOT NULL";
    ANSWERED = "UPDATE exchange_return SET state = $1, acknowledged_at = $2, next_attempt_at = NULL, redelivery_id = NULL \
        WHERE id = $3 AND acknowledged_at IS NULL AND purged_at IS NULL AND (state = 'sent' OR state <> $1)";
    EXPIRED = "UPDATE exchange_return SET state = $1, next_attempt_at = NULL, redelivery_id = NULL WHERE id = $2";
    REVIVE = "UPDATE exchange_return SET state = 'pending', next_attempt_at = $1 WHERE id = $2 AND state = 'undelivered'";
    INSERT_ATTEMPT = "INSERT INTO delivery_attempt (id, return_id, partner, environment, at, duration_ms, http_status, failure, \
        answer, redelivery_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    ATTEMPTS = "SELECT id, return_id, partner, environment, at, duration_ms, http_status, failure, answer, redelivery_id \
        FROM delivery_attempt WHERE return_id = $1 ORDER BY id LIMIT $2";
}

/// Takes the exchange's one return for `id`; `false` where it has one already.
pub fn once(tx: &mut Tx<'_>, exchange: Uuid, id: Uuid) -> Result<bool> {
    Ok(tx.execute(ONCE, &params![exchange, id])? == 1)
}

/// Keeps a return that is to be delivered.
pub fn insert(tx: &mut Tx<'_>, row: &ReturnRow) -> Result<()> {
    let r = row.clone();
    let values = params![
        r.id,
        r.exchange_id,
        r.owner.partner,
        r.owner.environment,
        r.project,
        r.outcome,
        r.state,
        r.attempts,
        r.next_attempt_at,
        r.key_id,
        r.body,
        r.created_at
    ];
    tx.execute(INSERT, &values).map(drop)
}

/// The return of that id.
pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<ReturnRow>> {
    tx.first(FIND, &params![id])?.as_ref().map(read).transpose()
}

/// The return of an exchange, once it has one.
pub fn of_exchange(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Option<ReturnRow>> {
    tx.first(OF_EXCHANGE, &params![exchange])?
        .as_ref()
        .map(read)
        .transpose()
}

/// Where the return of an exchange stands, once it has one.
pub fn state_of(tx: &mut Tx<'_>, exchange: Uuid) -> Result<Option<StateRow>> {
    match tx.first(STATE_OF, &params![exchange])? {
        Some(row) => state(&row, 0),
        None => Ok(None),
    }
}

/// Records an attempt and where the return stands after it.
pub fn tried(tx: &mut Tx<'_>, attempt: &AttemptRow, tried: &Tried) -> Result<()> {
    let (a, t) = (attempt.clone(), tried);
    let moved = params![
        t.state,
        t.next_attempt_at,
        t.acknowledged_at,
        t.redelivery_id,
        a.return_id
    ];
    let kept = params![
        a.id,
        a.return_id,
        a.owner.partner,
        a.owner.environment,
        a.at,
        a.duration_ms,
        a.http_status,
        a.failure,
        a.answer,
        a.redelivery_id
    ];
    tx.batch(&[(TRIED, &moved), (INSERT_ATTEMPT, &kept)])
}

/// Notes when a return that waits without an attempt is tried next.
pub fn waits(tx: &mut Tx<'_>, id: Uuid, next: Timestamp) -> Result<()> {
    tx.execute(WAITS, &params![next, id]).map(drop)
}

/// Records what the partner said of a return that stands on a depot; `false` where he had acknowledged it, or said the same,
/// before.
pub fn answered(
    tx: &mut Tx<'_>,
    id: Uuid,
    state: &str,
    acknowledged: Option<Timestamp>,
) -> Result<bool> {
    Ok(tx.execute(ANSWERED, &params![state, acknowledged, id])? == 1)
}

/// Ends the delivery of a return without another attempt.
pub fn expired(tx: &mut Tx<'_>, id: Uuid, state: &str) -> Result<()> {
    tx.execute(EXPIRED, &params![state, id]).map(drop)
}

/// Makes an `undelivered` return `pending` again (an operator replays it).
pub fn revive(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<()> {
    tx.execute(REVIVE, &params![now, id]).map(drop)
}

/// The attempts to deliver a return, oldest first, at most `limit`.
pub fn attempts(tx: &mut Tx<'_>, id: Uuid, limit: u32) -> Result<Vec<AttemptRow>> {
    tx.query(ATTEMPTS, &params![id, limit])?
        .iter()
        .map(attempt)
        .collect()
}

fn read(row: &Row) -> Result<ReturnRow> {
    Ok(ReturnRow {
        id: row.get(0)?,
        exchange_id: row.get(1)?,
        owner: Owner {
            partner: row.get(2)?,
            environment: row.get(3)?,
        },
        project: row.get(4)?,
        outcome: row.get(5)?,
        state: row.get(6)?,
        attempts: row.get(7)?,
        next_attempt_at: row.get::<Option<i64>>(8)?.map(instant),
        acknowledged_at: row.get::<Option<i64>>(9)?.map(instant),
        key_id: row.get(10)?,
        body: row.get(11)?,
        created_at: instant(row.get(12)?),
        redelivery_id: row.get(13)?,
    })
}

/// The state whose columns begin at `at`; nothing where they are null.
pub(super) fn state(row: &Row, at: usize) -> Result<Option<StateRow>> {
    let Some(id) = row.get(at)? else {
        return Ok(None);
    };
    Ok(Some(StateRow {
        id,
        outcome: row.get(at + 1)?,
        state: row.get(at + 2)?,
        attempts: row.get(at + 3)?,
        next_attempt_at: row.get::<Option<i64>>(at + 4)?.map(instant),
        acknowledged_at: row.get::<Option<i64>>(at + 5)?.map(instant),
        created_at: instant(row.get(at + 6)?),
    }))
}

fn attempt(row: &Row) -> Result<AttemptRow> {
    Ok(AttemptRow {
        id: row.get(0)?,
        return_id: row.get(1)?,
        owner: Owner {
            partner: row.get(2)?,
            environment: row.get(3)?,
        },
        at: instant(row.get(4)?),
        duration_ms: row.get(5)?,
        http_status: row.get(6)?,
        failure: row.get(7)?,
        answer: row.get(8)?,
        redelivery_id: row.get(9)?,
    })
}
