//! The antivirus: a real clamd where it says what a clamd says, an impostor for what none would say (TRC-2).

mod absence;
mod answers;
mod settings;
mod verdicts;

use std::time::Duration;

use serde_json::Value;

use crate::kit::{
    client::{Client, metadata},
    document,
    gateway::Gateway,
    wait,
};

/// Long enough for a piece to go the whole way on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// Sends a piece whose text holds `label`; its reconciliation id.
async fn sent(client: &Client, dossier: &str, label: &str) -> String {
    let answer = client
        .push(&metadata(dossier), document::small(label))
        .await;
    answer.reconciliation_id()
}

/// The piece, once it has that status.
async fn with_status(client: &Client, id: &str, status: &str) -> Value {
    wait::eventually(&format!("piece {status}"), SOON, async || {
        let piece = client.get(&format!("/v1/pieces/{id}")).await.json();
        (piece["status"] == status).then_some(piece)
    })
    .await
}

/// What the antivirus's control of a piece says: outcome and detail.
fn control(piece: &Value) -> Option<(String, String)> {
    let controls = piece["controls"].as_array()?.iter();
    let mut found = controls.filter(|control| control["code"] == "antivirus");
    let control = found.next()?;
    let text = |name: &str| Some(control[name].as_str()?.to_owned());
    Some((text("outcome")?, text("detail")?))
}

/// How many incidents of that code stand in that state.
fn incidents(gateway: &Gateway, code: &str, state: &str) -> u64 {
    gateway.count(&format!(
        "SELECT count(*) FROM incident WHERE code = '{code}' AND state = '{state}'"
    ))
}

/// The kinds of a piece's events, in order.
async fn kinds(client: &Client, id: &str) -> Vec<String> {
    let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
    let events = events["items"].as_array().expect("a list").iter();
    events
        .map(|event| event["kind"].as_str().expect("a text").to_owned())
        .collect()
}
