//! What every fault test ends with: each promise kept, nothing beside them, nothing left to do, nothing that the doctor finds.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::load::Promise;
use crate::kit::{client::Client, gateway::Gateway};

/// How many pieces are read back at once.
const AT_ONCE: usize = 8;

/// Fails unless exactly the promised pieces are there, whole, each returned and acknowledged once.
pub async fn promises_are_kept(gateway: &Gateway, client: &Client, promises: &[Promise]) {
    gateway.await_idle();
    are_whole(client, promises).await;
    let promised: BTreeSet<String> = promises.iter().map(|promise| promise.id.clone()).collect();
    assert_eq!(promised.len(), promises.len(), "two pieces share an id");
    assert_eq!(listed(client).await, promised, "listed and promised");
    assert_eq!(returned(gateway), promised, "returned and promised");
    gateway.doctor();
}

/// Fails unless each of these pieces is there, whole, returned and acknowledged.
pub async fn are_whole(client: &Client, promises: &[Promise]) {
    let kept = stream::iter(promises).map(|promise| is_kept(client, promise));
    kept.buffer_unordered(AT_ONCE).collect::<()>().await;
}

async fn is_kept(client: &Client, promise: &Promise) {
    let path = format!("/v1/pieces/{}", promise.id);
    let piece = client.get(&path).await.json();
    assert_eq!(piece["status"], "acknowledged", "{piece}");
    assert_eq!(piece["metadata"]["dossierId"], promise.dossier, "{piece}");
    let content = client.get(&format!("{path}/content")).await;
    assert!(
        content.body == promise.content(),
        "{promise:?}: other bytes"
    );
    let receipt = client.get(&format!("{path}/receipt")).await.json();
    assert_eq!(receipt, promise.receipt);
}

/// The ids of every piece that its sender can see.
pub async fn listed(client: &Client) -> BTreeSet<String> {
    let (mut ids, mut next) = (BTreeSet::new(), String::new());
    loop {
        let page = client
            .get(&format!("/v1/pieces?limit=200{next}"))
            .await
            .json();
        let items = page["items"].as_array().expect("a list");
        ids.extend(items.iter().map(|item| text(&item["reconciliationId"])));
        match page["nextCursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return ids,
        }
    }
}

/// The ids of every piece whose return came to the partner; fails where one came under two ids or in two versions.
fn returned(gateway: &Gateway) -> BTreeSet<String> {
    let mut returns = BTreeMap::new();
    for call in gateway.partner().received() {
        let id = text(&call.json()["reconciliationId"]);
        let version = (call.header("webhook-id").to_owned(), call.body);
        let first = returns.entry(id.clone()).or_insert_with(|| version.clone());
        assert!(*first == version, "{id} was returned in two ways");
    }
    returns.into_keys().collect()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().expect("a text").to_owned()
}
