//! What is kept of a run: its row, its entry in the journal, the end of the incident that an earlier one opened.

use std::time::Duration;

use serde_json::json;
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

/// How often the end of a run that was given up is tried, and how far apart: what has ended it is often the database.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);

/// What is told where a nightly run fails.
pub fn failure(ctx: &Context) -> Cause {
    Cause::of_house(ctx, Incident::PurgeFailed, "purge")
}

/// Notes that a run begins.
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
    ctx.store.write(move |tx| purges::begin(tx, &row)).await
}

/// Writes the run's end, its entry in the journal (where it did something, or somebody ordered it), and the ledger's last line. One
/// that went well ends the incident of those that failed.
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
        purges::advance(tx, run.id, &sums)?;
        purges::end(tx, run.id, now, code.as_deref())?;
        over.iter().try_for_each(|over| over.close(tx).map(drop))?;
        entry.iter().try_for_each(|entry| append(tx, entry))
    });
    written.await?;
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
        let Err(met) = closed(ctx, order, run, report, fault).await else {
            return;
        };
        tracing::warn!(run = %run.id, fault = %met, "the end of a purge that was given up could not be written; it is tried again");
        sleep(PAUSE).await;
    }
    tracing::error!(run = %run.id, "a purge that was given up is left without an end");
}

async fn closed(
    ctx: &Context,
    order: &Order,
    run: Run,
    report: &Report,
    fault: &Fault,
) -> Result<()> {
    match ctx
        .store
        .read(move |tx| purges::is_open(tx, run.id))
        .await?
    {
        true => end(ctx, order, run, report, Some(fault)).await,
        false => Ok(()),
    }
}

fn entry(
    ctx: &Context,
    order: &Order,
    run: Run,
    sums: &Sums,
    fault: Option<&str>,
) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: None,
        project: None,
        owner: ctx.owner("navette"),
    };
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
    journal::entry(&ctx.clock, &ctx.entropy, Kind::PurgeRun, subject, detail)
}
