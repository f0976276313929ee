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
        returns::{
            history::{self, Delivery},
            told::Told,
        },
    },
    kernel::{
        digest::hex,
        fault::{Code, Fault, Result},
        secret::Key,
    },
    storage::{
        acknowledgments::{self, AcknowledgmentRow},
        exchanges,
        redeliveries::{self, Asked},
        returns,
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
    /// The times that its return was asked for again, oldest first.
    pub redeliveries: Vec<Redelivery>,
    /// The partner's proof, once it came.
    pub acknowledgment: Option<Acknowledgment>,
}

/// A return that was asked for again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Redelivery {
    redelivery_id: Uuid,
    requested_at: Timestamp,
    requested_by: String,
    state: String,
    /// What a client gave; an operator's reason stands in the events.
    reason: Option<String>,
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
        let Some(row) = returns::state_of(tx, id)? else {
            return Ok((exchanges::find(tx, id)?, None, Vec::new()));
        };
        let proof = acknowledgments::of_return(tx, row.id)?;
        let asked = redeliveries::of_return(tx, row.id)?;
        Ok((exchanges::find(tx, id)?, proof, asked))
    });
    let (exchange, proof, asked) = found.await?;
    let exchange = exchange
        .ok_or_else(|| Fault::new(Code::NotFound, format!("no piece {id} in this gateway")))?;
    if exchange.kind == TELEDOSSIER {
        let detail = format!("{id} is a télédossier: see `navette hubee trace {id}`");
        return Err(Fault::new(Code::NotFound, detail));
    }
    let key = match exchange.status == Status::Purged.as_str() {
        // Of a purged one only dates and codes are left.
        true => None,
        false => Some(documents::exchange_key(ctx, &exchange).await?),
    };
    let proof = proof.map(|row| acknowledged(key.as_ref(), row));
    let asked = asked
        .into_iter()
        .map(|asked| redelivery(key.as_ref(), asked));
    let attempts = history::deliveries_of(ctx, &exchange).await?;
    Ok(Timeline {
        attempts,
        redeliveries: asked.collect::<Result<_>>()?,
        acknowledgment: proof.transpose()?,
        piece: view::piece_of(ctx, exchange).await?,
        events: trace::events_of(ctx, id).await?,
    })
}

fn acknowledged(key: Option<&Key>, row: AcknowledgmentRow) -> Result<Acknowledgment> {
    let (body, headers, partner_reference) = match key {
        Some(key) => {
            let body = documents::open_bytes(key, Column::Acknowledgment, &row.body)?;
            let (headers, reference) = Told::of(key, &row)?;
            (body, headers, reference)
        }
        None => (Vec::new(), Json::Array(Vec::new()), None),
    };
    Ok(Acknowledgment {
        at: row.at,
        http_status: Some(row.http_status).filter(|status| *status != 0),
        headers,
        body: readable(&body),
        peer_certificate_sha256: row.peer_sha256.map(|digest| hex(&digest)),
        partner_reference,
    })
}

fn redelivery(key: Option<&Key>, asked: Asked) -> Result<Redelivery> {
    let open = |(sealed, key): (Vec<u8>, &Key)| {
        let plain = documents::open_bytes(key, Column::RedeliveryReason, &sealed)?;
        Ok(readable(&plain))
    };
    let reason = asked.reason.zip(key).map(open).transpose()?;
    Ok(Redelivery {
        redelivery_id: asked.id,
        requested_at: asked.at,
        requested_by: asked.by,
        state: asked.state,
        reason,
    })
}

fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
