//! The deliveries of a return: what they came to, and the return sent again.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    Api,
    caller::{Caller, Reading, Writing},
    ids::Ids,
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
) -> Result<impl IntoResponse> {
    let requested = redelivery::request(&api.ctx, &caller.client, id).await?;
    tracing::info!(reconciliation_id = %id, redelivery = %requested.redelivery_id, "a return is sent again");
    Ok((StatusCode::ACCEPTED, Json(requested)))
}
