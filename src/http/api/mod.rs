//! The piece API and the token endpoint: one file per group of operations.
//!
//! | file | operations |
//! |---|---|
//! | [`pieces`] | send a piece |
//! | [`reading`] | list, piece, content, receipt, return, events |
//! | [`query`] | the list's parameters and cursor |
//! | [`oauth`] | token, jwks, authorization server metadata |
//! | [`caller`] | who calls, with which right: in the handler's signature |
//!
//! To add an operation: write it in the contract, add its handler with a [`caller::Caller`] of the scope it demands, and a
//! line in [`routes`]. Tests compare the routes with the contract and walk every operation without certificate, without
//! token and with a wrong scope.

pub mod caller;
pub mod oauth;
pub mod pieces;
pub mod query;
pub mod reading;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use super::{body::Limits, docs};
use crate::domain::{
    Context,
    access::{Registry, Tokens},
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
}

/// Every operation of the contract.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/v1/pieces", get(reading::list).post(pieces::send))
        .route("/v1/pieces/{id}", get(reading::piece))
        .route("/v1/pieces/{id}/content", get(reading::content))
        .route("/v1/pieces/{id}/receipt", get(reading::receipt))
        .route("/v1/pieces/{id}/return", get(reading::return_document))
        .route(
            "/v1/pieces/{id}/return/documents/{document}",
            get(reading::produced),
        )
        .route("/v1/pieces/{id}/events", get(reading::events))
        .route("/oauth2/token", post(oauth::token))
        .route("/oauth2/jwks", get(oauth::jwks))
        .route(
            "/.well-known/oauth-authorization-server",
            get(oauth::metadata),
        )
        .with_state(api)
        .merge(docs::routes())
}
