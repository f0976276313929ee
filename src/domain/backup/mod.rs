//! Backups: the house as it was at one instant, made while it runs; and its restoration.
//!
//! | file | what it does |
//! |---|---|
//! | [`make`] | rows of one instant, then the blobs that they name, then the daily keys, then the hash list |
//! | [`rows`] | a table as lines of JSON, there and back |
//! | [`keys`] | the daily keys, in it or apart, and the ledger of purges |
//! | [`files`] | copies with their digests, the hash list, syncs |
//! | [`check`] | whether a backup is whole: its list, every file, its counts |
//! | [`restore`] | puts all back, and only then lets the house be served |
//! | [`missing`] | the daily keys that are not there, and what of them a purge has destroyed |
//! | [`replay`] | purges again, before that, what was purged since the backup was made |
//!
//! # What lies in a backup
//! `manifest.json` (engine, schema, date, counts), `rows/<table>.jsonl`, `blobs/<id>`, `keys/<id>.key`, and, written last,
//! `SHA256SUMS` over all of them, as `sha256sum -c` reads it: a folder without it is no backup. Blobs, sealed columns and
//! keys are encrypted as in the house; settings and the master key are not in it.
//!
//! # What a purge does to older backups
//! The wrapped keys in `rows/` open under the daily keys only. Where these go to a folder of their own (`--keys`), which
//! each backup brings to the newest state and which is kept in that state only, whatever was purged since is unreadable in
//! every backup, for the key of its day is gone. There goes only what this house's database says that it destroyed: keys that
//! it does not know, such as another house's, are left and told. Where they lie in the backup itself, it is readable for as long as its
//! `keys/` is kept.
//!
//! # How it is consistent
//! Rows are read in one transaction of the database's own snapshot. A blob is there before its row and goes after it, and
//! the purge's lease is held meanwhile, so that every blob of the snapshot is there to be copied.

pub mod check;
pub mod files;
pub mod keys;
pub mod make;
pub mod missing;
pub mod replay;
pub mod restore;
pub mod rows;

use serde::{Deserialize, Serialize};

/// The version of the layout.
pub const VERSION: u32 = 1;
/// The hash list: what makes a folder a backup.
pub const SUMS: &str = "SHA256SUMS";
/// The description.
pub const MANIFEST: &str = "manifest.json";
/// The folder of the tables.
pub const ROWS: &str = "rows";
/// The folder of the blobs.
pub const BLOBS: &str = "blobs";
/// The folder of the daily keys, where they are in the backup.
pub const KEYS: &str = "keys";
/// The folder of the ledger of purges, beside keys that are kept apart.
pub const PURGES: &str = "purges";

/// How many files are copied, checked or put back at once.
const AT_ONCE: usize = 4;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The layout's version.
    pub version: u32,
    /// `sqlite` or `postgres`: rows go back to the same engine.
    pub engine: String,
    /// The environment that it is of.
    pub environment: String,
    /// When its rows were read.
    pub made_at: jiff::Timestamp,
    /// Version and digest of each migration.
    pub schema: Vec<(i64, String)>,
    /// Rows, of all tables together.
    pub rows: u64,
    /// Blobs.
    pub blobs: u64,
    /// Daily keys, here or apart.
    pub keys: u64,
    /// Whether the keys are in the backup itself.
    pub keys_inside: bool,
}

/// The engine as a manifest names it.
pub fn engine_name(engine: crate::storage::Engine) -> &'static str {
    match engine {
        crate::storage::Engine::Sqlite => "sqlite",
        crate::storage::Engine::Postgres => "postgres",
    }
}
