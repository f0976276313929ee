//! The piece API and the token endpoint: one file per group of operations.
//!
//! | file | operations |
//! |---|---|
//! | [`pieces`] | send a piece |
//! | [`reading`] | list, piece, content, receipt, return, events |
//! | [`dossiers`] | a dossier's deposits |
//! | [`returns`] | the deliveries of a return, and the return again |
//! | [`query`] | the list's parameters and cursor |
//! | [`incidents`] | list the incidents |
//! | [`ids`] | the ids of a path |
//! | [`oauth`] | token, jwks, authorization server metadata |
//! | [`caller`] | who calls, with which right: in the handler's signature |
//! | [`known`] | the journal of what was refused to a caller who is known |
//!
//! To add an operation: write it in the contract, add its handler with a [`caller::Caller`] of the scope it demands, and a
//! line in [`operations`]. Tests compare the routes with the contract and walk every operation without certificate, without
//! token and with a wrong scope.

pub mod caller;
pub mod dossiers;
pub mod ids;
pub mod incidents;
pub mod known;
pub mod oauth;
pub mod pieces;
pub mod query;
pub mod reading;
pub mod returns;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};

use super::{
    body::Limits,
    docs,
    operation::{self, Operation, get, post},
};
use crate::domain::{
    Context,
    access::{Registry, Tokens},
    incidents::Intake,
    pieces::announced::Announced,
};

/// What the handlers share.
pub struct Api {
    /// The house.
    pub ctx: Context,
    /// The clients.
    pub clients: Registry,
    /// The authorization server.
    pub tokens: Tokens,
    /// What a request may take.
    pub limits: Limits,
    /// How the intake goes.
    pub intake: Intake,
    /// Whose contents are what they announce.
    pub announced: Announced,
}

/// Every operation of the contract.
pub fn operations() -> Vec<Operation<Arc<Api>>> {
    let mut operations = vec![
        post("/v1/pieces", pieces::send),
        get("/v1/pieces", reading::list),
        get("/v1/pieces/{reconciliationId}", reading::piece),
        get("/v1/pieces/{reconciliationId}/content", reading::content),
        get("/v1/pieces/{reconciliationId}/receipt", reading::receipt),
        get(
            "/v1/pieces/{reconciliationId}/return",
            reading::return_document,
        ),
        get(
            "/v1/pieces/{reconciliationId}/return/documents/{documentId}",
            reading::produced,
        ),
        get(
            "/v1/pieces/{reconciliationId}/return/deliveries",
            returns::deliveries,
        ),
        post(
            "/v1/pieces/{reconciliationId}/return/redeliveries",
            returns::redeliver,
        ),
        get("/v1/pieces/{reconciliationId}/events", reading::events),
        get("/v1/dossiers/{dossierId}/iterations", dossiers::iterations),
        get("/v1/incidents", incidents::list),
        post("/oauth2/token", oauth::token),
        get("/oauth2/jwks", oauth::jwks),
        get("/.well-known/oauth-authorization-server", oauth::metadata),
    ];
    operations.extend(docs::operations());
    operations
}

/// The router of all of them.
pub fn routes(api: Arc<Api>) -> Router {
    let journalled = from_fn_with_state(Arc::clone(&api), known::journalled);
    operation::router(operations())
        .layer(journalled)
        .with_state(api)
}
