//! The authorization server: tokens by client credentials (RFC 6749), bound to the connection's certificate (RFC 8705).

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE},
    request::Parts,
};
use serde_json::{Value, json};

use super::{Api, caller};
use crate::{
    domain::{
        access::{
            grant::{self, GrantCode, GrantError},
            metadata as described,
            token::Issued,
        },
        pieces::refusal,
    },
    http::body::read_whole,
    kernel::fault::{Code, Fault, Result},
};

/// The most bytes of a token request.
const LARGEST: usize = 16_384;

/// `POST /oauth2/token`.
pub async fn token(State(api): State<Arc<Api>>, parts: Parts, body: Body) -> Result<Response> {
    Ok(match issue(&api, &parts, body).await? {
        Ok(issued) => granted(&issued),
        Err(error) => refused(&error),
    })
}

async fn issue(api: &Api, parts: &Parts, body: Body) -> Result<Result<Issued, GrantError>> {
    let Ok(certificate) = caller::certificate(parts) else {
        return Ok(Err(no_certificate()));
    };
    let form = match form(&parts.headers, body).await? {
        Some(form) => form,
        None => return Ok(Err(bad_form())),
    };
    let authorization = parts
        .headers
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let presented = match grant::present(authorization, &form) {
        Ok(presented) => presented,
        Err(error) => return Ok(Err(error)),
    };
    let client = api.clients.look_up(&presented.client_id).await?;
    let decided = grant::decide(client.as_ref(), &presented, &certificate);
    if let (Err(error), Some(client)) = (&decided, grant::proven(client.as_ref(), &presented)) {
        refusal::of_token(&api.ctx, client, error.code).await;
    }
    match decided {
        Ok(granted) => Ok(Ok(api.tokens.issue(
            &granted,
            &api.ctx.clock,
            &api.ctx.entropy,
        )?)),
        Err(error) => Ok(Err(error)),
    }
}

/// The form's fields in order; nothing where it is no form, or a long one.
async fn form(headers: &HeaderMap, body: Body) -> Result<Option<Vec<(String, String)>>> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(None);
    }
    let bytes = match read_whole(body, LARGEST).await {
        Ok(bytes) => bytes,
        Err(fault) if fault.code() == Code::BodyTooSlow => return Err(fault),
        Err(_) => return Ok(None),
    };
    let pairs = form_urlencoded::parse(&bytes);
    Ok(Some(
        pairs
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
    ))
}

fn no_certificate() -> GrantError {
    GrantError {
        code: GrantCode::InvalidClient,
        description: "Presentez un certificat client d'une autorite reconnue.",
    }
}

fn bad_form() -> GrantError {
    GrantError {
        code: GrantCode::InvalidRequest,
        description: "Un formulaire application/x-www-form-urlencoded de 16384 octets au plus est attendu.",
    }
}

fn granted(issued: &Issued) -> Response {
    let body = json!({
        "access_token": issued.access_token.expose(),
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "scope": issued.scopes.to_string(),
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
        let challenge = HeaderValue::from_static(r#"Basic realm="navette""#);
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn uncached(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `GET /oauth2/jwks`.
pub async fn jwks(State(api): State<Arc<Api>>) -> Result<Json<Value>> {
    let keys = serde_json::to_value(api.tokens.keys().jwks());
    keys.map(Json).map_err(Fault::internal)
}

/// `GET /.well-known/oauth-authorization-server`.
pub async fn metadata(State(api): State<Arc<Api>>) -> Json<described::Metadata> {
    Json(described::metadata(api.tokens.issuer()))
}
