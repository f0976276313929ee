//! The whole way: from the first piece sent to the last return acknowledged by the partner.

use std::{collections::HashSet, time::Duration};

use super::{
    driver::{self, Until},
    figures::Figures,
    request::MARK,
    subject::Subject,
};
use crate::kit::{document, gateway::Engine};

/// How many pieces go the whole way.
const PIECES: u64 = 2000;

/// Long enough for the slowest machine.
const DRAIN: Duration = Duration::from_secs(120);

/// Sends them all at once and waits for their returns.
pub fn measure(figures: &mut Figures) {
    let content = document::pdf(MARK, 100_000);
    let mut subject = Subject::start(Engine::Sqlite);
    rustix::fs::sync();
    let start = subject.push(&content, 64, Until::Count(PIECES)).start;
    subject.settle(DRAIN);
    let calls = subject.gateway.partner().received();
    let last = calls.iter().map(|call| call.at).max().unwrap_or(start);
    let returns: HashSet<&str> = calls.iter().map(|call| call.header("webhook-id")).collect();
    assert_eq!(returns.len() as u64, PIECES, "a return for every piece");
    let spent = subject.processor_ms_per_piece();
    subject.audit();
    let rate = driver::rate(PIECES, last - start);
    figures.line("processor time per piece, the whole way", spent, "ms");
    figures.named("piece_to_callback_per_s", rate, "at least 200");
}
