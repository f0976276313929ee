//! `GET /v1/incidents`: the anomalies of the caller's projects and of the gateway itself (TRC-2).

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde_json::{Value, json};

use super::{
    Api,
    caller::{Administering, Caller},
    ids, query,
};
use crate::{
    domain::{
        access::Client,
        incidents::{State as IncidentState, view},
    },
    kernel::fault::{Code, Fault, Result},
    storage::incidents::Filter,
};

/// `GET /v1/incidents`.
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller<Administering>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>> {
    let (mut filter, limit) = read(query.as_deref())?;
    perimeter(&caller.client, &filter)?;
    let projects = caller.client.projects.iter().cloned();
    filter.projects_or_house = Some(projects.collect());
    let page = view::page(&api.ctx, filter, limit).await?;
    Ok(Json(
        json!({ "items": page.items, "nextCursor": page.next }),
    ))
}

fn perimeter(client: &Client, filter: &Filter) -> Result<()> {
    match &filter.project {
        Some(project) if !client.projects.contains(project) => Err(Fault::new(
            Code::PerimeterForbidden,
            "Le projet est hors du périmètre de ce client.",
        )),
        _ => Ok(()),
    }
}

/// Reads the query string. Fails with `request-malformed`, every fault told.
fn read(text: Option<&str>) -> Result<(Filter, u32)> {
    let (mut filter, mut limit) = (Filter::default(), None);
    query::each(text, |name, value| {
        Some(match name {
            "project" => query::put(&mut filter.project, query::text(value, 64)),
            "state" => query::put(&mut filter.states, state(value)),
            "code" => query::put(&mut filter.code, code(value)),
            "reconciliationId" => query::put(&mut filter.exchange_id, ids::id(value)),
            "cursor" => query::put(&mut filter.before, view::behind(value)),
            "limit" => query::put(&mut limit, query::limit(value)),
            _ => return None,
        })
    })?;
    Ok((filter, limit.unwrap_or(query::USUAL)))
}

fn state(value: &str) -> Option<Vec<String>> {
    let state = IncidentState::parse(value).ok()?;
    Some(vec![state.as_str().to_owned()])
}

/// A code of the list, or of a list that has grown since.
fn code(value: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_lowercase() || c == '-';
    ((1..=64).contains(&value.len()) && value.chars().all(plain)).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_faulty_parameter_is_told_at_once() {
        let fault = read(Some(
            "state=gone&limit=0&code=A&colour=blue&cursor=x&reconciliationId=7&state=open&a~b=1&a~b=2",
        ))
        .unwrap_err();
        let pointers: Vec<_> = fault.errors().iter().map(|e| e.pointer.clone()).collect();
        assert_eq!(
            pointers,
            [
                "/query/state",
                "/query/limit",
                "/query/code",
                "/query/colour",
                "/query/cursor",
                "/query/reconciliationId",
                "/query/state",
                "/query/a~0b",
                "/query/a~0b"
            ]
        );
    }
}
