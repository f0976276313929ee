//! Anomalies: one incident for each cause, its end, who is told of it and how (TRC-2).

mod causes;
mod desk;
mod lanes;
mod list;
mod mails;
mod settings;
mod tickets;

use std::time::Duration;

use serde_json::Value;

use crate::kit::{
    client::{Client, metadata},
    document,
    gateway::{CALLBACK, Gateway, Kit},
    partner::Answer,
    wait,
};

/// Long enough for a piece to go the whole way on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// A kit that gives a return up after one attempt.
fn impatient(kit: Kit) -> Kit {
    kit.set_project("callback.attempts", 1)
}

/// A gateway with one return that was given up; the piece's id.
async fn undelivered(kit: Kit) -> (Gateway, Client, String) {
    kit.partner.script(CALLBACK, [Answer::failure()]);
    let gateway = impatient(kit).start();
    let client = gateway.client().await;
    let id = sent(&client, "D-1").await;
    wait_for_incident(&gateway, "undelivered", "open");
    (gateway, client, id)
}

/// Sends a piece of that dossier; its reconciliation id.
async fn sent(client: &Client, dossier: &str) -> String {
    let answer = client
        .push(&metadata(dossier), document::small(dossier))
        .await;
    answer.reconciliation_id()
}

/// The incidents that the command lists.
#[track_caller]
fn listed(gateway: &Gateway, more: &[&str]) -> Vec<Value> {
    let said = gateway.run(&[&["incident", "list", "--json"], more].concat());
    serde_json::from_str(&said.succeeded()).expect("JSON was asked for")
}

/// Waits for an incident of that code in that state; what the list shows of it.
#[track_caller]
fn wait_for_incident(gateway: &Gateway, code: &str, state: &str) -> Value {
    let question =
        format!("SELECT count(*) FROM incident WHERE code = '{code}' AND state = '{state}'");
    wait::until(code, SOON, || (gateway.count(&question) > 0).then_some(()));
    let found = listed(gateway, &["--state", state, "--code", code]);
    found.into_iter().next().expect("the table has it")
}

/// The kinds of the journal's entries about incidents, in order.
fn entries(gateway: &Gateway) -> Vec<String> {
    let found = gateway.sql("SELECT kind FROM journal WHERE kind LIKE 'incident.%' ORDER BY id");
    found.lines().map(str::to_owned).collect()
}
