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

/// How many returns to the healthy partner are let go at once: some seconds' worth, so that nothing else is measured.
const SLICE: u64 = 3000;
/// How often a slice goes alone, and how often beside the other partner, in turns: a slow minute of the machine hits both.
const TURNS: u64 = 8;
/// How many returns wait for a partner that is a black hole.
const DEAD_RETURNS: u64 = 1000;
/// The black hole's project, and its path.
const DEAD: (&str, &str) = ("marche-2", "/trou-noir");
/// How long a delivery waits for the black hole: short, so that each slice beside it sees deliveries that time out, the
/// probes that follow, and the returns that are held meanwhile.
const PATIENCE_SECONDS: u32 = 2;
/// Long enough for the slowest machine.
const DRAIN: Duration = Duration::from_secs(300);
/// A date at which no job is due, in a hundred years.
const NEVER: i64 = 4_900_000_000_000_000;

/// Lets returns go to the healthy partner, alone and beside the black hole in turns.
pub fn measure(figures: &mut Figures) {
    let bench = Bench::start();
    let (mut alone, mut beside) = (Duration::ZERO, Duration::ZERO);
    for turn in 0..TURNS {
        // Neither is always the first after a pause.
        let order = if turn % 2 == 0 {
            [false, true]
        } else {
            [true, false]
        };
        for with_dead in order {
            let took = bench.slice(with_dead);
            eprintln!("    beside a black hole: {with_dead}, {took:.2?}");
            *(if with_dead { &mut beside } else { &mut alone }) += took;
        }
    }
    let all = driver::rate(SLICE * TURNS, alone);
    figures.named("callbacks_per_s", all, "at least 500");
    figures.line(
        "as many returns beside a black hole",
        driver::rate(SLICE * TURNS, beside),
        "/s",
    );
    let slowdown = beside.as_secs_f64() / alone.as_secs_f64();
    figures.named("dead_partner_slowdown", slowdown, "at most 1.1");
}

/// A gateway whose returns all wait.
struct Bench {
    subject: Subject,
}

impl Bench {
    fn start() -> Self {
        let kit = Kit::new(Engine::Sqlite).and_project(DEAD.0, DEAD.1).set_in(
            DEAD.0,
            "callback.timeout_seconds",
            PATIENCE_SECONDS,
        );
        for path in [CALLBACK, DEAD.1] {
            kit.partner.script(path, [Answer::failure()]);
        }
        let partner = kit.partner.clone();
        let mut subject = Subject::of(kit.start());
        let content = document::pdf(MARK, 10_000);
        let healthy = 2 * TURNS * SLICE;
        subject.push_to(PROJECT, &content, 64, Until::Count(healthy));
        subject.push_to(DEAD.0, &content, 64, Until::Count(DEAD_RETURNS));
        let bench = Self { subject };
        bench.await_count(
            "SELECT count(*) FROM exchange_return",
            healthy + DEAD_RETURNS,
        );
        bench.park();
        partner.script(CALLBACK, [Answer::Acknowledge]);
        partner.script(DEAD.1, [Answer::Never]);
        bench
    }

    /// The time from letting a slice go to its last return at the healthy partner.
    fn slice(&self, with_dead: bool) -> Duration {
        let partner = self.subject.gateway.partner();
        let wanted = partner.count_of(CALLBACK) + usize::try_from(SLICE).expect("64 bits");
        let dead = match with_dead {
            true => DEAD_RETURNS,
            false => 0,
        };
        let start = Instant::now();
        self.subject.gateway.sql(&format!(
            "{}; {}; SELECT 1",
            release(DEAD.0, dead),
            release(PROJECT, SLICE)
        ));
        self.subject.await_calls(CALLBACK, wanted, DRAIN);
        let took = start.elapsed();
        self.park();
        took
    }

    /// Has every return that still waits wait for good, once no delivery is under way.
    fn park(&self) {
        let unleased = format!(
            "UPDATE job SET run_at = {NEVER} WHERE kind = 'deliver' AND lease_token IS NULL; \
             SELECT count(*) FROM job WHERE run_at < {NEVER}"
        );
        self.await_count(&unleased, 0);
        // A row that is left from failures would have the next answer let all of its lane go.
        self.subject
            .gateway
            .sql("DELETE FROM callback_target; SELECT 1");
        rustix::fs::sync();
    }

    fn await_count(&self, question: &str, count: u64) {
        wait::until(question, DRAIN, || {
            (self.subject.gateway.count(question) == count).then_some(())
        });
    }
}

/// The statement that lets returns of a project go.
fn release(project: &str, returns: u64) -> String {
    format!(
        "UPDATE job SET run_at = 0, attempts = 0 WHERE id IN (SELECT id FROM job WHERE lane = 'deliver:{project}' \
         AND run_at = {NEVER} LIMIT {returns})"
    )
}
