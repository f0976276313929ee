//! How the hub writes what went wrong: `{"errors":[{"code":…,"message":…}]}`, one entry for each fault (R7), and for a token
//! that is none, the fault that deployed clients look for (R3).
//!
//! A [`Fault`] rides along as an extension, so that the front logs it and writes it again by [`render`].

use std::sync::Arc;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    domain::hubee::Refusal,
    http::problem::Context,
    kernel::fault::{Code, Fault},
};

/// When to try again, in seconds, where the house is away.
const RETRY_SECONDS: &str = "5";

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Bad(faults) => refused(StatusCode::BAD_REQUEST, &faults),
            Self::Unauthorized => one(StatusCode::FORBIDDEN, "Unauthorized user"),
            Self::NotFound(message) => one(StatusCode::NOT_FOUND, message),
            Self::MethodNotAllowed => one(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::Fault(fault) => render(Arc::new(fault), Context::default()),
        }
    }
}

/// Status and public text of a fault. What the contracts do not know is told by the status that is nearest in them.
fn outcome(code: Code) -> (StatusCode, &'static str) {
    match code {
        Code::NotFound => (StatusCode::NOT_FOUND, "Resource is not found"),
        Code::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
        Code::BodyTooSlow => (
            StatusCode::BAD_REQUEST,
            "Bad Request : the body came too slowly",
        ),
        Code::TooLarge => (
            StatusCode::BAD_REQUEST,
            "Bad Request : the body is too large",
        ),
        Code::RequestMalformed => (
            StatusCode::BAD_REQUEST,
            "Bad Request : the body is incomplete or malformed",
        ),
        Code::RangeNotSatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, "Range not satisfiable"),
        Code::Unavailable | Code::StorageFull | Code::SignerExpired => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Service unavailable, try again later",
        ),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
    }
}

/// The whole answer to a fault, which rides along for the log.
pub fn render(fault: Arc<Fault>, _: Context) -> Response {
    let (status, message) = outcome(fault.code());
    let mut response = one(status, message);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let pause = HeaderValue::from_static(RETRY_SECONDS);
        response.headers_mut().insert(RETRY_AFTER, pause);
    }
    response.extensions_mut().insert(fault);
    response
}

/// 401: no token, or none that is ours and alive (R3).
pub fn no_token() -> Response {
    let body = json!({ "fault": {
        "code": 900_901,
        "message": "Invalid Credentials",
        "description": "Access failure: the access token is missing, malformed or expired",
    } });
    let mut response = (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    let headers = response.headers_mut();
    let challenge = HeaderValue::from_static(r#"Bearer realm="hubee", error="invalid_token""#);
    headers.insert(WWW_AUTHENTICATE, challenge);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn one(status: StatusCode, message: &str) -> Response {
    refused(status, &[message])
}

/// Faults as they are written.
#[derive(Serialize)]
struct Told<'a> {
    errors: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    code: u16,
    message: &'a str,
}

fn refused(status: StatusCode, messages: &[impl AsRef<str>]) -> Response {
    let code = status.as_u16();
    let messages = messages.iter().map(AsRef::as_ref);
    let errors = messages.map(|message| Entry { code, message }).collect();
    (status, Json(Told { errors })).into_response()
}
