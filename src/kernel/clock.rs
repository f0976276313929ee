//! The time as a parameter: production reads the system's clock, a test freezes it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};

/// A cheap handle on the time. Every clone of a frozen clock moves together.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    frozen: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `at` until [`Clock::set`] moves it.
    pub fn frozen(at: Timestamp) -> Self {
        let micros = AtomicI64::new(at.as_microsecond());
        Self {
            frozen: Some(Arc::new(micros)),
        }
    }

    /// The present instant, truncated to the microsecond that the database keeps.
    pub fn now(&self) -> Timestamp {
        instant(self.now_micros())
    }

    /// The present instant in microseconds since 1970, as stored.
    pub fn now_micros(&self) -> i64 {
        match &self.frozen {
            Some(micros) => micros.load(Ordering::SeqCst),
            None => ambient().as_microsecond(),
        }
    }

    /// Moves a frozen clock; a system clock does not listen.
    pub fn set(&self, at: Timestamp) {
        if let Some(micros) = &self.frozen {
            micros.store(at.as_microsecond(), Ordering::SeqCst);
        }
    }
}

/// Reads a stored instant back. Values outside of jiff's range (no clock gives them) become the epoch.
pub fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Whether `pause` has passed from `since` to `now`. A `since` that lies ahead was told by a clock that was set back: nobody waits
/// for it to come again.
pub fn has_passed(pause: SignedDuration, since: Timestamp, now: Timestamp) -> bool {
    since > now || now.duration_since(since) >= pause
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the system's clock is read"
)]
fn ambient() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told_and_its_clones_follow() {
        let clock = Clock::frozen(instant(1_000_000));
        let clone = clock.clone();
        clock.set(instant(5_000_000));
        assert_eq!(clone.now_micros(), 5_000_000);
    }

    #[test]
    fn a_pause_that_a_clock_set_back_has_dated_is_over() {
        let (at, pause) = (
            |second: i64| instant(second * 1_000_000),
            SignedDuration::from_secs(10),
        );
        let over = [90, 99, 100, 109, 110].map(|now| has_passed(pause, at(100), at(now)));
        assert_eq!(over, [true, true, false, false, true]);
    }
}
