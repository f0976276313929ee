//! The deliveries of a return: what they came to, and the return sent again.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    response::IntoResponse,
};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Api,
    caller::{Caller, Reading, Writing},
    ids::Ids,
    query,
};
use crate::{
    domain::returns::{history, redelivery},
    kernel::fault::Result,
};

/// `GET /v1/pieces/{reconciliationId}/return/deliveries`.
pub async fn deliveries(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Ids([id]): Ids<1>,
) -> Result<Json<Value>> {
    let deliveries = history::deliveries(&api.ctx, &caller.client, id).await?;
    Ok(Json(json!({ "items": deliveries })))
}

/// `POST /v1/pieces/{reconciliationId}/return/redeliveries`.
pub async fn redeliver(
    State(api): State<Arc<Api>>,
    caller: Caller<Writing>,
    Ids([id]): Ids<1>,
    RawQuery(asked): RawQuery,
) -> Result<impl IntoResponse> {
    let reason = reason(asked.as_deref())?;
    let requested = redelivery::request(&api.ctx, &caller.client, id, reason).await?;
    tracing::info!(reconciliation_id = %id, redelivery = %requested.redelivery_id, "a return is sent again");
    Ok((StatusCode::ACCEPTED, Json(requested)))
}

/// Why, where the caller says it.
fn reason(asked: Option<&str>) -> Result<Option<String>> {
    let mut reason = None;
    query::each(asked, |name, value| {
        let plain = || query::text(value, 200).filter(|text| !text.chars().any(char::is_control));
        (name == "reason").then(|| query::put(&mut reason, plain()))
    })?;
    Ok(reason)
}
