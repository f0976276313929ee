//! Depots: places where files are exchanged with partners, each behind the same few verbs.
//!
//! | file | gives |
//! |---|---|
//! | [`cft`] | Axway's Transfer CFT, by spool and command |
//! | [`folder`] | a local or mounted directory |
//! | [`ftps`] | an FTP server over TLS |
//! | [`sftp`] | an SSH server |
//! | [`mod@line`] | a connection that is made when it is needed and made again when it was cut |
//! | [`mod@upload`] | a file sent so that nobody sees it before it is whole; taken up again after a cut |
//! | [`mod@download`] | a file read, taken up again after a cut if it is still the same |
//! | [`net`], [`pace`] | connections within a deadline; how slow a transfer may be |
//! | [`path`] | names and folders of a depot |
//! | [`plain`] | files of this machine where others write, too |
//! | [`check`] | whether a depot is as its settings say |
//!
//! All of it blocks: call it from a thread that may wait (`tokio::task::spawn_blocking`). Every wait has a deadline: a server
//! that falls silent is left after the depot's `timeout`, 40 s at most, and one that trickles is left too ([`pace`]). A
//! [`Session`] that failed with `transfer-cut` or `depot-unreachable` is of no more use: drop it, or use a [`line::Line`].
//!
//! To add a transport: a file with a `connect` that answers a [`Session`], an arm in [`connect`], its settings in
//! `config::depots`; then the tests of `tests/it/depots`, which run the same sentences on each.

pub mod cft;
pub mod check;
pub mod download;
pub mod folder;
pub mod ftps;
pub mod line;
pub mod net;
pub mod pace;
pub mod path;
pub mod plain;
pub mod sftp;
pub mod upload;

use std::io::{Read, Seek};

pub use download::{download, download_over};
pub use line::Line;
pub use upload::{Uploaded, upload, upload_over};

use crate::{
    config::{Depot, depots::Transport},
    kernel::{clock::Clock, fault::Result},
};

/// The most files of one folder that are listed.
pub const MOST_LISTED: usize = 100_000;

/// A file of a depot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name, without its folder.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in microseconds since 1970, as exactly as the server tells it (SFTP: whole seconds).
    pub modified: i64,
}

/// Takes what was read, piece by piece; its fault ends the reading, and is answered as it is.
pub type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<()>;

/// What can be read from any place.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// A connection to a depot. Paths are the depot's: `/` between their parts, from its root.
///
/// Faults: `transfer-cut` (the connection is lost), `depot-unreachable` (it is silent), `depot-denied`, `depot-full`,
/// `depot-file-missing`, `depot-file-exists`, `depot-refused`; after any but the first two the session goes on.
pub trait Session: Send {
    /// The plain files of a folder, in no order, [`MOST_LISTED`] at most. Hidden ones (`.name`) are left out, ours on their way
    /// among them, and so are names that are not UTF-8. Fails with `depot-file-missing` where there is no such folder.
    fn list(&mut self, folder: &str) -> Result<Vec<Listed>>;

    /// A plain file, hidden or not; `None` where there is nothing of that name, or something else than a plain file.
    fn stat(&mut self, path: &str) -> Result<Option<Listed>>;

    /// Reads a file from byte `from` to its end, with many requests in flight; answers how many bytes went to `sink`.
    fn read(&mut self, path: &str, from: u64, sink: Sink<'_>) -> Result<u64>;

    /// Writes what `source` still gives at byte `from`: 0 makes the file, or makes it anew; else it must have that many bytes.
    /// Answers how many bytes were written. A fault of `source` is `internal`.
    fn write(&mut self, path: &str, from: u64, source: &mut dyn Read) -> Result<u64>;

    /// Gives a file another name, in another folder perhaps, and never that of another file (`depot-file-exists`).
    fn rename(&mut self, from: &str, to: &str) -> Result<()>;

    /// Removes a file. Fails with `depot-file-missing` where there is none.
    fn remove(&mut self, path: &str) -> Result<()>;

    /// What the two ends agreed on (names and values), for an operator's eyes: algorithms, keys, versions.
    fn agreed(&self) -> Vec<(String, String)>;

    /// What the other end calls a file's transfer, names and values, where it calls it something (CFT: `part`, `idf`, `idtu`,
    /// `ida`): to be kept with what the file becomes.
    fn about(&mut self, path: &str) -> Result<Vec<(String, String)>> {
        let _ = path;
        Ok(Vec::new())
    }

    /// Leaves a file of this hidden name in a folder, renames and removes it: tells whether a delivery there can work.
    fn probe(&mut self, folder: &str, name: &str) -> Result<()> {
        check::probe(self, folder, name)
    }

    /// Whether the next verb may still find the other end, as far as can be told without asking it.
    fn is_open(&self) -> bool {
        true
    }
}

/// Opens a connection to a depot and logs in.
///
/// Fails with `depot-unreachable`, `host-key-refused`, `depot-certificate-refused`, `depot-insecure`, `depot-login-refused`,
/// or `configuration` where a file of its settings cannot be read any more.
pub fn connect(depot: &Depot, clock: &Clock) -> Result<Box<dyn Session>> {
    match &depot.transport {
        Transport::Cft(settings) => Ok(Box::new(cft::connect(settings, depot.timeout, clock)?)),
        Transport::Ftps(settings) => Ok(Box::new(ftps::connect(settings, depot.timeout, clock)?)),
        Transport::Folder(folder) => Ok(Box::new(folder::open(folder)?)),
        Transport::Sftp(settings) => Ok(Box::new(sftp::connect(settings, depot.timeout)?)),
    }
}

#[cfg(test)]
mod tests;
