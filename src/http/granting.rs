//! What the two token endpoints have in common (RFC 6749): how a client shows itself, and how it is answered.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE},
};
use serde_json::json;

use crate::{
    domain::access::grant::{self, GrantCode, GrantError, Presented},
    kernel::secret::Secret,
};

/// The most bytes of a token request.
pub const LARGEST: usize = 16_384;

/// What the client shows, in HTTP Basic or in the form's fields.
pub fn presented(headers: &HeaderMap, form: &[u8]) -> Result<Presented, GrantError> {
    let fields = form_urlencoded::parse(form);
    let fields: Vec<(String, String)> = fields
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let authorization = headers
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    grant::present(authorization, &fields)
}

/// A token that lives so many seconds, kept by no cache.
pub fn granted(token: &Secret, expires_in: u32, scope: &str) -> Response {
    let body = json!({
        "access_token": token.expose(),
        "token_type": "Bearer",
        "expires_in": expires_in,
        "scope": scope,
    });
    uncached((StatusCode::OK, Json(body)).into_response())
}

/// Why there is none: 401 with this challenge where the client is not who it says, 400 otherwise.
pub fn refused(error: &GrantError, challenge: &'static str) -> Response {
    let body = json!({ "error": error.code.as_str(), "error_description": error.description });
    if error.code != GrantCode::InvalidClient {
        return uncached((StatusCode::BAD_REQUEST, Json(body)).into_response());
    }
    let challenged = [(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))];
    uncached((StatusCode::UNAUTHORIZED, challenged, Json(body)).into_response())
}

fn uncached(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
