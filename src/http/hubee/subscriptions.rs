//! The operations of the hub on subscriptions (R52, R53).

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use http::{StatusCode, header::CONTENT_RANGE};
use serde_json::Value;

use super::{
    ADMIN, DATAPASS, Hub, OSL,
    body::JsonCall,
    caller::HubCaller,
    listed,
    organizations::USUAL,
    query::{FromQuery, Params},
};
use crate::{
    domain::hubee::{
        Result, contact, organization_id,
        process::CODE,
        subscription,
        subscription_list::{self, By, Query},
    },
    http::operation::{Operation, get, post, put},
    storage::hubee::subscription_list::{Filter, Window},
};

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    vec![
        get("/referential/v1/subscriptions", list),
        post("/referential/v1/subscriptions", create),
        get("/referential/v1/subscriptions/{subscriptionId}", find),
        put("/referential/v1/subscriptions/{subscriptionId}", replace),
    ]
}

impl FromQuery for Query {
    fn read(query: &mut Params) -> Self {
        let is_register = organization_id::is_register;
        let is_email = contact::is_plain_email;
        let processes = query.list("processCode", CODE);
        let filter = Filter {
            processes: (!processes.is_empty()).then_some(processes),
            status: query.text("status", 20),
            company_register: query.form("companyRegister", is_register, "14 digits"),
            delegation_actor: None,
            datapass_id: number(query, "datapassId"),
        };
        let what = "an e-mail address of the contract's form";
        let delegation_actor = query.form("delegationActorEmail", is_email, what);
        let by = By::read(query);
        Self {
            filter,
            delegation_actor,
            by,
            window: Window {
                offset: query.number("offSet", 0).unwrap_or_default(),
                limit: query.number("maxResult", 0).unwrap_or(USUAL),
            },
        }
    }
}

impl FromQuery for By {
    fn read(query: &mut Params) -> Self {
        let text = query.text("orderBy", 40);
        let by = text.as_deref().and_then(Self::parse);
        if text.is_some() && by.is_none() {
            query.wrong(
                "orderBy",
                "expected asc(FIELD) or desc(FIELD), of the contract's list",
            );
        }
        by.unwrap_or_default()
    }
}

/// A whole number of 64 bits, which may be negative.
fn number(query: &mut Params, name: &'static str) -> Option<i64> {
    let text = query.form(name, |text| text.parse::<i64>().is_ok(), "an integer")?;
    text.parse().ok()
}

async fn list(
    State(hub): State<Arc<Hub>>,
    call: HubCaller<{ OSL | ADMIN }, 0, Query>,
) -> Result<Response> {
    let offset = call.query.window.offset;
    let found = subscription_list::list(&hub.ctx, &call.caller, call.query).await?;
    let range = listed::range("Subscriptions", offset, found.ids.len(), found.total);
    let page = move |ids| {
        let hub = Arc::clone(&hub);
        async move { subscription_list::page(&hub.ctx, ids).await }
    };
    let mut answer = listed::array(found.ids, page).await?;
    answer.headers_mut().insert(CONTENT_RANGE, range);
    Ok(answer)
}

async fn create(
    State(hub): State<Arc<Hub>>,
    call: JsonCall<{ DATAPASS | ADMIN }>,
) -> Result<(StatusCode, Json<Value>)> {
    let created = subscription::create(&hub.ctx, &call.caller, call.document).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

async fn find(
    State(hub): State<Arc<Hub>>,
    call: HubCaller<{ OSL | ADMIN }, 1>,
) -> Result<Json<Value>> {
    let [id] = call.ids;
    Ok(Json(subscription::find(&hub.ctx, &call.caller, id).await?))
}

async fn replace(State(hub): State<Arc<Hub>>, call: JsonCall<{ ADMIN }, 1>) -> Result<Json<Value>> {
    let [id] = call.ids;
    let replaced = subscription::replace(&hub.ctx, &call.caller, id, call.document).await?;
    Ok(Json(replaced))
}
