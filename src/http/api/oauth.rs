//! The authorization server: tokens by client credentials (RFC 6749), bound to the connection's certificate (RFC 8705).

use std::sync::Arc;

use axum::{Json, body::Body, extract::State, response::Response};
use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE, request::Parts};
use serde_json::Value;

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
    http::{body::read_whole, granting},
    kernel::fault::{Code, Fault, Result},
};

/// `POST /oauth2/token`.
pub async fn token(State(api): State<Arc<Api>>, parts: Parts, body: Body) -> Result<Response> {
    Ok(match issue(&api, &parts, body).await? {
        Ok(issued) => granting::granted(
            &issued.access_token,
            issued.expires_in,
            &issued.scopes.to_string(),
        ),
        Err(error) => granting::refused(&error, r#"Basic realm="navette""#),
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
    let presented = match granting::presented(&parts.headers, &form) {
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

/// The form as it came; nothing where it is no form, or a long one.
async fn form(headers: &HeaderMap, body: Body) -> Result<Option<Bytes>> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(None);
    }
    match read_whole(body, granting::LARGEST).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(fault) if fault.code() == Code::BodyTooSlow => Err(fault),
        Err(_) => Ok(None),
    }
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

/// `GET /oauth2/jwks`.
pub async fn jwks(State(api): State<Arc<Api>>) -> Result<Json<Value>> {
    let keys = serde_json::to_value(api.tokens.keys().jwks());
    keys.map(Json).map_err(Fault::internal)
}

/// `GET /.well-known/oauth-authorization-server`.
pub async fn metadata(State(api): State<Arc<Api>>) -> Json<described::Metadata> {
    Json(described::metadata(api.tokens.issuer()))
}
