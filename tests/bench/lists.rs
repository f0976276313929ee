//! Lists: how much longer they take with a million pieces than with a thousand.

use std::time::Duration;

use super::{
    driver::{self, Until},
    figures::Figures,
    request::MARK,
    subject::Subject,
};
use crate::kit::{
    document,
    gateway::{Engine, PROJECT},
};

/// Pieces sent; the others are copies of them.
const SENT: u64 = 1000;
/// Copies of each.
const COPIES: u64 = 999;
/// Readings of each list: enough that twenty of them make its p99, and not one pause of the machine.
const READINGS: usize = 2000;
/// Long enough for the slowest machine.
const DRAIN: Duration = Duration::from_secs(180);

/// Measures both engines.
pub fn measure(figures: &mut Figures) {
    for (engine, label) in [(Engine::Sqlite, "sqlite"), (Engine::Postgres, "postgres")] {
        let mut subject = Subject::start(engine);
        subject.push(&document::pdf(MARK, 10_000), 32, Until::Count(SENT));
        subject.settle(DRAIN);
        subject.gateway.await_idle();
        rare(&subject);
        let few = worst(&subject);
        multiply(&subject, engine);
        let many = worst(&subject);
        let [few, many] = [few, many].map(|time| time.as_secs_f64() * 1000.0);
        figures.line(&format!("worst p99 of a list of 1,000, {label}"), few, "ms");
        figures.line(
            &format!("worst p99 of a list of 1,000,000, {label}"),
            many,
            "ms",
        );
        let name = format!("list_p99_growth_{label}");
        figures.named(&name, many / few, "at most 1.5");
    }
}

/// A few pieces in a status that hardly any has.
fn rare(subject: &Subject) {
    subject.gateway.sql(
        "UPDATE exchange SET status = 'undelivered' WHERE id IN (SELECT id FROM exchange LIMIT 5); SELECT 1",
    );
}

/// The worst of: by dossier, by rare status and project, and a deep cursor.
fn worst(subject: &Subject) -> Duration {
    let repeated = |path: String| vec![path; READINGS];
    let dossier = format!(
        "/v1/pieces?project={PROJECT}&dossierId={}&limit=10",
        subject.some_dossier()
    );
    let rare = format!("/v1/pieces?project={PROJECT}&status=undelivered&limit=10");
    let lists = [repeated(dossier), repeated(rare), deep(subject)];
    let p99 = lists.map(|paths| driver::p99(&subject.reading(&paths)));
    p99.into_iter().max().unwrap_or_default()
}

/// Pages one after the other, far behind the newest piece.
fn deep(subject: &Subject) -> Vec<String> {
    let newest = "/v1/pieces?limit=10".to_owned();
    let mut pages = vec![newest];
    while pages.len() < 80 {
        let last = pages.last().expect("one is there").clone();
        let next = subject.next_page(&last).expect("there are more");
        pages.push(next);
    }
    let end = pages.split_off(70);
    end.into_iter().cycle().take(READINGS).collect()
}

/// Copies every row of the list, each under an id of its own: of the same time, or an earlier one.
fn multiply(subject: &Subject, engine: Engine) {
    let before = "kind, client_id, partner, environment, project, source_application, iteration";
    let after =
        "received_at, request_bytes, dossier_hash, size, sha256, key_id, wrapped_key, metadata";
    let (numbers, id) = match engine {
        Engine::Sqlite => (
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {COPIES})"
            ),
            "CAST(substr(e.id, 1, 9) || randomblob(7) AS BLOB)",
        ),
        Engine::Postgres => (
            format!("WITH n(i) AS (SELECT generate_series(1, {COPIES}))"),
            "(left(e.id::text, 15) || substr(gen_random_uuid()::text, 16))::uuid",
        ),
    };
    // Without the rows of a return, a copy can only be one that waits for it.
    let seed = format!(
        "{numbers} INSERT INTO exchange (id, {before}, status, {after}) \
         SELECT {id}, {before}, 'received', {after} FROM exchange e, n \
         WHERE e.status <> 'undelivered'; ANALYZE; SELECT 1"
    );
    subject.gateway.sql(&seed);
}
