//! The trace of a piece: what the journal says of it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::view::exchange;
use crate::{
    domain::{Context, access::Client},
    kernel::fault::{Fault, Result},
    storage::journal::{self, EntryRow},
};

/// How many events are read at once: a piece has a dozen, a télédossier one more for each of its files.
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

/// The same, whoever sent it; also of an archive or a télédossier.
pub async fn events_of(ctx: &Context, id: Uuid) -> Result<Vec<Event>> {
    let (mut events, mut last) = (Vec::new(), (Timestamp::MIN, Uuid::nil()));
    loop {
        let entries = ctx
            .store
            .read(move |tx| journal::of_exchange(tx, id, last, EVENTS))
            .await?;
        let is_last = entries.len() < EVENTS as usize;
        last = entries.last().map_or(last, |entry| (entry.at, entry.id));
        for entry in entries {
            events.push(event(entry)?);
        }
        if is_last {
            return Ok(events);
        }
    }
}

fn event(entry: EntryRow) -> Result<Event> {
    Ok(Event {
        entry_id: entry.id,
        at: entry.at,
        kind: entry.kind,
        detail: serde_json::from_str(&entry.detail).map_err(Fault::internal)?,
    })
}
