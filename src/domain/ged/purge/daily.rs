//! The run of each night: looked for every minute, by whichever worker holds the lease first.

use std::time::Duration;

use serde_json::json;

use super::{Order, account, guard, removal};
use crate::{
    domain::{Context, incidents},
    kernel::{
        fault::{Code, Fault, Result},
        term,
    },
    storage::purges,
};

/// How often the clock is looked at.
pub const PERIOD: Duration = Duration::from_secs(60);

/// Who the journal names where nobody ordered a purge.
pub const BY_THE_CLOCK: &str = "navette";

/// Looks at the clock, removes what is queued and nobody is removing, and purges where tonight's run has not been.
pub async fn look(ctx: &Context) -> Result<()> {
    let had_a_mark = ctx.store.read(purges::mark).await?.is_some();
    let believed = guard::watch(ctx).await?;
    let left = removal::leftovers(ctx).await?;
    if left > 0 {
        tracing::warn!(left, "blobs of purged exchanges cannot be removed yet");
    }
    match believed && had_a_mark && is_due(ctx).await? {
        true => tonight(ctx).await,
        false => Ok(()),
    }
}

/// Whether no run has begun since the hour of the purge last came. A house that has never purged waits for its first
/// night: the mark of its first look is then more than a moment old.
async fn is_due(ctx: &Context) -> Result<bool> {
    let (hour, minute) = ctx.config.gateway.purge.at;
    let since = term::last_time_of_day(ctx.clock.now(), hour, minute);
    let last = ctx.store.read(|tx| purges::last(tx, 1)).await?;
    Ok(match last.first() {
        // One that died is gone on with, once its lease has expired; an operator's own is left to him.
        Some(run) => run.started_at < since || (run.ended_at.is_none() && run.reason.is_none()),
        None => ctx
            .store
            .read(purges::first_entry)
            .await?
            .is_some_and(|first| first < since),
    })
}

async fn tonight(ctx: &Context) -> Result<()> {
    let order = Order {
        by: BY_THE_CLOCK.to_owned(),
        reason: None,
        confirm_clock: false,
        rewrite: false,
    };
    match super::run(ctx, &order).await {
        Ok(_) => Ok(()),
        // The guard's own incident says it already.
        Err(fault) if fault.code() == Code::ClockUntrusted => Ok(()),
        // Another purge runs, or a backup: the next look tries again.
        Err(fault) if is_due(ctx).await? => Err(fault),
        Err(fault) => failed(ctx, fault).await,
    }
}

async fn failed(ctx: &Context, fault: Fault) -> Result<()> {
    let detail = json!({ "fault": fault.code().as_str() });
    let ticket = incidents::prepare(ctx, account::failure(ctx), detail)?;
    ctx.store.write(move |tx| ticket.open(tx).map(drop)).await?;
    Err(fault)
}
