//! What the stand-in can answer.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{HeaderMap, Response, StatusCode, body::Frame, header};
use serde_json::json;

pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// One answer to one call.
#[derive(Clone, Debug)]
pub enum Answer {
    /// 200 with `{acknowledgmentId, returnId}`, the return's own id.
    Acknowledge,
    /// 200 with the id of another return, which is no acknowledgment.
    AcknowledgeAs(String),
    /// The same as [`Answer::Acknowledge`], with this text as the acknowledgment's id and in a header.
    AcknowledgeSaying(String),
    /// This status and this body.
    Reply(u16, String),
    /// 307 to this address.
    Redirect(String),
    /// 429 with this `Retry-After`.
    TryLater(String),
    /// 503 with this `Retry-After`.
    Busy(String),
    /// Takes the call, and acknowledges it once the test lets go ([`Partner::release`](super::Partner::release)).
    Held,
    /// Takes the call and keeps silent.
    Never,
    /// 200 with a body of this many bytes.
    Huge(u64),
}

impl Answer {
    /// A failure of the partner's own.
    pub fn failure() -> Self {
        Self::Reply(500, "panne".to_owned())
    }

    /// The partner wants no more calls, ever.
    pub fn gone() -> Self {
        Self::Reply(410, String::new())
    }
}

/// The response, or `None` for silence.
pub fn render(answer: Answer, call: &HeaderMap) -> Option<Response<Body>> {
    let response = match answer {
        Answer::Acknowledge | Answer::Held => acknowledgment(return_id(call)),
        Answer::AcknowledgeAs(other) => acknowledgment(&other),
        Answer::AcknowledgeSaying(text) => {
            let body = json!({ "acknowledgmentId": text, "returnId": return_id(call) });
            with(reply(200, body.to_string()), header::SERVER, &text)
        }
        Answer::Reply(status, text) => reply(status, text),
        Answer::Redirect(to) => with(reply(307, String::new()), header::LOCATION, &to),
        Answer::TryLater(when) => with(reply(429, String::new()), header::RETRY_AFTER, &when),
        Answer::Busy(when) => with(reply(503, String::new()), header::RETRY_AFTER, &when),
        Answer::Huge(size) => Response::new(huge(size)),
        Answer::Never => return None,
    };
    Some(response)
}

fn return_id(call: &HeaderMap) -> &str {
    call.get("webhook-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
}

fn acknowledgment(return_id: &str) -> Response<Body> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let text = format!(r#"{{"acknowledgmentId":"AR-{number}","returnId":"{return_id}"}}"#);
    with(reply(200, text), header::CONTENT_TYPE, "application/json")
}

fn reply(status: u16, text: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).expect("a test names a real status");
    response
}

fn with(mut response: Response<Body>, name: header::HeaderName, value: &str) -> Response<Body> {
    let value = value.parse().expect("a test names a valid header");
    response.headers_mut().insert(name, value);
    response
}

/// Made while it is read, so that only a reader without a limit pays for it.
fn huge(size: u64) -> Body {
    const CHUNK: &[u8] = &[b'x'; 65_536];
    let whole = usize::try_from(size).expect("64 bits") / CHUNK.len();
    let chunks = stream::repeat(Bytes::from_static(CHUNK)).take(whole);
    StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk)))).boxed_unsync()
}
