//! The GED: documents and the keys that open them.
//!
//! [`keyring`] holds each project's keys; [`documents`] opens what the vault holds for a row of `document`; [`sweep`] removes
//! blobs that no row names (a crash between the blob and its row leaves one).

pub mod documents;
pub mod keyring;
pub mod sweep;

pub use keyring::{Keyring, ProjectKeys};
