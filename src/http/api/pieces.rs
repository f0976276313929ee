//! `POST /v1/pieces`: a piece comes in, its signed receipt goes back at once (API-1, API-4, API-5).

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{
    Api,
    caller::{Caller, Demand},
    known::Known,
};
use crate::{
    domain::{
        access::{Client, Scope},
        pieces::{
            acknowledged::{Acknowledged, Outcome},
            admission::{self, Admission},
            announced::Announcement,
            idempotency::{self, Claim, Replay, Standing},
            intake::Reception,
            key::Key,
            view::Links,
        },
    },
    http::{body::Meter, multipart::Parts},
    kernel::{
        fault::{Code, Fault, Result},
        json::parse_object,
    },
};

/// The key that a sender gives its sending.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is that of an earlier request under the same key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Sending a piece.
pub struct Sending;

impl Demand for Sending {
    const SCOPE: Scope = Scope::PiecesWrite;

    fn further(headers: &HeaderMap, api: &Api) -> Vec<(&'static str, Fault)> {
        let length = api.limits.check_declared(headers).err();
        let length = length.map(|fault| ("/headers/content-length", fault));
        let kind = (!is_multipart(headers)).then(|| ("/headers/content-type", not_multipart()));
        let key = key(headers).err();
        let key = key.map(|fault| ("/headers/idempotency-key", fault));
        length.into_iter().chain(kind).chain(key).collect()
    }
}

/// The sending's key, where it has one. Fails with `request-malformed`.
fn key(headers: &HeaderMap) -> Result<Option<Key>> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value.to_str().ok().and_then(Key::parse);
    match key.filter(|_| values.next().is_none()) {
        Some(key) => Ok(Some(key)),
        None => Err(Fault::new(
            Code::RequestMalformed,
            "Idempotency-Key : une seule clé de 1 à 255 caractères ASCII visibles, de préférence entre guillemets.",
        )),
    }
}

fn is_multipart(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = kind
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("multipart/form-data")
}

fn not_multipart() -> Fault {
    Fault::new(
        Code::RequestTypeUnsupported,
        "Le corps attendu est de type multipart/form-data.",
    )
}

/// The acknowledgment on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    reconciliation_id: Uuid,
    outcome: &'static str,
    received_at: Timestamp,
    earlier_iteration_missing: bool,
    receipt: Box<RawValue>,
    links: Links,
}

/// Receives one piece. `http::connection` runs it in a task of its own: a client that hangs up after its last byte changes
/// nothing, and one that hangs up before cuts the body.
pub async fn send(
    State(api): State<Arc<Api>>,
    caller: Caller<Sending>,
    Extension(meter): Extension<Meter>,
    Extension(known): Extension<Known>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let received = receive(&api, &caller.client, (&meter, &known), &headers, body).await;
    match received {
        Ok(acknowledged) => {
            api.intake.succeeded(&api.ctx).await;
            told(acknowledged)
        }
        Err(fault) => {
            api.intake.failed(&api.ctx, &fault).await;
            Err(fault)
        }
    }
}

async fn receive(
    api: &Api,
    client: &Arc<Client>,
    (meter, known): (&Meter, &Known),
    headers: &HeaderMap,
    body: Body,
) -> Result<Acknowledged> {
    let mut parts = Parts::open(headers, body)?;
    let metadata = parse_object("/metadata", &parts.metadata().await?)?;
    let admitted = admission::admit(&api.ctx, client.clone(), Value::Object(metadata)).await?;
    known.speaks_of(admitted.project());
    let Some(key) = key(headers)? else {
        return take_in(api, admitted, parts, meter, None).await;
    };
    match idempotency::claim(&api.ctx, &admitted, &key).await? {
        Standing::New(claim) => under(api, claim, admitted, parts, meter).await,
        Standing::Known(replay) => compare(api, replay, &admitted, parts).await,
    }
}

/// Takes a sending in under its key, which is free again where it comes to nothing.
async fn under(
    api: &Api,
    claim: Claim,
    admission: Admission,
    parts: Parts,
    meter: &Meter,
) -> Result<Acknowledged> {
    let taken = take_in(api, admission, parts, meter, Some(&claim)).await;
    if taken.is_err() {
        claim.release(&api.ctx).await;
    }
    taken
}

async fn take_in(
    api: &Api,
    admission: Admission,
    mut parts: Parts,
    meter: &Meter,
    claim: Option<&Claim>,
) -> Result<Acknowledged> {
    let announcement = Announcement::of(&admission);
    let reception = stream(api, admission, &mut parts).await?;
    parts.finish().await?;
    let taken = reception.finish(&api.ctx, meter.received(), claim).await?;
    if let Some(announcement) = announcement {
        api.announced.kept(&api.ctx, &announcement).await;
    }
    Ok(taken)
}

async fn stream(api: &Api, admission: Admission, parts: &mut Parts) -> Result<Reception> {
    let mut content = parts.content().await?;
    let mut reception = Reception::open(&api.ctx, admission)?;
    while let Some(bytes) = content.chunk().await? {
        reception.write(&bytes).await?;
    }
    Ok(reception)
}

/// Reads a sending whose key has its answer, to see whether it is the same; nothing of it is kept.
async fn compare(
    api: &Api,
    mut replay: Replay,
    admission: &Admission,
    mut parts: Parts,
) -> Result<Acknowledged> {
    let mut content = parts.content().await?;
    while let Some(bytes) = content.chunk().await? {
        replay.write(&bytes);
    }
    drop(content);
    parts.finish().await?;
    replay.finish(&api.ctx, admission).await
}

fn told(acknowledged: Acknowledged) -> Result<Response> {
    let outcome = acknowledged.outcome.as_str();
    tracing::info!(reconciliation_id = %acknowledged.reconciliation_id, outcome, "piece acknowledged");
    let counted = if acknowledged.replayed {
        "replayed"
    } else {
        outcome
    };
    metrics::counter!("navette_pieces_total", "outcome" => counted).increment(1);
    let links = Links::of(acknowledged.reconciliation_id);
    let location = [(LOCATION, links.itself.clone())];
    let body = Told {
        reconciliation_id: acknowledged.reconciliation_id,
        outcome,
        received_at: acknowledged.received_at,
        earlier_iteration_missing: acknowledged.earlier_missing,
        receipt: raw(acknowledged.receipt.body)?,
        links,
    };
    let status = match acknowledged.outcome {
        Outcome::Accepted | Outcome::NewIteration => StatusCode::ACCEPTED,
        Outcome::Duplicate => StatusCode::OK,
    };
    let mut response = (status, location, Json(body)).into_response();
    if acknowledged.replayed {
        let replayed = HeaderValue::from_static("true");
        response.headers_mut().insert(REPLAYED, replayed);
    }
    Ok(response)
}

/// The receipt's bytes as they were signed.
fn raw(body: Vec<u8>) -> Result<Box<RawValue>> {
    let text = String::from_utf8(body).map_err(Fault::internal)?;
    RawValue::from_string(text).map_err(Fault::internal)
}
