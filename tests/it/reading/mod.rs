//! What a sender reads of its pieces: lists, contents, receipts, and what the operator reads beside them.

mod content;
mod damage;
mod health;
mod list;
mod metrics;
mod receipt;
mod signer;
mod trace;

use std::time::Duration;

use crate::kit::{
    client::{Client, metadata},
    document,
};

/// Enough for whatever happens at once, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// Sends a small document; its id.
async fn sent(client: &Client, dossier: &str) -> String {
    let answer = client
        .push(&metadata(dossier), document::small(dossier))
        .await;
    answer.reconciliation_id()
}
