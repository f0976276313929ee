//! All that is known of one piece, for the gateway's operator: what its sender sees, and how its return was delivered.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::view::{self, Event, Piece};
use crate::{
    domain::{
        Context,
        exchanges::Status,
        ged::documents::{self, Column},
    },
    kernel::{
        digest::hex,
        fault::{Code, Fault, Result},
    },
    storage::{
        exchanges,
        returns::{self, AcknowledgmentRow, AttemptRow},
    },
};

/// How many attempts are shown: a schedule has a hundred at most, and may have been run again.
const ATTEMPTS: u32 = 1000;

/// A piece with its whole story.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// As its sender sees it.
    pub piece: Piece,
    /// Its trace, oldest event first.
    pub events: Vec<Event>,
    /// The attempts to deliver its return, oldest first.
    pub attempts: Vec<Attempt>,
    /// The partner's proof, once it came.
    pub acknowledgment: Option<Acknowledgment>,
}

/// One attempt to deliver a return.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    at: Timestamp,
    duration_ms: u64,
    http_status: Option<u16>,
    failure: Option<String>,
}

/// What the partner answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledgment {
    at: Timestamp,
    http_status: u16,
    headers: Json,
    body: String,
    peer_certificate_sha256: Option<String>,
    partner_reference: Option<String>,
}

/// The story of piece `id`, whoever sent it. Fails with `not-found` where there is none.
pub async fn timeline(ctx: &Context, id: Uuid) -> Result<Timeline> {
    let found = ctx.store.read(move |tx| {
        let row = returns::of_exchange(tx, id)?.map(|row| row.id);
        let attempts = row.map(|id| returns::attempts(tx, id, ATTEMPTS));
        let proof = row.map(|id| returns::acknowledgment(tx, id));
        Ok((
            exchanges::find(tx, id)?,
            attempts.transpose()?.unwrap_or_default(),
            proof.transpose()?.flatten(),
        ))
    });
    let (exchange, attempts, proof) = found.await?;
    let exchange = exchange
        .ok_or_else(|| Fault::new(Code::NotFound, format!("no piece {id} in this gateway")))?;
    let acknowledgment = match proof {
        // Of a purged one only its date and codes are left.
        Some(row) if exchange.status == Status::Purged.as_str() => Some(acknowledged(row, b"")),
        Some(row) => {
            let key = documents::exchange_key(ctx, &exchange).await?;
            let body = documents::open_bytes(&key, Column::Acknowledgment, &row.body)?;
            Some(acknowledged(row, &body))
        }
        None => None,
    };
    Ok(Timeline {
        piece: view::piece_of(ctx, exchange).await?,
        events: view::events_of(ctx, id).await?,
        attempts: attempts.into_iter().map(attempted).collect(),
        acknowledgment,
    })
}

fn attempted(row: AttemptRow) -> Attempt {
    Attempt {
        at: row.at,
        duration_ms: row.duration_ms,
        http_status: row.http_status,
        failure: row.failure,
    }
}

fn acknowledged(row: AcknowledgmentRow, body: &[u8]) -> Acknowledgment {
    Acknowledgment {
        at: row.at,
        http_status: row.http_status,
        headers: row.headers,
        body: String::from_utf8_lossy(body).into_owned(),
        peer_certificate_sha256: row.peer_sha256.map(|digest| hex(&digest)),
        partner_reference: row.partner_reference,
    }
}
