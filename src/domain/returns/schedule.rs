//! When the next attempt is made: the attempts are spread over the project's span, each gap twice the one before, with
//! jitter so that returns that failed together do not come back together.

use std::time::Duration;

use crate::{config::Callback, kernel::entropy::Entropy};

/// The longest part of a gap, in per cent, that jitter takes away.
const JITTER: u64 = 20;

/// How long to wait after attempt `made` (from 1), or nothing where it was the last. By default 12 attempts over 72 h: the
/// first gap is 2 min, the last 36 h, each up to 20 % shorter.
pub fn pause(callback: &Callback, made: u32, entropy: &Entropy) -> Option<Duration> {
    pause_of(callback.attempts, callback.over, made, entropy)
}

/// The same for `attempts` of them spread over `over`.
pub fn pause_of(attempts: u32, over: Duration, made: u32, entropy: &Entropy) -> Option<Duration> {
    if made >= attempts {
        return None;
    }
    let whole = gap(attempts, over, made);
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
    let less = entropy.below(millis / 100 * JITTER + 1);
    Some(Duration::from_millis(millis - less))
}

/// The gap after attempt `made`, before jitter: all gaps together are the project's span.
fn gap(attempts: u32, over: Duration, made: u32) -> Duration {
    let gaps = attempts - 1;
    let weight = f64::from(made.saturating_sub(1)).exp2();
    let total = f64::from(gaps).exp2() - 1.0;
    over.mul_f64((weight / total).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callback(attempts: u32, over: Duration) -> Callback {
        Callback {
            url: String::new(),
            certificate: Default::default(),
            key_file: Default::default(),
            ca: Default::default(),
            webhook_key_file: Default::default(),
            webhook_secret_file: None,
            allow: Vec::new(),
            timeout: Duration::from_secs(30),
            attempts,
            over,
            slow_after: 10,
            probe: Duration::from_secs(60),
        }
    }

    #[test]
    fn twelve_attempts_spread_over_72_hours_and_then_no_more() {
        let callback = callback(12, Duration::from_secs(72 * 3600));
        let total: Duration = (1..12).map(|made| gap(12, callback.over, made)).sum();
        assert!(
            total.abs_diff(callback.over) < Duration::from_secs(1),
            "{total:?}"
        );
        assert!(gap(12, callback.over, 1) < Duration::from_secs(180));
        assert_eq!(pause(&callback, 12, &Entropy::system()), None);
    }

    #[test]
    fn jitter_takes_away_a_fifth_at_most() {
        let callback = callback(2, Duration::from_secs(100));
        for _ in 0..100 {
            let pause = pause(&callback, 1, &Entropy::system()).unwrap();
            assert!((80..=100).contains(&pause.as_secs()), "{pause:?}");
        }
    }
}
