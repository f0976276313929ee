//! The runs by the clock: looked for every minute, by whichever worker holds the lease first.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Batch;
use crate::{
    domain::{
        Context,
        ged::purge::guard,
        incidents::{self, Cause, Code as Incident},
    },
    kernel::{
        fault::{Code, Fault, Result},
        term,
    },
    storage::{
        hubee::{reports, subscriptions},
        leases, purges,
    },
};

/// How often the clock is looked at.
pub const PERIOD: Duration = Duration::from_secs(60);
/// Who reports and journal name where nobody ordered a run.
pub const BY_THE_CLOCK: &str = "navette";
/// The fault of a run that is to be tried again: the database was away.
const AWAY: &str = "unavailable";
/// The name of the lease.
const LEASE: &str = "hub-batches";
/// How long a holder that died keeps the next one from beginning.
const LIFE: SignedDuration = SignedDuration::from_mins(60);
/// When subscriptions become active (R52).
const ACTIVATION: (i8, i8) = (0, 1);

/// Runs every batch whose hour has come and that has not run since; nothing where there is no hub.
pub async fn look(ctx: &Context) -> Result<()> {
    let Some(hub) = &ctx.config.gateway.hubee else {
        return Ok(());
    };
    let schedule = [
        (Batch::Activate, ACTIVATION),
        (Batch::Purge, hub.batches_at),
        (Batch::Archive, hub.batches_at),
        (Batch::Delete, hub.batches_at),
        (Batch::Digest, hub.digest_at),
    ];
    let mut due = Vec::new();
    for (batch, at) in schedule {
        let overdue = batch == Batch::Activate && is_awaited(ctx).await?;
        if overdue || is_due(ctx, batch, at).await? {
            due.push(batch);
        }
    }
    match due.is_empty() || !guard::watch(ctx).await? {
        true => Ok(()),
        false => alone(ctx, due).await,
    }
}

/// Whether a subscription's day has come, such as one that was made today for today.
async fn is_awaited(ctx: &Context) -> Result<bool> {
    let now = ctx.clock.now();
    let due = ctx.store.read(move |tx| subscriptions::due(tx, now, 1));
    Ok(!due.await?.is_empty())
}

/// Whether no run has begun since the hour of the batch last came. A house that has never run one waits for its first night.
async fn is_due(ctx: &Context, batch: Batch, (hour, minute): (i8, i8)) -> Result<bool> {
    let since = term::last_time_of_day(ctx.clock.now(), hour, minute);
    let name = batch.as_str();
    let last = ctx
        .store
        .read(move |tx| Ok((reports::list(tx, Some(name), 1)?, purges::first_entry(tx)?)));
    let (last, first) = last.await?;
    Ok(match last.first() {
        // One that died is gone on with; an operator's own is left to him.
        Some(run) => {
            let died = run.ended_at.is_none() && run.run_by == BY_THE_CLOCK;
            run.started_at < since || died || run.fault.as_deref() == Some(AWAY)
        }
        None => first.is_some_and(|first: Timestamp| first < since),
    })
}

/// Runs batches while no other process does.
async fn alone(ctx: &Context, due: Vec<Batch>) -> Result<()> {
    let (token, now) = (ctx.entropy.uuid(&ctx.clock)?, ctx.clock.now());
    let until = now.checked_add(LIFE).map_err(Fault::internal)?;
    let mine = ctx
        .store
        .write(move |tx| leases::take(tx, LEASE, token, now, until))
        .await?;
    if !mine {
        return Ok(());
    }
    let mut outcome = Ok(());
    for batch in due {
        // One that fails holds up no other.
        outcome = outcome.and(tonight(ctx, batch).await);
    }
    ctx.store
        .write(move |tx| leases::release(tx, LEASE, token))
        .await?;
    outcome
}

async fn tonight(ctx: &Context, batch: Batch) -> Result<()> {
    match super::run(ctx, batch, BY_THE_CLOCK).await {
        Ok(_) => {
            let clearing = incidents::clear(ctx, &cause(ctx, batch))?;
            ctx.store
                .write(move |tx| clearing.close(tx).map(drop))
                .await
        }
        // The guard's own incident says it; and where a purge or a backup runs, the next look tries again.
        Err(fault) if fault.code() == Code::ClockUntrusted => Ok(()),
        Err(fault) if fault.code() == Code::Unavailable => Err(fault),
        Err(fault) => failed(ctx, batch, fault).await,
    }
}

async fn failed(ctx: &Context, batch: Batch, fault: Fault) -> Result<()> {
    let detail = json!({ "batch": batch.as_str(), "fault": fault.code().as_str() });
    let ticket = incidents::prepare(ctx, cause(ctx, batch), detail)?;
    ctx.store.write(move |tx| ticket.open(tx).map(drop)).await?;
    Err(fault)
}

fn cause(ctx: &Context, batch: Batch) -> Cause {
    Cause::of_house(ctx, Incident::HubBatchFailed, batch.as_str())
}
