//! The purge: how many exchanges, each with its blob, it destroys a second, from the command's start to its end.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{driver::Until, figures::Figures, request::MARK, subject::Subject};
use crate::kit::{
    document,
    gateway::{Engine, REASON},
};

/// How many exchanges are purged.
const PIECES: u64 = 3000;

/// Long enough for the slowest machine.
const DRAIN: Duration = Duration::from_secs(180);

/// Purges on both engines; the slower one counts.
pub fn measure(figures: &mut Figures) {
    let engines = [("SQLite", Engine::Sqlite), ("PostgreSQL", Engine::Postgres)];
    let mut slowest = f64::INFINITY;
    for (name, engine) in engines {
        let rate = rate(engine);
        figures.line(&format!("exchanges purged, {name}"), rate, "/s");
        slowest = slowest.min(rate);
    }
    figures.named("purge_per_s", slowest, "at least 500");
}

fn rate(engine: Engine) -> f64 {
    let mut subject = Subject::start(engine);
    subject.push(&document::pdf(MARK, 100_000), 64, Until::Count(PIECES));
    subject.settle(DRAIN);
    subject.gateway.await_idle();
    let old =
        "UPDATE exchange_return SET acknowledged_at = acknowledged_at - 8640000000000; SELECT 1";
    subject.gateway.sql(old);
    rustix::fs::sync();
    let begun = Instant::now();
    let said = subject
        .gateway
        .run(&["purge", "--reason", REASON, "--json"]);
    let took = begun.elapsed().as_secs_f64();
    let report: Value = serde_json::from_str(&said.succeeded()).expect("JSON was asked for");
    assert_eq!(report["exchanges"], PIECES, "{report}");
    assert_eq!(subject.gateway.blobs().len(), 0, "blobs are gone");
    PIECES as f64 / took
}
