//! The partners that have failed since their last answer, one row per project; a healthy one has none.

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

/// A row of `callback_target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRow {
    /// How often it failed in a row, whatever return it was.
    pub failures: u32,
    /// How often it was probed since it is called slowly.
    pub probes: u32,
    /// Where it is called slowly, or has asked for a pause: when it is called next.
    pub next_probe_at: Option<Timestamp>,
    /// Where it said that it is gone (410): the digest of that address.
    pub gone: Option<[u8; 32]>,
}

/// A failure that is to be recorded.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The project.
    pub project: String,
    /// Partner and environment.
    pub owner: Owner,
    /// When.
    pub at: Timestamp,
    /// From how many failures on it is called slowly.
    pub slow_after: u32,
    /// When it is called next, where it is called slowly from now on.
    pub next_probe_at: Timestamp,
    /// Before when it is not probed again, where this was a probe.
    pub after_probe: Option<Timestamp>,
    /// Before when it does not want to be called, where it said so.
    pub not_before: Option<Timestamp>,
    /// The digest of the address that is gone, where it said so.
    pub gone: Option<[u8; 32]>,
}

statements! {
    STANDING = "SELECT (SELECT count(*) FROM delivery_attempt WHERE return_id = $1 AND at >= $2), t.failures, t.probes, \
        t.next_probe_at, t.gone FROM (SELECT 1 AS one) here LEFT JOIN callback_target t ON t.project = $3";
    FIND = "SELECT failures, probes, next_probe_at, gone FROM callback_target WHERE project = $1";
    PROBE = "UPDATE callback_target SET probes = probes + 1, next_probe_at = $1 WHERE project = $2 AND next_probe_at <= $3";
    FAILED = "INSERT INTO callback_target (project, partner, environment, failures, failing_since, probes, next_probe_at) \
        VALUES ($1, $2, $3, 1, $4, 0, $5) ON CONFLICT (project) DO UPDATE SET failures = callback_target.failures + 1, \
        next_probe_at = CASE WHEN callback_target.next_probe_at IS NULL AND callback_target.failures + 1 >= $6 THEN $7 \
        ELSE callback_target.next_probe_at END";
    AFTER_PROBE = "UPDATE callback_target SET next_probe_at = $1 WHERE project = $2 AND next_probe_at < $1";
    NOT_BEFORE = "UPDATE callback_target SET next_probe_at = $1 WHERE project = $2 \
        AND (next_probe_at IS NULL OR next_probe_at < $1)";
    GONE = "UPDATE callback_target SET gone = $1 WHERE project = $2";
    ANSWERED = "DELETE FROM callback_target WHERE project = $1";
    PROBE_NOW = "UPDATE callback_target SET next_probe_at = $1, gone = NULL WHERE project = $2 \
        AND (next_probe_at > $1 OR gone IS NOT NULL)";
    HOLD_RETURNS = "UPDATE exchange_return SET next_attempt_at = $1 WHERE id IN (SELECT subject FROM job WHERE lane = $2 \
        AND state = 'queued' AND lease_token IS NULL AND run_at < $1 AND created_at >= $3)";
    HOLD = "UPDATE job SET run_at = $1, last_fault = COALESCE(last_fault, $2) WHERE lane = $3 AND state = 'queued' AND lease_token IS NULL \
        AND run_at < $1 AND created_at >= $4";
    PROBE_ALL_NOW = "UPDATE callback_target SET next_probe_at = $1 WHERE next_probe_at > $1";
    WAKE = "UPDATE job SET run_at = $1 WHERE lane = $2 AND state = 'queued' AND lease_token IS NULL AND run_at > $1";
    WAKE_RETURNS = "UPDATE exchange_return SET next_attempt_at = $1 WHERE id IN \
        (SELECT subject FROM job WHERE lane = $2 AND state = 'queued' AND lease_token IS NULL)";
}

