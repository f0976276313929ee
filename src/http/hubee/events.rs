//! The operations of the hub on events of a case (R30–R36).

use std::sync::Arc;

use axum::{Json, extract::State};
use http::StatusCode;
use serde_json::Value;

use super::{ADMIN, Hub, OSL, SI, body::JsonCall, caller::HubCaller, post_as_patch};
use crate::{
    domain::hubee::{
        Result,
        events::{change, create, view},
    },
    http::operation::{Operation, delete, get, patch, post},
};

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    const ALL: &str = "/teledossiers/v1/cases/{caseId}/events";
    const ONE: &str = "/teledossiers/v1/cases/{caseId}/events/{eventId}";
    vec![
        post(ALL, add),
        get(ONE, read),
        patch(ONE, update),
        post_as_patch(ONE, update),
        delete(ONE, withdraw),
    ]
}

/// Posts an event on a case.
async fn add(
    State(hub): State<Arc<Hub>>,
    call: JsonCall<{ OSL | SI | ADMIN }, 1>,
) -> Result<(StatusCode, Json<Value>)> {
    let [case] = call.ids;
    let event = create::create(&hub.ctx, &call.caller, case, call.document).await?;
    Ok((StatusCode::CREATED, Json(event)))
}

/// Shows an event; it stays as it is (R34).
async fn read(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | SI | ADMIN }, 2>,
) -> Result<Json<Value>> {
    let [case, event] = caller.ids;
    Ok(Json(view::event(&hub.ctx, &caller, (case, event)).await?))
}

/// Sends or acknowledges an event.
async fn update(
    State(hub): State<Arc<Hub>>,
    call: JsonCall<{ OSL | SI | ADMIN }, 2>,
) -> Result<StatusCode> {
    let [case, event] = call.ids;
    change::patch(&hub.ctx, &call.caller, (case, event), call.document).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Withdraws an event that was not sent.
async fn withdraw(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | SI | ADMIN }, 2>,
) -> Result<StatusCode> {
    let [case, event] = caller.ids;
    change::delete(&hub.ctx, &caller, (case, event)).await?;
    Ok(StatusCode::NO_CONTENT)
}
