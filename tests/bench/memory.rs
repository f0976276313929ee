//! How much memory the gateway holds while many large pieces arrive at once.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{driver::Until, figures::Figures, request::MARK, subject::Subject};
use crate::kit::{document, gateway::Engine};

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(20);

/// How long the worker may take over 64 large documents.
const DRAIN: Duration = Duration::from_secs(120);

/// Sends 64 pieces of 19.9 MB at once and follows the memory of the gateway's process and of its children.
///
/// The figure is the peak, from the first byte sent to the last return delivered, of what all of them hold together,
/// pages that they share counted once.
pub fn measure(figures: &mut Figures) {
    let content = document::pdf(MARK, 19_900_000);
    let mut subject = Subject::start(Engine::Sqlite);
    let pid = subject.gateway.pid().as_raw_nonzero().get();
    let done = AtomicBool::new(false);
    let peak = thread::scope(|scope| {
        let watcher = scope.spawn(|| peak_until(&done, pid));
        subject.push(&content, 64, Until::Count(64));
        subject.settle(DRAIN);
        done.store(true, Ordering::Relaxed);
        watcher.join().expect("only files are read")
    });
    subject.audit();
    figures.line("its own process at its peak", high_water(pid), "MB");
    figures.named("rss_64x20m_mb", peak, "at most 128");
}

fn peak_until(done: &AtomicBool, pid: i32) -> f64 {
    let mut peak = 0.0_f64;
    while !done.load(Ordering::Relaxed) {
        peak = peak.max(family(pid).into_iter().map(held).sum());
        thread::sleep(EVERY);
    }
    peak
}

/// A process and all that descend from it.
fn family(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let mut all = vec![pid];
    let children = children.unwrap_or_default();
    let children = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    all.extend(children.flat_map(family));
    all
}

/// What a process holds, in MB; each page it shares counts for its part only. 0 for one that has ended.
fn held(pid: i32) -> f64 {
    megabytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// The most that a process ever held, in MB, shared pages included.
fn high_water(pid: i32) -> f64 {
    megabytes(&format!("/proc/{pid}/status"), "VmHWM:")
}

fn megabytes(file: &str, field: &str) -> f64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes: f64 = line
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    kibibytes * 1024.0 / 1e6
}
