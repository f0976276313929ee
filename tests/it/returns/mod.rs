//! The return and its callback (API-10, ARC-6, TRC-1): what leaves, what an answer is worth, exactly one and at least once.

mod callback;
mod conformity;
mod lanes;
mod limits;
mod once;
mod pace;
pub mod produced;
mod redelivery;
mod refusals;
mod targets;
mod workers;

use std::time::Duration;

use crate::kit::{
    client::{Client, metadata},
    document,
    gateway::Gateway,
    wait,
};

/// Enough for whatever happens at once, on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// Sends a small document; its reconciliation id.
pub async fn sent(client: &Client, dossier: &str) -> String {
    let answer = client
        .push(&metadata(dossier), document::small(dossier))
        .await;
    answer.reconciliation_id()
}

/// The piece, once it has that status.
pub async fn with_status(client: &Client, id: &str, status: &str) -> serde_json::Value {
    wait::eventually(&format!("piece {status}"), SOON, async || {
        let piece = client.get(&format!("/v1/pieces/{id}")).await.json();
        (piece["status"] == status).then_some(piece)
    })
    .await
}

/// The failures of a piece's attempts, in order; an attempt that succeeded has none.
pub fn failures(gateway: &Gateway, id: &str) -> Vec<String> {
    let id = gateway.id(id);
    let found = gateway.sql(&format!(
        "SELECT coalesce(a.failure, 'none') FROM delivery_attempt a JOIN exchange_return r ON r.id = a.return_id \
         WHERE r.exchange_id = {id} ORDER BY a.id"
    ));
    found.lines().map(str::to_owned).collect()
}

/// Takes every lease away, as time would from a process that does not renew it.
pub fn expire_leases(gateway: &Gateway) {
    gateway.sql(
        "UPDATE job SET run_at = 0, lease_token = NULL WHERE lease_token IS NOT NULL RETURNING 1",
    );
}
