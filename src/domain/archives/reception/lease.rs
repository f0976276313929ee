//! One taker for each depot: a named lease, whose token every transaction of a taking asks for (fencing).

use jiff::SignedDuration;
use uuid::Uuid;

use crate::{
    domain::Context,
    kernel::fault::{Fault, Result},
    storage::{Tx, leases},
};

/// How many times a lease is renewed within its life.
const BEATS: i32 = 3;

/// How long a taker that died keeps the next one from beginning: as long as a worker's lease of a job.
fn life(ctx: &Context) -> SignedDuration {
    let lease = ctx.config.gateway.worker.lease;
    SignedDuration::try_from(lease).unwrap_or(SignedDuration::from_secs(30))
}

/// How much of its life a lease may lose before it is renewed.
pub fn renewal(ctx: &Context) -> SignedDuration {
    life(ctx) / BEATS
}

fn name(depot: &str) -> String {
    format!("depot:{depot}")
}

/// Takes or renews a depot's lease; `false` where another holds it.
pub async fn take(ctx: &Context, depot: &str, token: Uuid) -> Result<bool> {
    let (name, now) = (name(depot), ctx.clock.now());
    let until = now.checked_add(life(ctx)).map_err(Fault::internal)?;
    ctx.store
        .write(move |tx| leases::take(tx, &name, token, now, until))
        .await
}

/// Fails with `unavailable` where `token` does not hold the depot's lease any more: what a late taker has done is undone.
pub fn demand(tx: &mut Tx<'_>, depot: &str, token: Uuid) -> Result<()> {
    match leases::held(tx, &name(depot), token)? {
        true => Ok(()),
        false => Err(Fault::unavailable(
            "the depot's lease was lost: another process takes its files",
        )),
    }
}

/// Gives the lease back.
pub async fn release(ctx: &Context, depot: &str, token: Uuid) {
    let name = name(depot);
    let released = ctx
        .store
        .write(move |tx| leases::release(tx, &name, token))
        .await;
    if let Err(fault) = released {
        tracing::warn!(depot, %fault, "the depot's lease will expire by itself");
    }
}
