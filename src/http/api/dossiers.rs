//! `GET /v1/dossiers/{dossierId}/iterations`: the deposits of a dossier, in their order.
//!
//! Its cursor is the place of the last deposit shown (project, application, iteration), in base64url.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Path, RawQuery, State},
};
use data_encoding::BASE64URL_NOPAD;
use http::request::Parts;
use serde_json::{Value, json};

use super::{
    Api,
    caller::{Caller, Reading},
    query::{USUAL, each, limit, put, text},
};
use crate::{
    domain::pieces::dossier::{self, Query},
    http::problem,
    kernel::fault::{Fault, Result},
    storage::{is_text, iterations::Place},
};

/// The most characters of a dossier's id.
const LONGEST: usize = 128;

/// The dossier that a path names. What is no id of a dossier names nothing: it is `not-found`.
pub struct DossierId(String);

impl<S: Send + Sync> FromRequestParts<S> for DossierId {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let named = Path::<String>::from_request_parts(parts, state).await;
        let named = named.ok().and_then(|Path(id)| text(&id, LONGEST));
        named.map(Self).ok_or_else(problem::missing)
    }
}

/// `GET /v1/dossiers/{dossierId}/iterations`.
pub async fn iterations(
    State(api): State<Arc<Api>>,
    caller: Caller<Reading>,
    DossierId(id): DossierId,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>> {
    let query = read(query.as_deref())?;
    let page = dossier::iterations(&api.ctx, &caller.client, &id, query).await?;
    let next = page.next.map(|place| cursor(&place));
    Ok(Json(
        json!({ "dossierId": id, "items": page.items, "nextCursor": next }),
    ))
}

fn read(query: Option<&str>) -> Result<Query> {
    let mut read = Query {
        limit: USUAL,
        ..Query::default()
    };
    let mut most = None;
    each(query, |name, value| {
        Some(match name {
            "project" => put(&mut read.project, text(value, 64)),
            "sourceApplication" => put(&mut read.source_application, text(value, 64)),
            "cursor" => put(&mut read.after, place(value)),
            "limit" => put(&mut most, limit(value)),
            _ => return None,
        })
    })?;
    read.limit = most.unwrap_or(USUAL);
    Ok(read)
}

fn cursor((project, application, iteration): &Place) -> String {
    let place = json!([project, application, iteration]);
    BASE64URL_NOPAD.encode(place.to_string().as_bytes())
}

fn place(cursor: &str) -> Option<Place> {
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    let place: Place = serde_json::from_slice(&bytes).ok()?;
    (is_text(&place.0) && is_text(&place.1)).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_its_place_and_nothing_else_does() {
        let here = ("marche-1".to_owned(), "é \"x\"".to_owned(), 12);
        assert_eq!(place(&cursor(&here)), Some(here));
        for text in [
            "",
            "x",
            "bnVsbA",
            &BASE64URL_NOPAD.encode(br#"["a\u0000","b",1]"#),
        ] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
