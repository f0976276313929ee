//! Deliveries alone: returns that wait are let go at once, to a healthy partner, and beside one that never answers.

use std::time::{Duration, Instant};

use super::{
    driver::{self, Until},
    figures::Figures,
    request::MARK,
    subject::Subject,
};
use crate::kit::{
    document,
    gateway::{CALLBACK, Engine, Kit, PROJECT},
    partner::Answer,
    wait,
};

/// How many returns wait for the healthy partner.
const RETURNS: u64 = 3000;
/// How many of them beside a partner that is a black hole, which has as many.
const BESIDE: u64 = 1000;
/// The black hole's project, and its path.
const DEAD: (&str, &str) = ("marche-2", "/trou-noir");
/// Long enough for the slowest machine.
const DRAIN: Duration = Duration::from_secs(180);

/// Lets returns go to one partner, then to two of which one is dead.
pub fn measure(figures: &mut Figures) {
    let all = deliver(RETURNS, &[PROJECT]);
    figures.named(
        "callbacks_per_s",
        driver::rate(RETURNS, all),
        "at least 500",
    );
    let alone = deliver(BESIDE, &[PROJECT]);
    let beside = deliver(BESIDE, &[PROJECT, DEAD.0]);
    figures.line(
        "1,000 returns to a healthy partner",
        alone.as_secs_f64(),
        "s",
    );
    let slowdown = beside.as_secs_f64() / alone.as_secs_f64();
    figures.named("dead_partner_slowdown", slowdown, "at most 1.1");
}

/// The time from letting `returns` of each project go to the last one that the healthy partner has.
fn deliver(returns: u64, projects: &[&str]) -> Duration {
    let kit = Kit::new(Engine::Sqlite).and_project(DEAD.0, DEAD.1);
    let partner = kit.partner.clone();
    for path in [CALLBACK, DEAD.1] {
        partner.script(path, [Answer::failure()]);
    }
    let mut subject = Subject::of(kit.start());
    let content = document::pdf(MARK, 10_000);
    for project in projects {
        subject.push_to(project, &content, 64, Until::Count(returns));
    }
    wait::until("a return for every piece", DRAIN, || {
        let made = "SELECT count(*) FROM exchange_return";
        (subject.gateway.count(made) == returns * projects.len() as u64).then_some(())
    });
    partner.script(CALLBACK, [Answer::Acknowledge]);
    partner.script(DEAD.1, [Answer::Never]);
    let start = Instant::now();
    subject.gateway.sql(
        "DELETE FROM callback_target; UPDATE job SET run_at = 0 WHERE kind = 'deliver'; SELECT 1",
    );
    let last = wait::until("the last return", DRAIN, || {
        let acknowledged = format!(
            "SELECT count(*) FROM exchange WHERE project = '{PROJECT}' AND status = 'acknowledged'"
        );
        (subject.gateway.count(&acknowledged) == returns).then(Instant::now)
    });
    last - start
}
