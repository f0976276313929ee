//! An exchange: one file (or one archive, one pli) that came in, its metadata, where it stands.
//!
//! | file | what it gives |
//! |---|---|
//! | [`metadata`] | what a sender says of a piece (API-11), read with every fault at once |
//! | [`fields`] | the reader of JSON fields that gathers faults |
//! | [`status`] | where an exchange stands |
//!
//! To add a metadata field: one line in [`metadata`], one in the contract and in `schemas/metadata-v1.schema.json`.

pub mod fields;
mod kind;
pub mod metadata;
pub mod status;

pub use kind::{ARCHIVE, HUB, PIECE, PLI, TELEDOSSIER};
pub use metadata::{Hash, Metadata};
pub use status::{LODGED, ReturnState, Status};
