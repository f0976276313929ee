//! The figures: how fast the gateway takes pieces in, next to yardsticks measured in the same run.
//!
//! `make bench`, or `cargo bench --bench figures -- yardsticks` for one part. Yardstick and subject take turns, three
//! rounds each, and the median counts; every round starts with the disk's caches written out. The table goes to the
//! terminal, name and number of each figure to `target/bench/figures.json`.
//!
//! To add a figure: a file that measures it, called from [`main`] with the [`Figures`] to record it in.

mod disk;
mod document;
mod driver;
mod figures;
mod nginx;
mod request;
mod rounds;
mod yardsticks;

#[path = "../kit/mod.rs"]
#[expect(dead_code, reason = "a benchmark needs only a part of the kit")]
mod kit;

use figures::Figures;

fn main() {
    let mut figures = Figures::default();
    for part in parts() {
        match part.as_str() {
            "yardsticks" => yardsticks::measure(&mut figures),
            other => eprintln!("no part named {other}"),
        }
    }
    figures.publish();
}

/// The parts named on the command line, else all; Cargo adds `--bench`.
fn parts() -> Vec<String> {
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    if named.is_empty() {
        vec!["yardsticks".to_owned()]
    } else {
        named
    }
}
