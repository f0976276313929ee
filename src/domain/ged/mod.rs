//! The GED: documents and the keys that open them.
//!
//! [`keyring`] holds each project's keys; [`documents`] opens what the vault holds for a row of `document`,
//! [`contained`] reads it where it lies; [`sweep`] removes
//! blobs that no row names (a crash between the blob and its row leaves one); [`purge`] destroys what has outlived its term,
//! [`unused`] the keys of its days ([`epochs`]); [`holds`] keeps a dossier from it. [`verdict`] says whether a document may be passed
//! on, [`scan`] has the antivirus look at it: the doors that every channel goes through.

pub mod contained;
pub mod documents;
pub mod epochs;
pub mod holds;
pub mod keyring;
pub mod purge;
pub mod rewrap;
pub mod scan;
pub mod sweep;
pub mod unused;
pub mod verdict;
pub mod watch;

pub use keyring::{Keyring, ProjectKeys};
