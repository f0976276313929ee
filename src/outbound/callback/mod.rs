//! The callback: a return is POSTed to the partner's own API over mutual TLS, signed as Standard Webhooks ask (API-10).
//!
//! One [`Sender`] per project, built once: it holds the TLS settings and the pool of connections. The way of an attempt,
//! each stage with a type of its own: [`Sender::prepare`] → [`Prepared`] → [`Sender::send`] → [`Sent`] →
//! [`Sent::complete`] → [`Completed`]. Nothing here is stored and nothing waits for the next attempt: that is the job's part.
//!
//! | file | what it holds |
//! |---|---|
//! | [`address`] | which addresses may be called, checked in the URL and again when a name is resolved |
//! | [`signature`] | the keys and the signature |
//! | [`sender`] | the HTTP client and the attempt |
//! | [`answer`] | what an answer is worth |
//!
//! A partner's certificate must come from the project's own CA and from no other; redirections and proxies are never
//! followed. To give a project fixed headers or a token of its own: a field in [`Settings`], used in [`Sender::prepare`].

pub mod address;
pub mod answer;
pub mod sender;
pub mod signature;

#[cfg(test)]
mod tests;

pub use answer::{Ack, Answer, Completed, Reason, Refusal, Sent};
pub use sender::{Prepared, Sender, Settings};
pub use signature::Signer;
