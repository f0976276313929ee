//! The operations of the hub on organisations (R50, R53).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use http::StatusCode;
use serde_json::Value;

use super::{
    ADMIN, DATAPASS, Hub,
    body::JsonCall,
    caller::HubCaller,
    listed,
    query::{FromQuery, Params},
};
use crate::{
    domain::hubee::{
        OrganizationId, Refusal, Result,
        organization::{self, Query},
    },
    http::operation::{Operation, get, post, put},
    storage::hubee::organizations::{Filter, Order},
};

/// How many a list shows where nothing is said.
pub(super) const USUAL: u64 = 25;

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    vec![
        get("/referential/v1/organizations", list),
        post("/referential/v1/organizations", create),
        get("/referential/v1/organizations/{id}", find),
        put("/referential/v1/organizations/{id}", replace),
    ]
}

/// The published contract gives them to the path, hence to a creation too, where they narrow nothing.
impl FromQuery for Filter {
    fn read(query: &mut Params) -> Self {
        Self {
            kind: query.text("type", 255),
            company_register: query.text("company_register", 255),
        }
    }
}

impl FromQuery for Query {
    fn read(query: &mut Params) -> Self {
        let filter = Filter::read(query);
        let word = query.text("orderBy", 40);
        let order = word.as_deref().and_then(organization::order);
        if word.is_some() && order.is_none() {
            query.wrong("orderBy", "expected a field of the contract's list");
        }
        Self {
            filter,
            order: order.unwrap_or(Order::Id),
            limit: query.number("maxResult", 0).unwrap_or(USUAL),
            offset: query.number("offSet", 0).unwrap_or_default(),
        }
    }
}

async fn list(
    State(hub): State<Arc<Hub>>,
    call: HubCaller<{ ADMIN }, 0, Query>,
) -> Result<Response> {
    let ids = organization::ids(&hub.ctx, call.query).await?;
    let page = move |ids| {
        let hub = Arc::clone(&hub);
        async move { organization::page(&hub.ctx, ids).await }
    };
    listed::array(ids, page).await
}

async fn create(
    State(hub): State<Arc<Hub>>,
    call: JsonCall<{ ADMIN | DATAPASS }, 0, Filter>,
) -> Result<(StatusCode, Json<Value>)> {
    let created = organization::create(&hub.ctx, &call.caller, call.document).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

async fn find(
    State(hub): State<Arc<Hub>>,
    _: HubCaller<{ ADMIN | DATAPASS }>,
    path: std::result::Result<Path<String>, PathRejection>,
) -> Result<Json<Value>> {
    let id = id(path).ok_or_else(|| Refusal::bad(NO_ID))?;
    Ok(Json(organization::find(&hub.ctx, &id).await?))
}

async fn replace(
    State(hub): State<Arc<Hub>>,
    path: std::result::Result<Path<String>, PathRejection>,
    call: JsonCall<{ ADMIN }>,
) -> Result<Json<Value>> {
    let id = id(path);
    if id.is_none() {
        call.document.fault(NO_ID);
    }
    let replaced = organization::replace(&hub.ctx, &call.caller, id, call.document).await?;
    Ok(Json(replaced))
}

/// What is said of a path that names no organisation.
const NO_ID: &str = "@path.id: Input string is not TYPE-SIRET-BRANCH";

fn id(path: std::result::Result<Path<String>, PathRejection>) -> Option<OrganizationId> {
    path.ok()?.0.parse().ok()
}
