//! The GED: documents and the keys that open them.
//!
//! [`keyring`] holds each project's keys; [`documents`] opens what the vault holds for a row of `document`; [`sweep`] removes
//! blobs that no row names (a crash between the blob and its row leaves one). [`verdict`] says whether a document may be passed
//! on, [`scan`] has the antivirus look at it: the doors that every channel goes through.

pub mod documents;
pub mod keyring;
pub mod scan;
pub mod sweep;
pub mod verdict;
pub mod watch;

pub use keyring::{Keyring, ProjectKeys};
