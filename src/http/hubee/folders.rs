//! The operations of the hub on folders: create, read, change, delete (R10–R17).

use std::sync::Arc;

use axum::{Json, extract::State};
use http::StatusCode;
use serde_json::Value;

use super::{ADMIN, Hub, OSL, body::JsonCall, caller::HubCaller, post_as_patch};
use crate::{
    domain::hubee::{
        Result,
        folder::{change, create, view, withdraw},
    },
    http::operation::{Operation, delete, get, patch, post},
};

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    const ALL: &str = "/teledossiers/v1/folders";
    const ONE: &str = "/teledossiers/v1/folders/{folderId}";
    vec![
        post(ALL, add),
        get(ONE, read),
        patch(ONE, update),
        post_as_patch(ONE, update),
        delete(ONE, remove),
    ]
}

/// Creates a folder.
async fn add(
    State(hub): State<Arc<Hub>>,
    call: JsonCall<{ OSL | ADMIN }>,
) -> Result<(StatusCode, Json<Value>)> {
    let folder = create::create(&hub.ctx, &call.caller, call.document).await?;
    Ok((StatusCode::CREATED, Json(folder)))
}

/// Shows a folder.
async fn read(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | ADMIN }, 1>,
) -> Result<Json<Value>> {
    let [folder] = caller.ids;
    Ok(Json(view::read(&hub.ctx, &caller, folder).await?))
}

/// Completes, closes or opens a folder again.
async fn update(
    State(hub): State<Arc<Hub>>,
    call: JsonCall<{ OSL | ADMIN }, 1>,
) -> Result<StatusCode> {
    let [folder] = call.ids;
    change::change(&hub.ctx, &call.caller, folder, call.document).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes a folder that nobody was told of.
async fn remove(
    State(hub): State<Arc<Hub>>,
    caller: HubCaller<{ OSL | ADMIN }, 1>,
) -> Result<StatusCode> {
    let [folder] = caller.ids;
    withdraw::withdraw(&hub.ctx, &caller, folder).await?;
    Ok(StatusCode::NO_CONTENT)
}
