//! An operation as data: method, path, handler. The routers are built from lists of them, and a test compares the same
//! lists with the contract, both ways.
//!
//! To add an operation: write it in the contract, then one line in the list of its group ([`super::api::operations`],
//! [`super::docs::operations`] or a file of [`super::hubee`]), its path as the contract writes it.

use axum::{
    Router,
    handler::Handler,
    routing::{self, MethodRouter},
};

/// One operation of the contract.
#[derive(Clone)]
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

/// A `PUT`.
pub fn put<H, T, S>(path: &'static str, handler: H) -> Operation<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Operation {
        method: "PUT",
        path,
        handler: routing::put(handler),
    }
}

/// A `PATCH`.
pub fn patch<H, T, S>(path: &'static str, handler: H) -> Operation<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Operation {
        method: "PATCH",
        path,
        handler: routing::patch(handler),
    }
}

/// A `DELETE`.
pub fn delete<H, T, S>(path: &'static str, handler: H) -> Operation<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    Operation {
        method: "DELETE",
        path,
        handler: routing::delete(handler),
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

/// The same, where each collection is served with a slash behind it too (R1): a path that does not end with an id.
pub fn router_of_collections<S>(operations: Vec<Operation<S>>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let mut served: Router<S> = Router::new();
    for operation in operations {
        if !operation.path.ends_with('}') {
            let slashed = format!("{}/", operation.path);
            served = served.route(&slashed, operation.handler.clone());
        }
        served = served.route(operation.path, operation.handler);
    }
    served
}

impl<S> Operation<S> {
    /// The same, its handler behind a layer.
    pub fn behind(self, layer: impl FnOnce(MethodRouter<S>) -> MethodRouter<S>) -> Self {
        Self {
            handler: layer(self.handler),
            ..self
        }
    }
}
