//! Waiting for something that has no notification to offer: another process, a row that a worker writes. And how long something
//! takes by itself ([`within`]), on a machine that may be doing a hundred other things.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Long enough to leave the processor to what is awaited, short enough not to be felt.
const PAUSE: Duration = Duration::from_millis(5);

/// Over the network, where each question leaves a line in a log.
const POLITE_PAUSE: Duration = Duration::from_millis(50);

/// Asks again and again until `probe` has an answer. Panics at the deadline, naming `what`.
#[track_caller]
pub fn until<T>(what: &str, deadline: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < end, "no {what} within {deadline:?}");
        thread::sleep(PAUSE);
    }
}

/// The pause between two tries, for a loop that is a task of its own: a closure's borrows keep [`eventually`] from being one.
pub async fn pause() {
    tokio::time::sleep(POLITE_PAUSE).await;
}

/// The same for a probe that asks over the network.
pub async fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < end, "no {what} within {deadline:?}");
        tokio::time::sleep(POLITE_PAUSE).await;
    }
}

/// How often something is measured that took too long.
const MEASURES: usize = 3;

/// Does something that answers how long it took, again where that was too long, three times at most. Other work on the machine
/// makes some of them slow; a wait that should not be there is in each. Panics where none was within `bound`.
#[track_caller]
pub fn within(bound: Duration, mut act: impl FnMut() -> Duration) {
    let mut all = Vec::new();
    while all.last().is_none_or(|took| *took >= bound) {
        assert!(all.len() < MEASURES, "not within {bound:?}: {all:?}");
        all.push(act());
    }
}

/// The same for what is awaited.
pub async fn within_time(bound: Duration, mut act: impl AsyncFnMut() -> Duration) {
    let mut all = Vec::new();
    while all.last().is_none_or(|took| *took >= bound) {
        assert!(all.len() < MEASURES, "not within {bound:?}: {all:?}");
        all.push(act().await);
    }
}
