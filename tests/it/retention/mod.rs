//! Keeping and forgetting: terms, holds, the purge and what is left after it.
//!
//! | file | what it tries |
//! |---|---|
//! | `purge` | what goes, what stays and why, through the command and the API |
//! | `archives` | archives with what they have beside, large ones in slices, batches on hold, refused ones |
//! | `marks` | the bytes that must be gone, looked for in every file |
//! | `clock` | clocks that are not believed |
//! | `nightly` | the run of each night |
//! | `holds` | dossiers on legal hold |
//! | `deaths` | a purge and a backup killed at each of their steps |
//! | `backup` | backups made under load, and their restoration |
//! | `races` | what meets a purge or a sweep half way |
//! | `apart` | daily keys that are kept apart from the backups, and in no memory for long |
//! | `plans` | what is asked of a key before it is destroyed goes by an index |

mod apart;
mod archives;
pub mod backup;
pub mod clock;
mod deaths;
mod holds;
pub mod marks;
mod nightly;
mod plans;
mod purge;
mod races;

use std::time::Duration;

use serde_json::Value;

use crate::kit::{
    client::{Client, metadata},
    document,
    gateway::{Gateway, REASON},
    wait,
};

/// Long enough for pieces to go the whole way on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// More than three months of any kind.
const AGED_DAYS: i64 = 100;

/// Sends pieces of dossiers `D-0`, `D-1`… and waits until their returns are acknowledged; their reconciliation ids.
async fn acknowledged(gateway: &Gateway, client: &Client, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let dossier = format!("D-{number}");
        ids.push(sent(client, &dossier).await);
    }
    await_status(gateway, "acknowledged", count as u64);
    gateway.await_idle();
    ids
}

/// Sends a piece of a dossier; its reconciliation id.
async fn sent(client: &Client, dossier: &str) -> String {
    let metadata = metadata(dossier);
    let answer = client.push(&metadata, document::small(dossier));
    answer.await.reconciliation_id()
}

/// Waits until so many exchanges have that status.
fn await_status(gateway: &Gateway, status: &str, count: u64) {
    let question = format!("SELECT count(*) FROM exchange WHERE status = '{status}'");
    wait::until(status, SOON, || {
        (gateway.count(&question) == count).then_some(())
    });
}

/// Dates the acknowledgment of pieces back by `days`; of all where none is named.
fn age(gateway: &Gateway, days: i64, ids: &[&str]) {
    let micros = days * 86_400_000_000;
    let only: Vec<_> = ids.iter().map(|id| gateway.id(id)).collect();
    let only = match only.is_empty() {
        true => String::new(),
        false => format!(" WHERE exchange_id IN ({})", only.join(", ")),
    };
    let set = "UPDATE exchange_return SET acknowledged_at = acknowledged_at";
    gateway.sql(&format!("{set} - {micros}{only}; SELECT 1"));
}

/// Runs the purge and gives its report.
#[track_caller]
fn purge(gateway: &Gateway) -> Value {
    let said = gateway.run(&["purge", "--reason", REASON, "--json"]);
    serde_json::from_str(&said.succeeded()).expect("JSON was asked for")
}

/// What a purge would do now.
#[track_caller]
fn dry_run(gateway: &Gateway) -> Value {
    let said = gateway.run(&["purge", "--dry-run", "--json"]);
    serde_json::from_str(&said.succeeded()).expect("JSON was asked for")
}

/// The reasons for which a report says that a piece is kept.
fn kept<'r>(report: &'r Value, id: &str) -> Option<&'r Value> {
    let all = report["keptBack"].as_array().expect("a list").iter();
    let mut found = all.filter(|kept| kept["reconciliationId"] == id);
    found.next().map(|kept| &kept["reasons"])
}

/// The status of a piece, as its sender reads it.
async fn status(client: &Client, id: &str) -> String {
    let piece = client.get(&format!("/v1/pieces/{id}")).await.json();
    piece["status"].as_str().expect("a text").to_owned()
}

/// Makes `count` more rows of an exchange and its return, without documents.
fn multiply(gateway: &Gateway, id: &str, count: u32) {
    let id = gateway.id(id);
    let (numbers, fresh, other) = match gateway.database() {
        Some(_) => (
            format!("generate_series(1, {count}) AS n(i)"),
            "CAST(md5('e' || n.i) AS uuid)",
            "CAST(md5('r' || n.i) AS uuid)",
        ),
        None => (
            format!(
                "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n) n"
            ),
            "CAST(substr('e00000000000' || printf('%04d', n.i), -16) AS BLOB)",
            "CAST(substr('r00000000000' || printf('%04d', n.i), -16) AS BLOB)",
        ),
    };
    gateway.sql(&format!(
        "INSERT INTO exchange (id, kind, client_id, partner, environment, project, source_application, iteration, \
         status, received_at, request_bytes, dossier_hash, size, sha256, key_id, wrapped_key, metadata) \
         SELECT {fresh}, kind, client_id, partner, environment, project, source_application, iteration, \
         status, received_at, request_bytes, dossier_hash, size, sha256, key_id, wrapped_key, metadata \
         FROM exchange, {numbers} WHERE id = {id}; \
         INSERT INTO exchange_return (id, exchange_id, partner, environment, project, outcome, state, attempts, \
         next_attempt_at, acknowledged_at, key_id, body, created_at) \
         SELECT {other}, {fresh}, partner, environment, project, outcome, state, attempts, \
         next_attempt_at, acknowledged_at, key_id, body, created_at FROM exchange_return, {numbers} \
         WHERE exchange_id = {id}; SELECT 1"
    ));
}
