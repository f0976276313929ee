//! An operation as data: method, path, handler. The routers are built from lists of them, and a test compares the same
//! lists with the contract, both ways.
//!
//! To add an operation: write it in the contract, then one line in the list of its group ([`super::api::operations`] or
//! [`super::docs::operations`]), its path as the contract writes it.

use axum::{
    Router,
    handler::Handler,
    routing::{self, MethodRouter},
};

/// One operation of the contract.
pub struct Operation<S> {
    /// Its method, in capitals.
    pub method: &'static str,
    /// Its path, with the names of the contract between braces.
    pub path: &'static str,
    handler: MethodRouter<S>,
}

/// A `GET`, which answers `HEAD` too.
pub fn get<H, T, S>(path: &'static str, handler: H) -> Operation<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Operation {
        method: "GET",
        path,
        handler: routing::get(handler),
    }
}

/// A `POST`.
pub fn post<H, T, S>(path: &'static str, handler: H) -> Operation<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Operation {
        method: "POST",
        path,
        handler: routing::post(handler),
    }
}

/// A router of these operations and no other; those of one path share it.
pub fn router<S>(operations: Vec<Operation<S>>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    operations
        .into_iter()
        .fold(Router::new(), |router, operation| {
            router.route(operation.path, operation.handler)
        })
}
