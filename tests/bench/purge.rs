//! The purge: how many exchanges, each with its blob, it destroys a second, from the command's start to its end.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    disk::Disk, driver::Until, figures::Figures, processes, request::MARK, subject::Subject,
};
use crate::kit::{
    document,
    gateway::{Engine, REASON},
};

/// How many exchanges are purged.
const PIECES: u64 = 3000;

/// Long enough for the slowest machine.
const DRAIN: Duration = Duration::from_secs(180);

/// How many files the bare disk removes at once, as the vault does.
const REMOVERS: usize = 4;

/// Purges on both engines; the slower one counts. Beside it stands what the bare disk does: it can be what a purge waits for.
pub fn measure(figures: &mut Figures) {
    let engines = [("SQLite", Engine::Sqlite), ("PostgreSQL", Engine::Postgres)];
    let mut slowest = f64::INFINITY;
    for (name, engine) in engines {
        let (rate, processor_ms) = rate(engine);
        figures.line(&format!("exchanges purged, {name}"), rate, "/s");
        figures.line(
            &format!("processor time per exchange purged, {name}"),
            processor_ms,
            "ms",
        );
        slowest = slowest.min(rate);
    }
    let bare = Disk::new().removals(REMOVERS, PIECES as usize, &document::pdf(MARK, 100_000));
    figures.line("files of 100 KB removed, 4 threads", bare, "/s");
    figures.named("purge_per_s", slowest, "at least 500");
}

/// Exchanges a second, and milliseconds of processor time of each, the command's start included.
fn rate(engine: Engine) -> (f64, f64) {
    let mut subject = Subject::start(engine);
    subject.push(&document::pdf(MARK, 100_000), 64, Until::Count(PIECES));
    subject.settle(DRAIN);
    subject.gateway.await_idle();
    let old =
        "UPDATE exchange_return SET acknowledged_at = acknowledged_at - 8640000000000; SELECT 1";
    subject.gateway.sql(old);
    rustix::fs::sync();
    let (begun, spent) = (Instant::now(), own_seconds());
    let said = subject
        .gateway
        .run(&["purge", "--reason", REASON, "--json"]);
    let took = begun.elapsed().as_secs_f64();
    let spent = own_seconds() - spent;
    let report: Value = serde_json::from_str(&said.succeeded()).expect("JSON was asked for");
    assert_eq!(report["exchanges"], PIECES, "{report}");
    assert_eq!(subject.gateway.blobs().len(), 0, "blobs are gone");
    (PIECES as f64 / took, spent * 1000.0 / PIECES as f64)
}

/// Processor time of this process and of its children that have ended: what the purge took, for nothing else runs here.
fn own_seconds() -> f64 {
    processes::processor_seconds(rustix::process::getpid().as_raw_nonzero().get())
}
