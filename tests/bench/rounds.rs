//! Taking turns: each round measures every contender once, so that a slow minute of the machine hits them all.

use std::time::Duration;

/// How often each contender runs.
pub const ROUNDS: usize = 3;

/// The same where rates differ twofold from one round to the next, as those of small files do: the first of them find the page
/// cache and the inodes as the work before has left them.
pub const MORE_ROUNDS: usize = 5;

/// How long one run lasts.
pub const RUN: Duration = Duration::from_secs(3);

/// Something that does as much as it can for the time given, and says how much it did per second.
pub type Contender<'a> = Box<dyn FnMut(Duration) -> f64 + 'a>;

/// The median rate of each contender over so many rounds, in the order given.
pub fn medians(rounds: usize, mut contenders: Vec<Contender<'_>>) -> Vec<f64> {
    let mut rates = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (contender, rates) in contenders.iter_mut().zip(&mut rates) {
            // What the one before left to be written must not slow this one down.
            rustix::fs::sync();
            rates.push(contender(RUN));
        }
    }
    rates.into_iter().map(median).collect()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    eprintln!("    rounds: {rates:.1?}");
    rates[rates.len() / 2]
}
