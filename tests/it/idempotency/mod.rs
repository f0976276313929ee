//! The key of a sending (`Idempotency-Key`): the first answer again, a key reused, a key in flight, a key freed.

mod claims;
mod fingerprints;

use serde_json::Value;

use crate::kit::{
    client::{Answer, Client, metadata},
    document,
    gateway::Gateway,
};

/// A key as the draft writes it.
const KEY: &str = "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"";

fn file() -> Vec<u8> {
    document::small("same")
}

/// Sends the usual piece under the usual key.
async fn sent(client: &Client) -> Answer {
    client.push_under(KEY, &metadata("D-1"), file()).await
}

/// Fails unless `again` is the answer `first`, replayed.
#[track_caller]
fn is_replay(first: &Answer, again: &Answer) {
    assert_eq!(again.header("idempotent-replayed"), "true", "{again:?}");
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("location"), first.header("location"));
}

/// What is told by `field` of an answer.
fn told(answer: &Answer, field: &str) -> Value {
    answer.json()[field].clone()
}

fn count(gateway: &Gateway, table: &str) -> u64 {
    gateway.count(&format!("SELECT count(*) FROM {table}"))
}