/// How the partner of `project` stands; nothing where it is healthy.
pub fn find(tx: &mut Tx<'_>, project: &str) -> Result<Option<TargetRow>> {
    tx.first(FIND, &params![project])?
        .as_ref()
        .map(|row| target(row, 0))
        .transpose()
}

/// How many attempts were made to deliver a return since `since`, and how its partner stands: in one question, for every
/// delivery asks it.
pub fn standing(
    tx: &mut Tx<'_>,
    id: Uuid,
    since: Timestamp,
    project: &str,
) -> Result<(u32, Option<TargetRow>)> {
    let Some(row) = tx.first(STANDING, &params![id, since, project])? else {
        return Ok((0, None));
    };
    let has_failed = row.get::<Option<u32>>(1)?.is_some();
    let target = has_failed.then(|| target(&row, 1)).transpose()?;
    Ok((row.get(0)?, target))
}

/// Takes the probe that is due, for one attempt, and sets when the next one is; `false` where another was faster.
pub fn probe(tx: &mut Tx<'_>, project: &str, now: Timestamp, next: Timestamp) -> Result<bool> {
    Ok(tx.execute(PROBE, &params![next, project, now])? == 1)
}

/// Counts a failure; answers whether it is one in a row of so many that the partner is called slowly. Where he says when he
/// wants to be called again, nobody calls him before.
pub fn failed(tx: &mut Tx<'_>, failure: &Failure) -> Result<bool> {
    let f = failure.clone();
    let first = Some(f.next_probe_at).filter(|_| f.slow_after <= 1);
    let values = params![
        &f.project,
        f.owner.partner,
        f.owner.environment,
        f.at,
        first,
        f.slow_after,
        f.next_probe_at
    ];
    tx.execute(FAILED, &values)?;
    if let Some(after_probe) = f.after_probe {
        tx.execute(AFTER_PROBE, &params![after_probe, &f.project])?;
    }
    if let Some(not_before) = f.not_before {
        tx.execute(NOT_BEFORE, &params![not_before, &f.project])?;
    }
    if let Some(gone) = f.gone {
        tx.execute(GONE, &params![gone, &f.project])?;
    }
    let standing = find(tx, &f.project)?;
    Ok(standing.is_some_and(|target| target.failures >= f.slow_after))
}

/// Forgets the failures of a partner that has answered; `false` where there were none.
pub fn answered(tx: &mut Tx<'_>, project: &str) -> Result<bool> {
    Ok(tx.execute(ANSWERED, &params![project])? == 1)
}

/// Has the next attempt made at once, as a probe, be its address gone or not (an operator asks for it).
pub fn probe_now(tx: &mut Tx<'_>, project: &str, now: Timestamp) -> Result<()> {
    tx.execute(PROBE_NOW, &params![now, project]).map(drop)
}

/// Has every delivery of a lane that waits, and was queued at `since` or later, wait until `until`: one by one, each would
/// take a lease to find out that its partner is held.
pub fn hold(
    tx: &mut Tx<'_>,
    lane: &str,
    until: Timestamp,
    since: Timestamp,
    why: &str,
) -> Result<()> {
    tx.batch(&[
        (HOLD_RETURNS, &params![until, lane, since]),
        (HOLD, &params![until, why, lane, since]),
    ])
}

/// Has every partner probed at the next attempt: nobody knows by which clock their probes were dated.
pub fn probe_all_now(tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
    tx.execute(PROBE_ALL_NOW, &params![now]).map(drop)
}

/// Has every delivery of a lane that waits made now.
pub fn wake(tx: &mut Tx<'_>, lane: &str, now: Timestamp) -> Result<()> {
    let values = params![now, lane];
    tx.batch(&[(WAKE_RETURNS, &values), (WAKE, &values)])
}

/// The target whose columns begin at `at`.
fn target(row: &Row, at: usize) -> Result<TargetRow> {
    Ok(TargetRow {
        failures: row.get(at)?,
        probes: row.get(at + 1)?,
        next_probe_at: row.get::<Option<i64>>(at + 2)?.map(instant),
        gone: row.get(at + 3)?,
    })
}
