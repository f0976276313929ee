//! One taker for each depot: a named lease, whose token every transaction of a taking asks for (fencing).
//!
//! A look may wait for a line, or for a seat, as long as a download takes: so the lease is renewed by a task of its own ([`Held`]).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
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

fn name(depot: &str) -> String {
    format!("depot:{depot}")
}

/// Fails with `unavailable` where `token` does not hold the depot's lease any more: what a late taker has done is undone.
/// For short transactions: the lease stays as it is until they end.
pub fn demand(tx: &mut Tx<'_>, depot: &str, token: Uuid) -> Result<()> {
    match leases::kept(tx, &name(depot), token)? {
        true => Ok(()),
        false => Err(lost()),
    }
}

/// The same for a long transaction, which ends well only where the archive's own row is still the taker's.
pub fn demand_at_first(tx: &mut Tx<'_>, depot: &str, token: Uuid) -> Result<()> {
    match leases::held(tx, &name(depot), token)? {
        true => Ok(()),
        false => Err(lost()),
    }
}

fn lost() -> Fault {
    Fault::unavailable("the depot's lease was lost: another process takes its files")
}

/// The lease of a depot as one process holds it, or not.
pub(super) struct Held {
    ctx: Context,
    depot: String,
    token: Uuid,
    /// When it was taken or renewed last; nothing while it is not ours.
    since: Mutex<Option<Timestamp>>,
}

impl Held {
    /// Nothing is held yet.
    pub fn new(ctx: &Context, depot: &str, token: Uuid) -> Self {
        Self {
            ctx: ctx.clone(),
            depot: depot.to_owned(),
            token,
            since: Mutex::default(),
        }
    }

    /// Takes it, or renews it where a third of its life is gone; `false` where another holds it.
    pub async fn keep(&self) -> Result<bool> {
        let now = self.ctx.clock.now();
        let fresh = |at: Timestamp| at <= now && now.duration_since(at) < self.beat_every();
        let held = self.since().is_some_and(fresh);
        match held {
            true => Ok(true),
            false => self.renew().await,
        }
    }

    async fn renew(&self) -> Result<bool> {
        let now = self.ctx.clock.now();
        let until = now.checked_add(life(&self.ctx)).map_err(Fault::internal)?;
        let (name, token) = (name(&self.depot), self.token);
        let taken = self
            .ctx
            .store
            .write(move |tx| leases::take(tx, &name, token, now, until));
        let mine = taken.await?;
        *self.since() = mine.then_some(now);
        Ok(mine)
    }

    /// How much of its life it may lose before it is renewed.
    fn beat_every(&self) -> SignedDuration {
        life(&self.ctx) / BEATS
    }

    /// Renews it three times within its life, while it is ours and `needed`, until `stop`.
    pub async fn beat(self: Arc<Self>, needed: impl Fn() -> bool, stop: CancellationToken) {
        let pause = Duration::try_from(self.beat_every()).unwrap_or_default();
        let pause = pause.max(Duration::from_millis(10));
        while let Some(()) = stop.run_until_cancelled(tokio::time::sleep(pause)).await {
            if !needed() || self.since().is_none() {
                continue;
            }
            match self.renew().await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(
                        depot = self.depot,
                        "the lease of a depot was lost: another process takes its files"
                    );
                }
                Err(fault) => {
                    tracing::warn!(depot = self.depot, %fault, "a depot's lease could not be renewed; it may expire");
                }
            }
        }
    }

    /// Gives it back.
    pub async fn release(&self) {
        let (name, token) = (name(&self.depot), self.token);
        let released = self
            .ctx
            .store
            .write(move |tx| leases::release(tx, &name, token));
        if let Err(fault) = released.await {
            tracing::warn!(depot = self.depot, %fault, "the depot's lease will expire by itself");
        }
    }

    fn since(&self) -> MutexGuard<'_, Option<Timestamp>> {
        // A date is sound whatever happened to the thread that held it.
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
