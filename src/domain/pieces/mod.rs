//! Unit pieces: how one comes in, and what its sender may see of it.
//!
//! **The way of a piece.** [`admission::admit`] checks the metadata before the content is read → [`intake::Reception`] streams
//! the body to its blob while it is hashed and encrypted → [`intake::Reception::finish`] makes the blob durable, checks
//! hash, size and type, signs the receipt, and commits exchange, document, receipt, natural key, journal entry and first
//! job in one transaction → the answer. [`view`], [`content`], [`trace`] and [`dossier`] are what can be asked
//! afterwards, [`timeline`] what the operator sees beyond it. A sending that its sender has given a key goes through [`idempotency`] too;
//! [`announced`] follows who sends another content than announced.

pub mod acknowledged;
pub mod admission;
pub mod announced;
pub mod content;
pub mod dossier;
pub mod idempotency;
pub mod intake;
pub mod key;
pub mod record;
pub mod refusal;
pub mod timeline;
pub mod trace;
pub mod view;
