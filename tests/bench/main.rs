//! The figures: how fast the gateway takes pieces in, next to yardsticks measured in the same run.
//!
//! `make bench`, or `cargo bench --bench figures -- yardsticks` for one part. Yardstick and subject take turns, three
//! rounds each, and the median counts; every round starts with the disk's caches written out. The table goes to the
//! terminal, name and number of each figure to `target/bench/figures.json`. A run takes ten to twenty minutes and up to
//! 20 GB of the temporary directory's disk (`TMPDIR`), which should be the kind of disk that production has.
//!
//! To add a figure: a file that measures it, called from [`main`] with the [`Figures`] to record it in.

mod archives;
mod callbacks;
mod deliveries;
mod depots;
mod disk;
mod driver;
mod figures;
mod ftps;
mod hubee;
mod intake;
mod lists;
mod memory;
mod nginx;
mod processes;
mod purge;
mod request;
mod rounds;
mod slow;
mod subject;
mod wire;
mod yardsticks;

#[path = "../kit/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "a benchmark needs only a part of the kit, and none of its own tests"
)]
mod kit;

use figures::Figures;

/// Measures one group of figures.
type Part = fn(&mut Figures);

/// The parts in the order of a whole run; the yardsticks alone run only when named.
const PARTS: [(&str, Part); 16] = [
    ("intake", intake::small_ones),
    ("large", intake::large_ones),
    ("memory", memory::measure),
    ("callbacks", callbacks::measure),
    ("deliveries", deliveries::measure),
    ("slow", slow::measure),
    ("lists", lists::measure),
    ("purge", purge::measure),
    ("archives", archives::measure),
    ("depots", depots::measure),
    ("ftps", ftps::measure),
    ("folders", hubee::folders::measure),
    ("tokens", hubee::tokens::measure),
    ("notifications", hubee::notifications::measure),
    ("attachment", hubee::attachment::measure),
    ("yardsticks", yardsticks::measure),
];

fn main() {
    let mut figures = Figures::default();
    let named = named();
    for (name, measure) in PARTS {
        let wanted = match named.is_empty() {
            true => name != "yardsticks",
            false => named.iter().any(|wanted| wanted == name),
        };
        if wanted {
            eprintln!("{name}");
            measure(&mut figures);
        }
    }
    figures.publish();
}

/// The parts named on the command line; Cargo adds `--bench`.
fn named() -> Vec<String> {
    std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect()
}
