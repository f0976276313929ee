//! Who may do what: clients, their scopes, and tokens bound to a certificate (API-9).
//!
//! Two proofs stand behind every call of a partner. The TLS layer gives the fingerprint of his certificate; the bearer
//! token says who he is and names that same fingerprint (RFC 8705), so a stolen token is worth nothing.
//!
//! The way to a token: [`grant::present`] reads what the client sent → the caller looks the client up →
//! [`grant::decide`] → [`Tokens::issue`]. The way of a call: [`Tokens::check`] → the caller looks the client up, since a
//! token outlives a revocation → [`Client::check_active`] → [`Scopes::require`] → [`Client::permit`].
//!
//! | file | what it holds |
//! |---|---|
//! | [`scope`] | the scopes and sets of them |
//! | [`client`] | a client, its secret, its perimeter |
//! | [`grant`] | the client credentials grant of RFC 6749, as pure functions |
//! | [`keys`] | the keys that sign and check tokens, and their JWKS |
//! | [`token`] | issue and check |
//! | [`registry`] | the clients as this process knows them, read again twice a second |
//! | [`snapshot`] | clients by their id as they were read last, for this registry and the hub's |
//! | `seen` | tokens whose signature was checked before |
//! | [`metadata`] | the authorization server's description (RFC 8414) |
//!
//! To add a scope: a variant and its name in [`scope`], and the contract's security scheme; a handler then demands it.
//! To rotate the key: put the new one first in the settings and keep the old one, or its public half, for a token's life.

pub mod client;
pub mod grant;
pub mod keys;
pub mod metadata;
pub mod registry;
pub mod scope;
mod seen;
pub mod snapshot;
pub mod token;

pub use client::Client;
pub use keys::Keys;
pub use registry::Registry;
pub use scope::{Scope, Scopes};
pub use snapshot::Snapshot;
pub use token::{Bearer, Issued, Tokens};
