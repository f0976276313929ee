//! The history of a return's deliveries: when each attempt was made, what was answered, how long it took.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    domain::{
        Context,
        access::Client,
        exchanges::Status,
        ged::documents::{self, Column},
        pieces::view,
    },
    kernel::{fault::Result, secret::Key},
    storage::{
        exchanges::ExchangeRow,
        returns::{self, AttemptRow},
    },
};

/// How many attempts are shown: a schedule has a hundred at most, and may have been run again.
const ATTEMPTS: u32 = 1000;

/// One attempt to deliver a return.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    attempt_id: Uuid,
    at: Timestamp,
    duration_ms: u64,
    http_status: Option<u16>,
    failure: Option<String>,
    answer: Option<String>,
    redelivery_id: Option<Uuid>,
}

/// The attempts to deliver the return of piece `id`, oldest first; none while there is no return.
pub async fn deliveries(ctx: &Context, client: &Client, id: Uuid) -> Result<Vec<Delivery>> {
    let exchange = view::exchange(ctx, client, id).await?;
    deliveries_of(ctx, &exchange).await
}

/// The same for an exchange that is at hand, whoever sent it.
pub async fn deliveries_of(ctx: &Context, exchange: &ExchangeRow) -> Result<Vec<Delivery>> {
    let id = exchange.id;
    let found = ctx.store.read(move |tx| match returns::state_of(tx, id)? {
        Some(row) => returns::attempts(tx, row.id, ATTEMPTS),
        None => Ok(Vec::new()),
    });
    let key = match exchange.status == Status::Purged.as_str() {
        // Of a purged one no answer is left.
        true => None,
        false => Some(documents::exchange_key(ctx, exchange).await?),
    };
    let rows = found.await?.into_iter();
    rows.map(|row| delivery(row, key.as_ref())).collect()
}

fn delivery(row: AttemptRow, key: Option<&Key>) -> Result<Delivery> {
    let answer = row
        .answer
        .zip(key)
        .map(|(sealed, key)| documents::open_bytes(key, Column::Answer, &sealed));
    Ok(Delivery {
        attempt_id: row.id,
        at: row.at,
        duration_ms: row.duration_ms,
        http_status: row.http_status,
        failure: row.failure,
        answer: answer.transpose()?.map(|bytes| readable(&bytes)),
        redelivery_id: row.redelivery_id,
    })
}

/// The first bytes of an answer as text: what is none, and a character that was cut, are shown as such.
fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
