//! All that is known of one piece, for the gateway's operator: what its sender sees, and how its return was delivered.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    trace::{self, Event},
    view::{self, Piece},
};
use crate::{
    domain::{
        Context,
        exchanges::{Status, TELEDOSSIER},
        ged::documents::{self, Column},
        returns::history::{self, Delivery},
    },
    kernel::{
        digest::hex,
        fault::{Code, Fault, Result},
    },
    storage::{
        acknowledgments::{self, AcknowledgmentRow},
        exchanges, returns,
    },
};

/// A piece with its whole story.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// As its sender sees it.
    pub piece: Piece,
    /// Its trace, oldest event first.
    pub events: Vec<Event>,
    /// The attempts to deliver its return, oldest first.
    pub attempts: Vec<Delivery>,
    /// The partner's proof, once it came.
    pub acknowledgment: Option<Acknowledgment>,
}

/// What the partner answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledgment {
    at: Timestamp,
    http_status: Option<u16>,
    headers: Json,
    body: String,
    peer_certificate_sha256: Option<String>,
    partner_reference: Option<String>,
}

/// The story of piece `id`, whoever sent it. Fails with `not-found` where there is none.
pub async fn timeline(ctx: &Context, id: Uuid) -> Result<Timeline> {
    let found = ctx.store.read(move |tx| {
        let row = returns::state_of(tx, id)?.map(|row| row.id);
        let proof = row.map(|id| acknowledgments::of_return(tx, id));
        Ok((exchanges::find(tx, id)?, proof.transpose()?.flatten()))
    });
    let (exchange, proof) = found.await?;
    let exchange = exchange
        .ok_or_else(|| Fault::new(Code::NotFound, format!("no piece {id} in this gateway")))?;
    if exchange.kind == TELEDOSSIER {
        let detail = format!("{id} is a télédossier: see `navette hubee trace {id}`");
        return Err(Fault::new(Code::NotFound, detail));
    }
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
    let attempts = history::deliveries_of(ctx, &exchange).await?;
    Ok(Timeline {
        attempts,
        piece: view::piece_of(ctx, exchange).await?,
        events: trace::events_of(ctx, id).await?,
        acknowledgment,
    })
}

fn acknowledged(row: AcknowledgmentRow, body: &[u8]) -> Acknowledgment {
    Acknowledgment {
        at: row.at,
        http_status: Some(row.http_status).filter(|status| *status != 0),
        headers: row.headers,
        body: String::from_utf8_lossy(body).into_owned(),
        peer_certificate_sha256: row.peer_sha256.map(|digest| hex(&digest)),
        partner_reference: row.partner_reference,
    }
}
