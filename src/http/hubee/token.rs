//! `POST /oauth2/token` and `POST /token`: a token by client credentials, in HTTP Basic or in the form (R2). No connection to
//! the database, nothing written: some clients ask before every call.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE},
};
use serde_json::json;

use super::Hub;
use crate::{
    domain::{
        access::grant::{self, GrantCode, GrantError},
        hubee::{Result, token::Issued},
    },
    http::body::read_whole,
};

/// The most bytes of a token request.
const LARGEST: usize = 16_384;

/// `POST /oauth2/token` and `POST /token`.
pub async fn token(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let form = read_whole(body, LARGEST).await?;
    let pairs = form_urlencoded::parse(&form);
    let form: Vec<(String, String)> = pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let authorization = headers
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let presented = match grant::present(authorization, &form) {
        Ok(presented) => presented,
        Err(error) => return Ok(refused(&error)),
    };
    let granted = hub.tokens.grant(&hub.clients, &presented, &hub.ctx.clock);
    Ok(match granted.await? {
        Ok(issued) => granted_answer(&issued),
        Err(error) => refused(&error),
    })
}

fn granted_answer(issued: &Issued) -> Response {
    let body = json!({
        "access_token": issued.access_token.expose(),
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scope,
    });
    uncached((StatusCode::OK, Json(body)).into_response())
}

fn refused(error: &GrantError) -> Response {
    let status = match error.code {
        GrantCode::InvalidClient => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    let body = json!({ "error": error.code.as_str(), "error_description": error.description });
    let mut response = uncached((status, Json(body)).into_response());
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static(r#"Basic realm="hubee""#);
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn uncached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
