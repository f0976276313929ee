//! `POST /v1/pieces`: a piece comes in, its signed receipt goes back at once (API-1, API-4, API-5).

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Extension, State},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{
    Api,
    caller::{Caller, Demand},
};
use crate::{
    domain::{
        access::{Client, Scope},
        pieces::{
            acknowledged::{Acknowledged, Outcome},
            admission::{self, Admission},
            intake::Reception,
            refusal,
            view::Links,
        },
    },
    http::{body::Meter, multipart::Parts},
    kernel::{
        fault::{Code, Fault, Result},
        json::parse_object,
    },
};

/// Sending a piece.
pub struct Sending;

impl Demand for Sending {
    const SCOPE: Scope = Scope::PiecesWrite;

    fn further(headers: &HeaderMap, api: &Api) -> Vec<(&'static str, Fault)> {
        let length = api.limits.check_declared(headers).err();
        let length = length.map(|fault| ("/headers/content-length", fault));
        let kind = (!is_multipart(headers)).then(|| ("/headers/content-type", not_multipart()));
        length.into_iter().chain(kind).collect()
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
    receipt: Box<RawValue>,
    links: Links,
}

/// Receives one piece. `http::connection` runs it in a task of its own: a client that hangs up after its last byte changes
/// nothing, and one that hangs up before cuts the body.
pub async fn send(
    State(api): State<Arc<Api>>,
    caller: Caller<Sending>,
    Extension(meter): Extension<Meter>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let mut project = None;
    let received = receive(&api, &caller.client, &meter, &headers, body, &mut project).await;
    match received {
        Ok(acknowledged) => {
            api.intake.succeeded(&api.ctx).await;
            told(acknowledged)
        }
        Err(fault) => {
            api.intake.failed(&api.ctx, &fault).await;
            refusal::journal(&api.ctx, &caller.client, project, &fault).await;
            Err(fault)
        }
    }
}

async fn receive(
    api: &Api,
    client: &Arc<Client>,
    meter: &Meter,
    headers: &HeaderMap,
    body: Body,
    project: &mut Option<String>,
) -> Result<Acknowledged> {
    let mut parts = Parts::open(headers, body)?;
    let metadata = parse_object(&parts.metadata().await?)?;
    let admitted = admission::admit(&api.ctx, client.clone(), Value::Object(metadata)).await?;
    *project = Some(admitted.project().to_owned());
    let reception = stream(api, admitted, &mut parts).await?;
    parts.finish().await?;
    reception.finish(&api.ctx, meter.received()).await
}

async fn stream(api: &Api, admission: Admission, parts: &mut Parts) -> Result<Reception> {
    let mut content = parts.content().await?;
    let mut reception = Reception::open(&api.ctx, admission)?;
    while let Some(bytes) = content.chunk().await? {
        reception.write(&bytes).await?;
    }
    Ok(reception)
}

fn told(acknowledged: Acknowledged) -> Result<Response> {
    let outcome = acknowledged.outcome.as_str();
    tracing::info!(reconciliation_id = %acknowledged.reconciliation_id, outcome, "piece acknowledged");
    metrics::counter!("navette_pieces_total", "outcome" => outcome).increment(1);
    let links = Links::of(acknowledged.reconciliation_id);
    let location = [(LOCATION, links.itself.clone())];
    let body = Told {
        reconciliation_id: acknowledged.reconciliation_id,
        outcome,
        received_at: acknowledged.received_at,
        receipt: raw(acknowledged.receipt.body)?,
        links,
    };
    let status = match acknowledged.outcome {
        Outcome::Accepted => StatusCode::ACCEPTED,
        Outcome::Duplicate => StatusCode::OK,
    };
    Ok((status, location, Json(body)).into_response())
}

/// The receipt's bytes as they were signed.
fn raw(body: Vec<u8>) -> Result<Box<RawValue>> {
    let text = String::from_utf8(body).map_err(Fault::internal)?;
    RawValue::from_string(text).map_err(Fault::internal)
}
