//! A clock that is set back: what was dated by it would wait for its time to come again, for hours or for years.
//!
//! Jobs whose very creation lies ahead are taken at once, whoever dated them. Where this process sees the clock go back beside
//! the system's steady one, everything that waits for later is taken at once: an attempt too early does no harm, one that
//! never comes does.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::Context,
    kernel::{clock::Clock, fault::Result},
    storage::{jobs, purges, targets},
};

/// How often it is looked for.
pub const PERIOD: Duration = Duration::from_secs(5);
/// How far a clock may be corrected without anything to be done.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// The clock as it was seen last, beside the steady one.
pub struct Seen(Mutex<(Instant, Timestamp)>);

impl Seen {
    /// As it stands now.
    pub fn new(clock: &Clock) -> Self {
        Self(Mutex::new((Instant::now(), clock.now())))
    }

    /// Whether it was set back since the last look.
    fn was_set_back(&self, clock: &Clock) -> bool {
        let now = (Instant::now(), clock.now());
        // A pair of instants is sound whatever happened to the thread that held it.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (steady, shown) = std::mem::replace(&mut *seen, now);
        let passed = SignedDuration::try_from(now.0 - steady).unwrap_or_default();
        now.1.duration_since(shown) < passed - TOLERANCE
    }
}

/// The look of a process that begins: whether the house last wrote ahead of the clock as it is now.
pub async fn first_look(ctx: &Context) -> Result<()> {
    let witnesses = ctx
        .store
        .read(|tx| Ok([purges::mark(tx)?, purges::last_entry(tx)?]));
    let now = ctx.clock.now();
    let ahead = |seen: &Timestamp| seen.duration_since(now) > TOLERANCE;
    let back = witnesses.await?.iter().flatten().any(ahead);
    call_back(ctx, back).await
}

/// One look.
pub async fn look(ctx: &Context, seen: &Seen) -> Result<()> {
    call_back(ctx, seen.was_set_back(&ctx.clock)).await
}

async fn call_back(ctx: &Context, back: bool) -> Result<()> {
    let now = ctx.clock.now();
    if back {
        tracing::warn!(%now, "the clock was set back: what waits for later is taken now");
    }
    let taken = ctx.store.write(move |tx| {
        jobs::recall(tx, now)?;
        match back {
            true => {
                targets::probe_all_now(tx, now)?;
                jobs::hasten_all(tx, now)
            }
            false => Ok(0),
        }
    });
    taken.await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_on_or_jumps_ahead_was_not_set_back() {
        let begin: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let clock = Clock::frozen(begin);
        let seen = Seen::new(&clock);
        let set = |hours: i64, seconds: i64| {
            let to = SignedDuration::new(hours * 3600 + seconds, 0);
            clock.set(begin.checked_add(to).unwrap());
            seen.was_set_back(&clock)
        };
        assert!(!set(0, 1));
        assert!(!set(0, -30));
        assert!(!set(87_600, 0));
        assert!(set(87_599, 0));
        assert!(!set(87_599, 1));
        assert!(set(-24, 0));
    }
}
