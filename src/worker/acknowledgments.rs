//! The looks at the depots' flows of acknowledgments: one process at a time for each depot, and no depot waits for another.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    config::{Depot, depots::Direction},
    domain::{
        Context,
        archives::{
            Lines,
            sending::collect::{Flowing, Memory},
        },
    },
    kernel::fault::{Fault, Result},
    storage::leases,
};

/// What a process that died keeps the next one from looking for, beside the poll.
const LIFE: Duration = Duration::from_secs(20);
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Looks at every depot that has such a flow, until `stop`.
pub async fn run(ctx: Context, lines: Lines, stop: CancellationToken) -> Result<()> {
    let tasks = TaskTracker::new();
    for depot in ctx.config.depots.values() {
        let is_one = |direction: &Direction| matches!(direction, Direction::Acknowledgments(_));
        if depot.flows.iter().any(|flow| is_one(&flow.direction)) {
            let token = ctx.entropy.uuid(&ctx.clock)?;
            let watch = watch(
                ctx.clone(),
                lines.clone(),
                depot.clone(),
                token,
                stop.clone(),
            );
            tasks.spawn(watch);
        }
    }
    tasks.close();
    tasks.wait().await;
    Ok(())
}

async fn watch(
    ctx: Context,
    lines: Lines,
    depot: Arc<Depot>,
    token: Uuid,
    stop: CancellationToken,
) {
    let mut memories: Vec<Memory> = depot.flows.iter().map(|_| Memory::default()).collect();
    let mut failures = 0u32;
    loop {
        let pause = match look(&ctx, &lines, &depot, token, &mut memories).await {
            Ok(()) => {
                failures = 0;
                depot.poll
            }
            Err(fault) => {
                failures = failures.saturating_add(1);
                tracing::warn!(depot = depot.name, failures, %fault, "a look for acknowledgments failed; the next one comes");
                let longer = depot.poll.saturating_mul(1 << failures.min(12));
                longer.min(LONGEST_PAUSE.max(depot.poll))
            }
        };
        if stop
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_none()
        {
            return release(&ctx, &depot, token).await;
        }
    }
}

async fn look(
    ctx: &Context,
    lines: &Lines,
    depot: &Depot,
    token: Uuid,
    memories: &mut [Memory],
) -> Result<()> {
    if !hold(ctx, depot, token).await? {
        return Ok(());
    }
    for (flow, memory) in depot.flows.iter().zip(memories) {
        let Direction::Acknowledgments(acks) = &flow.direction else {
            continue;
        };
        let flowing = Flowing {
            ctx,
            lines,
            depot,
            flow,
            acks,
        };
        flowing.look(memory).await?;
    }
    Ok(())
}

fn name(depot: &Depot) -> String {
    format!("acknowledgments:{}", depot.name)
}

/// Spares the depot a second look: what two do at once does no harm, so that the lease is asked for before a look only.
async fn hold(ctx: &Context, depot: &Depot, token: Uuid) -> Result<bool> {
    let (name, now) = (name(depot), ctx.clock.now());
    let life = SignedDuration::try_from(depot.poll + LIFE).map_err(Fault::internal)?;
    let until = now.checked_add(life).map_err(Fault::internal)?;
    ctx.store
        .write(move |tx| leases::take(tx, &name, token, now, until))
        .await
}

async fn release(ctx: &Context, depot: &Depot, token: Uuid) {
    let name = name(depot);
    let released = ctx
        .store
        .write(move |tx| leases::release(tx, &name, token))
        .await;
    if let Err(fault) = released {
        tracing::warn!(%fault, "the lease of a look for acknowledgments will expire by itself");
    }
}
