//! Archives: many pieces in one file, those of one dossier or of several (ARC-1 to ARC-6), plis included (PAP-1).
//!
//! | file | what it gives |
//! |---|---|
//! | [`manifest`] | what an archive says of itself: `manifest.json`, or the same in XML (ARC-4, PAP-3) |
//! | [`check`] | an archive held against its manifest and the project's rules, every fault at once |
//! | [`pack`] | a folder made an archive, its manifest completed |
//! | [`lines`] | the connections to the depots, shared by all that is done there |
//! | [`reception`] | archives on their way in: poll, take, check, stage, flip, receipt |
//! | `rest` | whether a file stands still from one look to the next |
//! | `strangers` | files of a monitor's spool that no flow takes |
//! | [`view`], [`lying`] | archives, and what lies on a depot, as the operator sees them |
//! | [`kept`] | what is kept, sealed, of an archive, its dossiers and its pieces |
//!
//! What may be wrong has a code of its own ([`crate::codec::FindingCode`]): of the archive itself, and then it is refused
//! whole, or of one piece, and then the project says whether the others are taken.

pub mod check;
pub mod kept;
pub mod lines;
pub mod lying;
pub mod manifest;
pub mod pack;
pub mod reception;
mod rest;
pub mod sending;
mod strangers;
pub mod view;

pub use check::{Checked, CheckedFile, Flaw, PieceAt, Rules};
pub use lines::Lines;
pub use manifest::Manifest;
