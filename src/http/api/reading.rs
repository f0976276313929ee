//! What a sender reads of its pieces: all of `GET /v1/pieces…`.

use std::{ops::Range, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{
    HeaderMap, HeaderValue,
    header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, VARY},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Api,
    caller::{Caller, Reading},
    ids::Ids,
    query,
};
use crate::{
    domain::{
        Context,
        ged::contained::Reader,
        incidents::trouble,
        pieces::{
            content::{self, Readable},
            trace,
            view::{self, Piece},
        },
    },
    http::range::{self, Plan, Stored},
    kernel::fault::{Fault, Result},
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

/// `GET /v1/pieces/{reconciliationId}`.
pub async fn piece(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Ids([id]): Ids<1>,
) -> Result<Json<Piece>> {
    Ok(Json(view::piece(&api.ctx, &caller.client, id).await?))
}

/// `GET /v1/pieces/{reconciliationId}/content`.
pub async fn content(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Ids([id]): Ids<1>,
    headers: HeaderMap,
) -> Result<Response> {
    let found = content::readable(&api.ctx, &caller.client, id, None).await;
    answer(&api.ctx, id, found, &headers).await
}

/// `GET /v1/pieces/{reconciliationId}/return/documents/{documentId}`.
pub async fn produced(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Ids([id, document]): Ids<2>,
    headers: HeaderMap,
) -> Result<Response> {
    let found = content::readable(&api.ctx, &caller.client, id, Some(document)).await;
    answer(&api.ctx, id, found, &headers).await
}

/// `GET /v1/pieces/{reconciliationId}/receipt`: JSON, or CMS where the caller accepts only that or names it.
pub async fn receipt(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Ids([id]): Ids<1>,
    headers: HeaderMap,
) -> Result<Response> {
    let receipt = content::receipt(&api.ctx, &caller.client, id).await?;
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

/// `GET /v1/pieces/{reconciliationId}/return`: the bytes that the callback carries.
pub async fn return_document(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Ids([id]): Ids<1>,
) -> Result<Response> {
    let bytes = content::return_bytes(&api.ctx, &caller.client, id).await;
    let bytes = told(&api.ctx, id, bytes).await?;
    Ok(([(CONTENT_TYPE, "application/json")], bytes).into_response())
}

/// `GET /v1/pieces/{reconciliationId}/events`.
pub async fn events(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    Ids([id]): Ids<1>,
) -> Result<Json<Value>> {
    let events = trace::events(&api.ctx, &caller.client, id).await?;
    Ok(Json(json!({ "items": events })))
}

fn wants_cms(headers: &HeaderMap) -> bool {
    let mut accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepted.any(|value| value.contains(CMS))
}

/// Damage that is met here is an incident of the exchange.
async fn told<T>(ctx: &Context, id: Uuid, outcome: Result<T>) -> Result<T> {
    if let Err(fault) = &outcome {
        trouble::damaged(ctx, id, fault).await;
    }
    outcome
}

async fn answer(
    ctx: &Context,
    id: Uuid,
    found: Result<Readable>,
    asked: &HeaderMap,
) -> Result<Response> {
    let found = told(ctx, id, found).await?;
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
        _ => {
            let body = bytes(ctx, id, &found.reader, plan.bytes(stored.size)).await;
            told(ctx, id, body).await?
        }
    };
    Ok((status, headers, body).into_response())
}

/// The bytes of a range, of a document of the exchange `id`. The first piece is checked before the answer begins, so that
/// damage there is told with its status; further on, all that can be done is to break off.
pub async fn bytes(ctx: &Context, id: Uuid, reader: &Reader, range: Range<u64>) -> Result<Body> {
    let mut pieces = reader.stream(range)?;
    let first = pieces.try_next().await?;
    let first = stream::iter(first.map(Ok::<_, Fault>));
    let ctx = ctx.clone();
    let pieces = pieces.inspect_err(move |fault| {
        let (ctx, fault) = (ctx.clone(), fault.clone());
        tokio::spawn(async move { trouble::damaged(&ctx, id, &fault).await });
    });
    Ok(Body::from_stream(first.chain(pieces)))
}
