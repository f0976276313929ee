//! What a sender reads of its pieces: all of `GET /v1/pieces…`.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, VARY},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Api,
    caller::{Caller, Reading},
    query,
};
use crate::{
    domain::pieces::view::{self, Piece, Readable},
    http::range::{self, Plan, Stored},
    kernel::fault::{Code, Fault, Result},
};

/// The media type of a CMS receipt.
const CMS: &str = "application/pkcs7-mime";

/// `GET /v1/pieces`.
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>> {
    let query = query::read(query.as_deref())?;
    let page = view::list(&api.ctx, &caller.client, query).await?;
    let next = page.next.map(query::cursor);
    Ok(Json(json!({ "items": page.items, "nextCursor": next })))
}

/// `GET /v1/pieces/{id}`.
pub async fn piece(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Path(id): Path<String>,
) -> Result<Json<Piece>> {
    let id = piece_id(&id)?;
    Ok(Json(view::piece(&api.ctx, &caller.client, id).await?))
}

/// `GET /v1/pieces/{id}/content`.
pub async fn content(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let found = view::readable(&api.ctx, &caller.client, piece_id(&id)?, None).await?;
    answer(&found, &headers)
}

/// `GET /v1/pieces/{id}/return/documents/{document}`.
pub async fn produced(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Path((id, document)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response> {
    let document = Some(piece_id(&document)?);
    let found = view::readable(&api.ctx, &caller.client, piece_id(&id)?, document).await?;
    answer(&found, &headers)
}

/// `GET /v1/pieces/{id}/receipt`: JSON, or CMS where the caller accepts only that or names it.
pub async fn receipt(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let id = piece_id(&id)?;
    let receipt = view::receipt(&api.ctx, &caller.client, id).await?;
    let (kind, bytes) = match wants_cms(&headers) {
        true => (CMS, receipt.cms),
        false => ("application/json", receipt.body),
    };
    let mut response = ([(CONTENT_TYPE, kind), (VARY, "accept")], bytes).into_response();
    if kind == CMS {
        let name = format!("attachment; filename=\"{id}.p7m\"");
        let value = HeaderValue::from_str(&name).map_err(Fault::internal)?;
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// `GET /v1/pieces/{id}/return`: the bytes that the callback carries.
pub async fn return_document(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Path(id): Path<String>,
) -> Result<Response> {
    let bytes = view::return_bytes(&api.ctx, &caller.client, piece_id(&id)?).await?;
    Ok(([(CONTENT_TYPE, "application/json")], bytes).into_response())
}

/// `GET /v1/pieces/{id}/events`.
pub async fn events(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Path(id): Path<String>,
) -> Result<Json<Value>> {
    let events = view::events(&api.ctx, &caller.client, piece_id(&id)?).await?;
    Ok(Json(json!({ "items": events })))
}

/// What is no id of ours names nothing.
fn piece_id(text: &str) -> Result<Uuid> {
    let id = Uuid::try_parse(text)
        .ok()
        .filter(|id| id.get_version_num() == 7);
    id.ok_or_else(|| {
        Fault::new(
            Code::NotFound,
            "Aucune pièce de ce client ne porte cet identifiant.",
        )
    })
}

fn wants_cms(headers: &HeaderMap) -> bool {
    let mut accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains(CMS))
}

fn answer(found: &Readable, asked: &HeaderMap) -> Result<Response> {
    let stored = Stored {
        size: found.row.size,
        sha256: &found.row.sha256,
        file_name: &found.file_name,
        media_type: &found.row.media_type,
    };
    let plan = range::plan(&stored, asked);
    if plan == Plan::Unsatisfiable {
        return Ok(range::unsatisfiable(stored.size));
    }
    let (status, headers) = range::head(&stored, &plan);
    let body = match plan {
        Plan::NotModified => Body::empty(),
        _ => Body::from_stream(found.reader.stream(plan.bytes(stored.size))?),
    };
    Ok((status, headers, body).into_response())
}
