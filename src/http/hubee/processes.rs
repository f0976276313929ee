//! The operations of the hub on processes (R51, R53).

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::CONTENT_RANGE};
use serde_json::Value;

use super::{
    ADMIN, Hub, OSL,
    body::JsonCall,
    caller::HubCaller,
    listed,
    query::{FromQuery, Params},
};
use crate::{
    domain::hubee::{Refusal, Result, organization_id, process, process_list::By},
    http::operation::{Operation, get, post, put},
    storage::is_text,
};

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    vec![
        get("/referential/v1/processes", list),
        post("/referential/v1/processes", create),
        get("/referential/v1/processes/{code}", find),
        put("/referential/v1/processes/{code}", replace),
    ]
}

/// What a list is narrowed to and ordered by.
struct Query {
    company_register: Option<String>,
    by: By,
}

impl FromQuery for Query {
    fn read(query: &mut Params) -> Self {
        let is_register = organization_id::is_register;
        let company_register = query.form("companyRegister", is_register, "14 digits");
        let word = query.text("orderBy", 40);
        let by = word.as_deref().and_then(By::parse);
        if word.is_some() && by.is_none() {
            query.wrong("orderBy", "expected a field of the contract's list");
        }
        Self {
            company_register,
            by: by.unwrap_or_default(),
        }
    }
}

async fn list(
    State(hub): State<Arc<Hub>>,
    call: HubCaller<{ ADMIN }, 0, Query>,
) -> Result<Response> {
    let Query {
        company_register,
        by,
    } = call.query;
    let all = process::list(&hub.ctx, company_register, by).await?;
    let range = listed::range("Processes", 0, all.len(), all.len() as u64);
    Ok(([(CONTENT_RANGE, range)], Json(all)).into_response())
}

async fn create(
    State(hub): State<Arc<Hub>>,
    call: JsonCall<{ ADMIN }>,
) -> Result<(StatusCode, Json<Value>)> {
    let created = process::create(&hub.ctx, &call.caller, call.document).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

async fn find(
    State(hub): State<Arc<Hub>>,
    call: HubCaller<{ OSL | ADMIN }>,
    path: std::result::Result<Path<String>, PathRejection>,
) -> Result<Json<Value>> {
    let code = code(path)?;
    Ok(Json(process::find(&hub.ctx, &call.caller, &code).await?))
}

async fn replace(
    State(hub): State<Arc<Hub>>,
    path: std::result::Result<Path<String>, PathRejection>,
    call: JsonCall<{ ADMIN }>,
) -> Result<Json<Value>> {
    let code = code(path)?;
    let replaced = process::replace(&hub.ctx, &call.caller, &code, call.document).await?;
    Ok(Json(replaced))
}

fn code(path: std::result::Result<Path<String>, PathRejection>) -> Result<String> {
    let fit = path.ok().filter(|Path(code)| is_text(code));
    match fit {
        Some(Path(code)) => Ok(code),
        None => Err(Refusal::bad(
            "@path.code: Input string is not the code of a process",
        )),
    }
}
