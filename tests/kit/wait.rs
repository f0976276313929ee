//! Waiting for something that has no notification to offer: another process, a row that a worker writes.

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
