//! The operator's and the application's commands, run as people run them.

mod clients;
mod damage;
mod doctor;
mod help;
mod jobs;
mod push;
mod reasons;
mod receipts;
mod settings;

use std::time::Duration;

use crate::kit::{
    client::{Client, metadata},
    document,
    gateway::Gateway,
    wait,
};

/// Long enough for a piece to go the whole way on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// Sends a piece of that dossier; its reconciliation id.
async fn sent(client: &Client, dossier: &str) -> String {
    let answer = client
        .push(&metadata(dossier), document::small(dossier))
        .await;
    answer.reconciliation_id()
}

/// Waits until so many exchanges have that status.
fn wait_for_status(gateway: &Gateway, status: &str, count: u64) {
    let question = format!("SELECT count(*) FROM exchange WHERE status = '{status}'");
    wait::until(status, SOON, || {
        (gateway.count(&question) >= count).then_some(())
    });
}
