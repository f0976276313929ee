//! What every request goes through: an id, a trace, a span for the log, metrics, and one line when its answer is over.
//!
//! Faults are told and logged here and nowhere else: the document gets the request's id as `instance`, a fault of ours is
//! logged with its cause. Neither bodies, nor query strings, nor paths are logged: they may hold personal data.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use bytes::{Buf, Bytes};
use futures_util::FutureExt;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use super::{
    body::{Limits, Meter},
    peer::Peer,
    problem::{self, Context},
    traceparent::{TRACEPARENT, TraceContext},
};
use crate::kernel::{
    clock::Clock,
    entropy::Entropy,
    fault::{Code, Fault},
};

/// The request's id in its answer: the `instance` of a problem document, the `request_id` of the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the front needs of the house.
#[derive(Clone)]
pub struct Front {
    /// Dates the request ids.
    pub clock: Clock,
    /// Draws the request ids and spans.
    pub entropy: Entropy,
    /// Told with `too-large`.
    pub limits: Limits,
    /// Writes a fault down as this listener's contract has it.
    pub render: Render,
}

/// How a listener writes faults, such as [`problem::render`].
pub type Render = fn(Arc<Fault>, Context) -> Response;

/// The id of a request; an extension of it.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(pub Uuid);

/// Puts a router behind the front: unknown paths and verbs are problems, every request is followed.
pub fn dress(router: Router, front: Front) -> Router {
    router
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(Arc::new(front), follow))
}

async fn follow(State(front): State<Arc<Front>>, mut request: Request, next: Next) -> Response {
    let visit = Visit::begin(&front, &request);
    let extensions = request.extensions_mut();
    extensions.insert(RequestId(visit.id));
    extensions.insert(visit.trace);
    let handler = AssertUnwindSafe(next.run(request)).catch_unwind();
    let answer = handler.instrument(visit.span()).await;
    let answer = answer.unwrap_or_else(|_| Fault::internal("a handler panicked").into_response());
    let answer = tell(answer, visit.id, &front);
    visit.accompany(answer)
}

/// Writes a fault's document again with what only the front knows, and logs it where it is ours.
fn tell(answer: Response, id: Uuid, front: &Front) -> Response {
    let Some(fault) = answer.extensions().get::<Arc<Fault>>().map(Arc::clone) else {
        return answer;
    };
    if answer.status().is_server_error() {
        let cause = fault.cause().unwrap_or("no cause given");
        tracing::error!(request_id = %id, code = %fault.code(), cause, "request failed");
    }
    let context = Context {
        request: Some(id),
        limits: Some(front.limits),
    };
    let mut told = (front.render)(fault, context);
    keep_headers(told.headers_mut(), answer.headers());
    told
}

/// What the handler said besides the document, such as `Allow` or `Content-Range`; not what spoke of the body that was there
/// before, which may have been packed.
fn keep_headers(told: &mut HeaderMap, before: &HeaderMap) {
    for (name, value) in before {
        let of_body = [CONTENT_LENGTH, CONTENT_ENCODING].contains(name);
        if !of_body && !told.contains_key(name) {
            told.insert(name, value.clone());
        }
    }
}

/// A request on its way, until the last byte of its answer.
struct Visit {
    id: Uuid,
    trace: TraceContext,
    started: Instant,
    method: &'static str,
    route: String,
    meter: Meter,
    subject: Option<Arc<str>>,
    status: StatusCode,
    code: Option<Code>,
    sent: u64,
    is_whole: bool,
}

impl Visit {
    fn begin(front: &Front, request: &Request) -> Self {
        let extensions = request.extensions();
        let route = extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        Self {
            id: front.entropy.uuid(&front.clock).unwrap_or_default(),
            trace: TraceContext::of(request.headers(), &front.entropy),
            started: Instant::now(),
            method: known(request.method()),
            route: route.unwrap_or("unmatched").to_owned(),
            meter: extensions.get::<Meter>().cloned().unwrap_or_default(),
            subject: extensions
                .get::<Peer>()
                .and_then(|peer| peer.subject.clone()),
            status: StatusCode::OK,
            code: None,
            sent: 0,
            is_whole: false,
        }
    }

    fn span(&self) -> tracing::Span {
        tracing::info_span!("request", request_id = %self.id, trace_id = %self.trace.trace_id())
    }

    /// Signs the answer with the request's id, and stays with its body to the end.
    fn accompany(mut self, answer: Response) -> Response {
        self.status = answer.status();
        let fault = answer.extensions().get::<Arc<Fault>>();
        self.code = fault.map(|fault| fault.code());
        let (mut parts, body) = answer.into_parts();
        insert(&mut parts.headers, REQUEST_ID, &self.id.to_string());
        let traceparent = HeaderName::from_static(TRACEPARENT);
        insert(&mut parts.headers, traceparent, &self.trace.to_string());
        self.is_whole = body.is_end_stream();
        Response::from_parts(parts, Body::new(Accompanied { body, visit: self }))
    }

    fn count(&self, seconds: f64) {
        let labels = [
            ("method", self.method.to_owned()),
            ("route", self.route.clone()),
            ("status", self.status.as_u16().to_string()),
        ];
        metrics::counter!("navette_http_requests_total", &labels).increment(1);
        metrics::histogram!("navette_http_request_seconds", &labels).record(seconds);
    }
}

/// The end of a request, however it comes: also where the client went away before the last byte.
impl Drop for Visit {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.count(seconds);
        tracing::info!(
            target: "navette::access",
            request_id = %self.id,
            trace_id = %self.trace.trace_id(),
            method = self.method,
            route = self.route,
            status = self.status.as_u16(),
            code = self.code.map(Code::as_str),
            milliseconds = seconds * 1000.0,
            received = self.meter.received(),
            sent = self.sent,
            is_whole = self.is_whole,
            client = self.subject.as_deref(),
            "request"
        );
    }
}

/// An answer's body, with its request's visit.
struct Accompanied {
    body: Body,
    visit: Visit,
}

impl http_body::Body for Accompanied {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.visit.sent += frame.data_ref().map_or(0, Buf::remaining) as u64;
                self.visit.is_whole = self.body.is_end_stream();
            }
            Poll::Ready(None) => self.visit.is_whole = true,
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The verbs that may be labels: a caller must not be able to invent metrics.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
