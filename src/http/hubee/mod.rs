//! The hub's listener: the 28 operations that HubEE's clients know, and the endpoint of their tokens, on a socket of its own
//! that asks for no client certificate.
//!
//! | file | what it holds |
//! |---|---|
//! | [`caller`] | who calls: token, scope, partner headers, ids of the path, query: in the handler's signature |
//! | [`body`] | a JSON body behind the same head |
//! | [`query`] | query strings, of which every name must be known |
//! | [`errors`] | how a refusal is written (R7), and the fault of a bad token (R3) |
//! | [`token`] | the token endpoint (R2) |
//! | [`pages`] | arrays that are written as they are read |
//! | [`gzip`] | answers made small where the client accepts it (R6) |
//! | [`folders`], [`cases`], [`events`], [`attachments`], [`notifications`] | `/teledossiers/v1` |
//! | [`organizations`], [`processes`], [`subscriptions`] | `/referential/v1` |
//! | [`listed`] | a list of any length, read as it leaves |
//!
//! The way of a call: the token and its client, the scope, then all faults of the head at once (headers, path, query), then
//! the body; the perimeter is the domain's business. To add an operation: write it in its contract, a handler whose first
//! arguments are `State<Arc<Hub>>` and [`caller::HubCaller`] or [`body::JsonCall`], and a line in its group's list.

pub mod attachments;
pub mod body;
pub mod caller;
pub mod cases;
pub mod errors;
pub mod events;
pub mod folders;
pub mod gzip;
pub mod listed;
pub mod notifications;
pub mod organizations;
pub mod pages;
pub mod processes;
pub mod query;
pub mod subscriptions;
pub mod token;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, header::ALLOW};

use super::operation::{self, Operation, post};
use crate::domain::{
    Context,
    hubee::{Refusal, Registry, Tokens, attachments::Scanner},
};

pub use crate::domain::hubee::scope::rights::{ADMIN, DATAPASS, OSL, SI};

/// What the handlers share.
pub struct Hub {
    /// The house.
    pub ctx: Context,
    /// The clients.
    pub clients: Registry,
    /// What makes and judges tokens.
    pub tokens: Tokens,
    /// The antivirus, for what is uploaded.
    pub scanner: Scanner,
}

/// What makes a `POST` a `PATCH` (R5).
const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// Every operation of the four contracts.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    [
        folders::operations(),
        cases::operations(),
        events::operations(),
        attachments::operations(),
        notifications::operations(),
        organizations::operations(),
        processes::operations(),
        subscriptions::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The router of all of them, and of the token endpoint under its two names.
pub fn routes(hub: Arc<Hub>) -> Router {
    let mut all = operations();
    all.extend([
        post("/oauth2/token", token::token),
        post("/token", token::token),
    ]);
    operation::router_of_collections(all)
        .layer(from_fn(gzip::where_accepted))
        .with_state(hub)
}

/// A `POST` that does a `PATCH`, and nothing without the header that says so (R5).
pub fn post_as_patch<H, T>(path: &'static str, handler: H) -> Operation<Arc<Hub>>
where
    H: Handler<T, Arc<Hub>>,
    T: 'static,
{
    post(path, handler).behind(|handler| handler.route_layer(from_fn(only_as_patch)))
}

async fn only_as_patch(request: Request, next: Next) -> Response {
    let said = request.headers().get(OVERRIDE);
    let is_patch = said.is_some_and(|said| said.as_bytes().eq_ignore_ascii_case(b"PATCH"));
    match is_patch {
        true => next.run(request).await,
        false => {
            let mut refused = Refusal::MethodNotAllowed.into_response();
            let allowed = HeaderValue::from_static("PATCH");
            refused.headers_mut().insert(ALLOW, allowed);
            refused
        }
    }
}
