//! One purge at a time, and none while a backup is made: a named lease, renewed while its holder lives.

use std::{future::Future, time::Duration};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    domain::Context,
    kernel::fault::{Fault, Result},
    storage::{Tx, leases},
};

/// The name of the lease; a hold waits for its row ([`crate::storage::holds::between_purges`]).
const LEASE: &str = "purge";
/// How long a holder that died keeps the next one from beginning.
const LIFE: SignedDuration = SignedDuration::from_secs(60);
/// How often the lease is renewed.
const RENEWAL: Duration = Duration::from_secs(20);

/// Does `work` while the lease is held under `token`. Fails with `unavailable` where another holds it; gives `work` up where
/// the lease is lost.
pub async fn held<T>(
    ctx: &Context,
    token: Uuid,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    take(ctx, token).await?;
    let done = tokio::select! {
        done = work => done,
        lost = renewed(ctx, token) => Err(lost),
    };
    release(ctx, token).await;
    done
}

/// Renews the lease until that fails for longer than it lives.
async fn renewed(ctx: &Context, token: Uuid) -> Fault {
    loop {
        tokio::time::sleep(RENEWAL).await;
        if let Err(fault) = take(ctx, token).await {
            return fault;
        }
    }
}

async fn take(ctx: &Context, token: Uuid) -> Result<()> {
    let now = ctx.clock.now();
    ctx.store.write(move |tx| keep(tx, token, now)).await
}

/// Takes or renews the lease in a transaction; fails where another holds it.
pub fn keep(tx: &mut Tx<'_>, token: Uuid, now: Timestamp) -> Result<()> {
    let until = now.checked_add(LIFE).map_err(Fault::internal)?;
    match leases::take(tx, LEASE, token, now, until)? {
        true => Ok(()),
        false => Err(Fault::unavailable("another purge, or a backup, is running")),
    }
}

/// Whether a purge runs, or a backup is made.
pub async fn is_held(ctx: &Context) -> Result<bool> {
    let now = ctx.clock.now();
    let held = ctx.store.read(move |tx| leases::is_taken(tx, LEASE, now));
    held.await
}

async fn release(ctx: &Context, token: Uuid) {
    let released = ctx
        .store
        .write(move |tx| leases::release(tx, LEASE, token))
        .await;
    if let Err(fault) = released {
        tracing::warn!(%fault, "the purge's lease will expire by itself");
    }
}
