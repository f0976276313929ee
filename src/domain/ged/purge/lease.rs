//! One purge at a time, and none while a backup is made: a named lease, renewed while its holder lives.

use std::{future::Future, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout_at};
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
/// How soon a renewal that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Does `work` while the lease is held under `token`. Fails with `unavailable` where another holds it; gives `work` up where
/// the lease is lost.
pub async fn held<T>(
    ctx: &Context,
    token: Uuid,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    if !take(ctx, token).await? {
        return Err(another());
    }
    let done = tokio::select! {
        done = work => done,
        lost = renewed(|| take(ctx, token)) => Err(lost),
    };
    release(ctx, token).await;
    done
}

/// Renews the lease until another has it, or until that fails for longer than it lives: a database that is away for some seconds
/// ends nothing.
async fn renewed<R: Future<Output = Result<bool>>>(mut renew: impl FnMut() -> R) -> Fault {
    let life = LIFE.unsigned_abs();
    let (mut since, mut pause) = (Instant::now(), RENEWAL);
    loop {
        tokio::time::sleep(pause).await;
        // It lives from before the renewal on: whoever takes it afterwards comes no earlier.
        let begun = Instant::now();
        match timeout_at(since + life, renew()).await {
            Ok(Ok(true)) => (since, pause) = (begun, RENEWAL),
            Ok(Ok(false)) => return another(),
            Ok(Err(fault)) if since.elapsed() + RETRY < life => {
                tracing::warn!(%fault, "the purge's lease could not be renewed; it is tried again");
                pause = RETRY;
            }
            Ok(Err(fault)) => return fault,
            Err(_) => return Fault::unavailable("the purge's lease could not be renewed in time"),
        }
    }
}

/// Takes or renews the lease; `false` where another holds it.
async fn take(ctx: &Context, token: Uuid) -> Result<bool> {
    let now = ctx.clock.now();
    ctx.store.write(move |tx| is_kept(tx, token, now)).await
}

/// Takes or renews the lease in a transaction; fails where another holds it.
pub fn keep(tx: &mut Tx<'_>, token: Uuid, now: Timestamp) -> Result<()> {
    match is_kept(tx, token, now)? {
        true => Ok(()),
        false => Err(another()),
    }
}

fn is_kept(tx: &mut Tx<'_>, token: Uuid, now: Timestamp) -> Result<bool> {
    let until = now.checked_add(LIFE).map_err(Fault::internal)?;
    leases::take(tx, LEASE, token, now, until)
}

fn another() -> Fault {
    Fault::unavailable("another purge, or a backup, is running")
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

#[cfg(test)]
mod tests {
    use super::*;

    /// How long the renewals go on, in whole seconds, where the first ones answer as told and all later ones well; nothing
    /// where they never end.
    async fn ends_after(answers: impl IntoIterator<Item = Result<bool>>) -> Option<u64> {
        let (begun, mut answers) = (Instant::now(), answers.into_iter());
        let renew = || std::future::ready(answers.next().unwrap_or(Ok(true)));
        let ended = tokio::time::timeout(10 * LIFE.unsigned_abs(), renewed(renew));
        ended.await.ok().map(|_| begun.elapsed().as_secs())
    }

    fn away(times: usize) -> impl Iterator<Item = Result<bool>> {
        std::iter::repeat_with(|| Err(Fault::unavailable("away"))).take(times)
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_away_for_less_than_the_lease_lives_ends_nothing() {
        assert_eq!(ends_after(away(1)).await, None);
        assert_eq!(ends_after(away(19)).await, None, "forty seconds");
        let again = away(19).chain([Ok(true)]).chain(away(19));
        assert_eq!(ends_after(again).await, None, "each renewal counts anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_is_away_for_longer_ends_the_work_before_the_lease_ends() {
        assert_eq!(ends_after(away(1000)).await, Some(58));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_that_hangs_ends_the_work_with_the_lease() {
        let begun = Instant::now();
        renewed(std::future::pending).await;
        assert_eq!(begun.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_another_has_ends_the_work_at_once() {
        assert_eq!(ends_after([Ok(true), Ok(false)]).await, Some(40));
    }
}
