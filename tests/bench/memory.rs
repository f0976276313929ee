//! How much memory the gateway holds while many large pieces arrive at once.

use std::{
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use super::{driver::Until, figures::Figures, processes, request::MARK, subject::Subject};
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
    let peak = peak_while(pid, || {
        subject.push(&content, 64, Until::Count(64));
        subject.settle(DRAIN);
    });
    subject.audit();
    figures.line(
        "its own process at its peak",
        processes::high_water(pid),
        "MB",
    );
    figures.named("rss_64x20m_mb", peak, "at most 128");
}

/// The most that a process and its children hold together, in MB, while `work` is done.
pub fn peak_while(pid: i32, work: impl FnOnce()) -> f64 {
    let (watching, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let watcher = scope.spawn(|| peak_until(ended, pid));
        let watching = watching;
        work();
        drop(watching);
        watcher.join().expect("only files are read")
    })
}

/// Follows the memory until the other end of `ended` is dropped, be it by a panic.
fn peak_until(ended: Receiver<()>, pid: i32) -> f64 {
    let mut peak = 0.0_f64;
    while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        let all = processes::family(pid).into_iter();
        peak = peak.max(all.map(processes::held).sum());
    }
    peak
}
