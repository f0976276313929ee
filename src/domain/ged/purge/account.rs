//! What is kept of a run: its row, its entry in the journal, the end of the incident that an earlier one opened.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::sleep;

use super::{Order, Report, Run, ledger};
use crate::{
    domain::{
        Context,
        incidents::{self, Cause, Code as Incident},
        journal::{self, Kind, Subject},
    },
    kernel::fault::{Fault, Result},
    storage::{
        journal::{EntryRow, append},
        purges::{self, RunRow, Sums},
    },
};

/// The fault of a run that died.
const INTERRUPTED: &str = "interrupted";
/// How many of them one run gives their end.
const DEAD: u32 = 100;
/// How often the end of a run that was given up is tried, and how far apart: what has ended it is often the database.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);

/// What is told where a nightly run fails.
pub fn failure(ctx: &Context) -> Cause {
    Cause::of_house(ctx, Incident::PurgeFailed, "purge")
}

/// Notes that a run begins. One that died without an end has it now: its lease was free, so it lives no more.
pub async fn begin(ctx: &Context, order: &Order, run: Run) -> Result<()> {
    let row = RunRow {
        id: run.id,
        environment: ctx.config.gateway.environment.clone(),
        started_at: run.at,
        ended_at: None,
        run_by: order.by.clone(),
        reason: order.reason.clone(),
        confirmed_clock: order.confirm_clock,
        sums: Sums::default(),
        fault: None,
    };
    let dead = ctx.store.read(|tx| purges::open(tx, DEAD)).await?;
    let dead: Vec<_> = dead
        .into_iter()
        .map(|row| Ok((row.id, interrupted(ctx, &row)?)))
        .collect::<Result<_>>()?;
    let began = ctx.store.write(move |tx| {
        for (id, entry) in &dead {
            let ended = purges::end(tx, *id, row.started_at, Some(INTERRUPTED))?;
            entry
                .iter()
                .filter(|_| ended)
                .try_for_each(|entry| append(tx, entry))?;
        }
        purges::begin(tx, &row)
    });
    began.await
}

/// The entry of a run that died, where somebody ordered it: what it came to stands in the entries of its exchanges.
fn interrupted(ctx: &Context, row: &RunRow) -> Result<Option<EntryRow>> {
    let entry = row.reason.as_ref().map(|reason| {
        let detail = json!({
            "runId": row.id,
            "operator": row.run_by,
            "reason": reason,
            "confirmedClock": row.confirmed_clock,
            "fault": INTERRUPTED,
        });
        noted(ctx, detail)
    });
    entry.transpose()
}

/// Writes the run's end, its entry in the journal (where it did something, or somebody ordered it), and the ledger's last line. One
/// that went well ends the incident of those that failed. What has an end already keeps it.
pub async fn end(
    ctx: &Context,
    order: &Order,
    run: Run,
    report: &Report,
    fault: Option<&Fault>,
) -> Result<()> {
    let (sums, code) = (report.sums(), fault.map(|fault| fault.code().to_string()));
    let worth_an_entry = report.exchanges > 0 || order.reason.is_some();
    let entry = worth_an_entry.then(|| entry(ctx, order, run, &sums, code.as_deref()));
    let (entry, now) = (entry.transpose()?, ctx.clock.now());
    let over = fault
        .is_none()
        .then(|| incidents::clear(ctx, &failure(ctx)));
    let over = over.transpose()?;
    let written = ctx.store.write(move |tx| {
        if !purges::end(tx, run.id, now, code.as_deref())? {
            return Ok(false);
        }
        purges::advance(tx, run.id, &sums)?;
        over.iter().try_for_each(|over| over.close(tx).map(drop))?;
        entry.iter().try_for_each(|entry| append(tx, entry))?;
        Ok(true)
    });
    if !written.await? {
        return Ok(());
    }
    if report.exchanges > 0 {
        ledger::close(ctx, run.id, report).await?;
    }
    tracing::info!(run = %run.id, exchanges = sums.exchanges, kept_back = sums.kept_back, "purge ended");
    metrics::counter!("navette_purged_total").increment(sums.exchanges);
    metrics::gauge!("navette_purge_kept_back").set(sums.kept_back as f64);
    Ok(())
}

/// Gives an operator's run that was given up on its way, with its lease, the end that it could not write. One of the night has none:
/// the next look goes on with it.
pub async fn cut_short(ctx: &Context, order: &Order, run: Run, report: &Report, fault: &Fault) {
    if order.reason.is_none() {
        return;
    }
    for _ in 0..TRIES {
        let Err(met) = end(ctx, order, run, report, Some(fault)).await else {
            return;
        };
        tracing::warn!(run = %run.id, fault = %met, "the end of a purge that was given up could not be written; it is tried again");
        sleep(PAUSE).await;
    }
    tracing::error!(run = %run.id, "a purge that was given up has its end when the next one begins");
}

fn entry(
    ctx: &Context,
    order: &Order,
    run: Run,
    sums: &Sums,
    fault: Option<&str>,
) -> Result<EntryRow> {
    let detail = json!({
        "runId": run.id,
        "operator": order.by,
        "reason": order.reason,
        "confirmedClock": order.confirm_clock,
        "exchanges": sums.exchanges,
        "documents": sums.documents,
        "bytes": sums.bytes,
        "keysDestroyed": sums.keys_destroyed,
        "keptBack": sums.kept_back,
        "fault": fault,
    });
    noted(ctx, detail)
}

fn noted(ctx: &Context, detail: Json) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: None,
        project: None,
        owner: ctx.owner("navette"),
    };
    journal::entry(&ctx.clock, &ctx.entropy, Kind::PurgeRun, subject, detail)
}
