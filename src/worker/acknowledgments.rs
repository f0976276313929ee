//! The looks at the depots' flows of acknowledgments: one process at a time for each depot, and no depot waits for another.
//!
//! A look in which anything failed counts as one that the depot has failed: after as many in a row as its settings say it is an
//! incident, that of the other looks at it. Only a depot that is away, or lets nobody in, is looked at more rarely.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::depots::Health;
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
    transport::line::is_of_the_depot,
};

/// What a process that died keeps the next one from looking for, beside the poll.
const LIFE: Duration = Duration::from_secs(20);

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
    let mut health = Health::new(ctx.clone(), depot.clone(), None);
    loop {
        let pause = match look(&ctx, &lines, &depot, token, &mut memories).await {
            // How it is, its holder sees, and tells.
            Ok(Looked::NotOurs) => {
                health.is_anothers();
                depot.poll
            }
            Ok(Looked::Well) => {
                health.well().await;
                depot.poll
            }
            Ok(Looked::Met(fault)) => {
                health.ill(&fault).await;
                depot.poll
            }
            Err(fault) => health.ill(&fault).await,
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

/// What a look came to.
enum Looked {
    /// Another process looks at this depot.
    NotOurs,
    /// Everything that was there was seen to.
    Well,
    /// All but what met this fault.
    Met(Fault),
}

/// Looks at each flow. Fails where the depot or the database does not answer.
async fn look(
    ctx: &Context,
    lines: &Lines,
    depot: &Depot,
    token: Uuid,
    memories: &mut [Memory],
) -> Result<Looked> {
    if !hold(ctx, depot, token).await? {
        // What the other one does, it does not tell us.
        memories.fill_with(Memory::default);
        return Ok(Looked::NotOurs);
    }
    let mut met = None;
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
        let fault = match flowing.look(memory).await {
            Err(fault) if is_of_the_depot(&fault) => return Err(fault),
            Err(fault) => Some(fault),
            Ok(fault) => fault,
        };
        met = met.or(fault);
    }
    Ok(met.map_or(Looked::Well, Looked::Met))
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
