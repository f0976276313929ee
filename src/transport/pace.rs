//! How slow a transfer may be: bytes must come within the depot's timeout, and in the long run at a least rate.

use std::time::{Duration, Instant};

use crate::kernel::fault::{Code, Fault, Result};

/// The least rate, in bytes a second. A modem of 1995 is above it.
const LEAST_RATE: u64 = 1024;

/// How long nobody asks for the rate.
const GRACE: Duration = Duration::from_secs(60);

/// The watch over one transfer.
#[derive(Debug)]
pub struct Pace {
    since: Instant,
    bytes: u64,
}

impl Pace {
    /// Starts it.
    pub fn start() -> Self {
        Self {
            since: Instant::now(),
            bytes: 0,
        }
    }

    /// Counts bytes. Fails with `transfer-cut` where they come too slowly.
    pub fn count(&mut self, bytes: usize) -> Result<()> {
        self.bytes += bytes as u64;
        match is_too_slow(self.since.elapsed(), self.bytes) {
            true => Err(cut("the other end only trickles")),
            false => Ok(()),
        }
    }
}

fn is_too_slow(elapsed: Duration, bytes: u64) -> bool {
    elapsed > GRACE && bytes < (elapsed - GRACE).as_secs() * LEAST_RATE
}

/// The fault of a connection that was lost on the way.
pub fn cut(cause: impl std::fmt::Display) -> Fault {
    Fault::new(
        Code::TransferCut,
        "La connexion au dépôt s'est interrompue ; le transfert reprendra où il en était.",
    )
    .because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_left_after_a_minute_and_a_slow_line_is_not() {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert!(!is_too_slow(minutes(1), 0));
        assert!(is_too_slow(minutes(2), 60));
        assert!(!is_too_slow(minutes(10), 10 * 60 * 2000));
    }
}
