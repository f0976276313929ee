//! The trace of a piece: what the journal says of it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::view::exchange;
use crate::{
    domain::{Context, access::Client},
    kernel::fault::{Fault, Result},
    storage::journal,
};

/// How many events one answer holds: an exchange has a dozen, one that is sent again and again a few more.
const EVENTS: u32 = 1000;

/// One event of a piece's trace.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    entry_id: Uuid,
    at: Timestamp,
    kind: String,
    detail: Json,
}

/// The trace of a piece, oldest event first.
pub async fn events(ctx: &Context, client: &Client, id: Uuid) -> Result<Vec<Event>> {
    exchange(ctx, client, id).await?;
    events_of(ctx, id).await
}

/// The same, whoever sent it.
pub async fn events_of(ctx: &Context, id: Uuid) -> Result<Vec<Event>> {
    let entries = ctx
        .store
        .read(move |tx| journal::of_exchange(tx, id, EVENTS))
        .await?;
    entries
        .into_iter()
        .map(|entry| {
            Ok(Event {
                entry_id: entry.id,
                at: entry.at,
                kind: entry.kind,
                detail: serde_json::from_str(&entry.detail).map_err(Fault::internal)?,
            })
        })
        .collect()
}
