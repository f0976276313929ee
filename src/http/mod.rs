//! The front door: sockets, TLS, and everything that stands around a handler. It knows no SQL and no business rule.
//!
//! The way of a request: [`listener`] accepts, [`tls`] shakes hands, [`connection`] speaks HTTP/1.1 over a [`wire`] that
//! watches the clock, [`body`] meters what comes in, [`trace`] names the request and ends it in the log, the handler answers,
//! [`problem`] writes what went wrong.
//!
//! | file | what it gives |
//! |---|---|
//! | [`listener`] | bind, accept, limit connections, stop gracefully |
//! | [`tls`] | the server's identity, the clients' authorities, revocation lists, reload |
//! | [`connection`] | one connection from handshake to lingering close |
//! | [`wire`] | byte stream with the deadlines of heads, idleness and stalled writes |
//! | [`peer`] | who is at the other end |
//! | [`body`] | size limit, minimum rate and deadlines of a request body |
//! | [`multipart`] | the two parts of an intake, in order, in bounded memory |
//! | [`valve`] | lets the multipart parser have one piece of the body at a time |
//! | [`problem`] | the one table from fault to status, and problem documents |
//! | [`trace`] | request ids, W3C trace context, request metrics, access log |
//! | [`traceparent`] | W3C trace context |
//! | [`range`] | how stored content is answered: digest, tag, range, file name |
//! | [`api`] | the operations of the contract, and who may call them |
//! | [`hubee`] | the same of the hub, on a listener of its own |
//! | [`granting`] | what the token endpoints of both have in common |
//! | [`operation`] | an operation as data: method, path, handler |
//! | [`docs`] | the contract and its reader's page |
//! | [`ops`] | health and metrics, on a listener of their own |
//!
//! To add an endpoint: a handler that answers `Result<_, Fault>`, as a line of [`api::operations`].

pub mod api;
pub mod body;
pub mod connection;
pub mod docs;
pub mod granting;
pub mod hubee;
pub mod listener;
pub mod multipart;
pub mod operation;
pub mod ops;
pub mod peer;
pub mod problem;
pub mod range;
pub mod tls;
pub mod trace;
pub mod traceparent;
pub mod valve;
pub mod wire;

#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;
