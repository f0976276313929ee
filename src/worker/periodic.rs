//! What runs by the clock: the journal's sequencer, the sweep of orphans, the gauges of the queue, the antivirus's greeting, the nightly purge, the hub's batches, and what was
//! found damaged.
//!
//! To add one: an `async fn` of one round, and a line in [`run`]. What only one process may do takes a named lease inside.

use std::{future::Future, time::Duration};

use jiff::SignedDuration;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::gauges::{self, Gauges};
use crate::{
    domain::{
        Context,
        doctor::healed,
        ged::{purge::daily, sweep, watch},
        hubee::batches,
        jobs::setback,
        journal::sequencer::{self, Sequencer},
        pieces::idempotency,
    },
    kernel::fault::{Fault, Result},
    outbound::clamd::Clamd,
    storage::leases,
};

/// Runs everything periodic until `stop`.
pub async fn run(ctx: Context, stop: CancellationToken) -> Result<()> {
    let tasks = TaskTracker::new();
    let token = ctx.entropy.uuid(&ctx.clock)?;
    let sequencer = Sequencer::new(ctx.store.clone(), ctx.clock.clone(), token);
    tasks.spawn(number(sequencer, stop.clone()));
    if let Some(antivirus) = ctx.config.gateway.antivirus.clone() {
        tasks.spawn(greet(ctx.clone(), Clamd::new(antivirus), stop.clone()));
    }
    let (swept, looked, jumping, measured) = (ctx.clone(), ctx.clone(), ctx.clone(), ctx);
    let ending = stop.clone();
    tasks.spawn(every("sweep", sweep::PERIOD, stop.clone(), move || {
        let (ctx, ending) = (swept.clone(), ending.clone());
        // A stop does not wait for it: what is left is found by the next sweep.
        async move {
            let swept = ending.run_until_cancelled(sweep_once(ctx)).await;
            swept.unwrap_or(Ok(()))
        }
    }));
    tasks.spawn(look_again(looked.clone(), stop.clone()));
    tasks.spawn(clock(jumping, stop.clone()));
    tasks.spawn(hub_batches(looked.clone(), stop.clone()));
    tasks.spawn(daily_purge(looked, stop.clone()));
    tasks.spawn(measure(measured, stop));
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// Measures the queue every few seconds.
async fn measure(ctx: Context, stop: CancellationToken) {
    let gauges = Gauges::new(&ctx);
    let round = || gauges.measure(&ctx);
    every("gauges", gauges::PERIOD, stop, round).await;
}

/// Greets the antivirus now and then, and has what waits for it go on when it is back.
async fn greet(ctx: Context, antivirus: Clamd, stop: CancellationToken) {
    let known = std::sync::Arc::new(watch::Watch::default());
    every("antivirus", watch::PERIOD, stop, move || {
        let (ctx, antivirus, known) = (ctx.clone(), antivirus.clone(), known.clone());
        async move { watch::greet(&ctx, &antivirus, &known).await }
    })
    .await;
}

async fn number(sequencer: Sequencer, stop: CancellationToken) {
    let sequencer = std::sync::Arc::new(sequencer);
    let round = sequencer.clone();
    every("sequencer", sequencer::PERIOD, stop, move || {
        let sequencer = round.clone();
        async move { sequencer.run().await.map(drop) }
    })
    .await;
    if let Err(fault) = sequencer.run().await.map(drop) {
        tracing::warn!(%fault, "the last journal entries will be numbered by the next process");
    }
    if let Err(fault) = sequencer.release().await {
        tracing::warn!(%fault, "the sequencer's lease will expire by itself");
    }
}

/// Runs `round` every `period` until `stop`; a round that fails is logged and the next one comes.
async fn every<F, R>(name: &'static str, period: Duration, stop: CancellationToken, round: F)
where
    F: Fn() -> R,
    R: Future<Output = Result<()>>,
{
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
        if let Err(fault) = round().await {
            tracing::warn!(name, %fault, "a periodic round failed; the next one comes");
        }
    }
}

/// The same with a first round before the first wait.
async fn at_once_and_every<F, R>(
    name: &'static str,
    period: Duration,
    stop: CancellationToken,
    round: F,
) where
    F: Fn() -> R,
    R: Future<Output = Result<()>>,
{
    if let Err(fault) = round().await {
        tracing::warn!(name, %fault, "the first periodic round failed; the next one comes");
    }
    every(name, period, stop, round).await;
}

/// Looks for the purge at once, for what one that died may have left, and then every minute.
async fn daily_purge(ctx: Context, stop: CancellationToken) {
    // A stop does not wait for a long purge: what is done is done, the rest comes with the next look.
    let look = || async {
        let looked = stop.run_until_cancelled(daily::look(&ctx)).await;
        looked.unwrap_or(Ok(()))
    };
    at_once_and_every("purge", daily::PERIOD, stop.clone(), look).await;
}

/// Looks again at what was found damaged, at once too: a worker that is stopped every hour would never do so. A stop does not wait for it: what is left is found by the next look.
async fn look_again(ctx: Context, stop: CancellationToken) {
    let look = || async {
        let looked = stop.run_until_cancelled(healed::look(&ctx)).await;
        looked.unwrap_or(Ok(0)).map(drop)
    };
    at_once_and_every("damage", healed::PERIOD, stop.clone(), look).await;
}

/// Looks every minute whether the hour of a batch of the hub has come.
async fn hub_batches(ctx: Context, stop: CancellationToken) {
    // A stop does not wait for a long batch: what is done is done, the rest comes with the next look.
    every(
        "hub batches",
        batches::daily::PERIOD,
        stop.clone(),
        || async {
            let looked = stop.run_until_cancelled(batches::daily::look(&ctx)).await;
            looked.unwrap_or(Ok(()))
        },
    )
    .await;
}

/// Looks for a clock that was set back, and has taken at once what was dated by it.
async fn clock(ctx: Context, stop: CancellationToken) {
    let seen = std::sync::Arc::new(setback::Seen::new(&ctx.clock));
    if let Err(fault) = setback::first_look(&ctx).await {
        tracing::warn!(%fault, "whether the clock was set back is not known; the next look comes");
    }
    every("clock", setback::PERIOD, stop, move || {
        let (ctx, seen) = (ctx.clone(), seen.clone());
        async move { setback::look(&ctx, &seen).await }
    })
    .await;
}

/// One sweep, of which another process begins none within the hour. Where it is long between the two looks at what looks old,
/// two may overlap: neither removes what the other would not.
async fn sweep_once(ctx: Context) -> Result<()> {
    let (token, now) = (ctx.entropy.uuid(&ctx.clock)?, ctx.clock.now());
    let until = now
        .checked_add(SignedDuration::from_mins(50))
        .map_err(Fault::internal)?;
    let mine = ctx
        .store
        .write(move |tx| leases::take(tx, "sweep", token, now, until))
        .await?;
    if mine {
        let forgotten = idempotency::sweep(&ctx).await?;
        let swept = sweep::sweep(&ctx, sweep::patience(&ctx)).await?;
        tracing::info!(
            temporaries = swept.temporaries,
            orphans = swept.orphans,
            forgotten,
            "store swept"
        );
    }
    Ok(())
}
