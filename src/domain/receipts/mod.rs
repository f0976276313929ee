//! The signed proof that a piece arrived whole (TRC-1, TRC-4).
//!
//! The way through: the intake fills a [`Receipt`], [`Receipt::to_bytes`] fixes its bytes, [`Signer::sign`] wraps them in
//! a CMS message that carries everything a reader needs except the root he trusts. [`verify`] is our own reading of such a
//! message; nobody depends on it, since the plain command does the same:
//!
//! ```text
//! openssl cms -verify -inform DER -in receipt.p7s -CAfile ca.pem [-attime SECONDS]
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | [`document`] | the JSON document and its fields on the wire |
//! | [`archive`] | the same for an archive |
//! | [`signer`] | loading of the signing certificate with its checks, and the signature |
//! | `cms`, `der` | the message's encoding |
//! | [`proof`] | verification, and what it tells of the signer |
//!
//! To add a field: add it to [`Receipt`] as an `Option` that is skipped when empty, to the contract's schema, and leave the
//! type at `navette.receipt/1`; a changed or removed field is a new type, and both are then read.

pub mod archive;
pub mod document;
pub mod proof;
pub mod signer;

mod cms;
mod der;

#[cfg(test)]
mod tests;

pub use archive::ArchiveReceipt;
pub use document::{Kind, Receipt};
pub use proof::{Proven, SignerInfo, verify, verify_any, verify_detached, verify_known};
pub use signer::Signer;
