//! Archives, read and written by our own rules: zip, tar, tar.gz, gz, each behind the same limits (ARC-2).
//!
//! # What it is for
//! An archive comes from outside, and lenient readers disagree about what it holds. So nothing here is lenient: the
//! structure is walked byte by byte, and what two readers may understand differently is refused, with every fault that
//! can be told at once. Nothing is ever unpacked to a path: a [`Directory`] says which bytes of the archive are which
//! file, and [`Entry::open`] reads them.
//!
//! # The way through
//! - [`Format::detect`] tells the format by content, never by name.
//! - [`unpack`] turns a gzip into its text (a plain tar, or the single file), one member and nothing after it.
//! - [`Directory::read`] walks a zip or a tar: structure, names, kinds of entries, declared sizes. What is not safe is a
//!   [`Refusal::Unsafe`] with its [`Finding`]s; a source that does not answer is a [`Refusal::Unreadable`] and says nothing
//!   of the archive.
//! - [`Entry::open`] reads one file, and fails by a [`Finding`] (see [`Finding::of`]) on a false size, a false checksum or
//!   bytes that inflate to something else.
//! - [`stream::Writer`] writes the three formats of several files; [`Writer`] does so from contents that are read, and a gz too.
//!
//! | file | what it gives |
//! |---|---|
//! | `format`, `limits`, `finding` | the words that all share |
//! | `names` | which names are safe, code pages, what counts as the same name |
//! | `window`, `source` | reading by seeking, cheaply; several readers of one archive |
//! | `directory`, `entry` | what is in there and where; reading it |
//! | `walk`; `zip/`, `tar/`, `gz` | the walk of any format; the walkers |
//! | [`stream`] | the other direction, without going back in what was written: into an encrypted blob |
//! | `write` | the same into a file, from contents that are read |
//!
//! # What holds
//! - Memory does not follow what an archive claims: nothing is allocated from a declared length before it was capped.
//! - Limits count bytes that were read. A declared size is only believed because reading holds the file to it.
//! - No clock, no path, no thread: everything works over `Read + Seek`.
//!
//! # How to add one
//! A format: a walker that answers entries, an arm in [`Format`], [`Directory::read`] and [`Writer`], a [`stream::Form`], hostile archives in
//! `tests/it/archives`, a fuzz target. A check: a line in [`FindingCode`], and an archive that fails by it.

mod directory;
mod entry;
mod finding;
mod format;
mod gz;
mod limits;
mod names;
mod source;
pub mod stream;
mod tar;
mod walk;
mod window;
mod write;
mod zip;

pub use directory::Directory;
pub(crate) use entry::Progress;
pub use entry::{Entry, EntryReader, Method, Place};
pub use finding::{Finding, FindingCode, Refusal};
pub use format::Format;
pub use gz::{Unpacked, unpack};
pub use limits::Limits;
pub use names::{CodePage, comparable, is_safe as is_safe_name};
pub use source::Source;
pub use window::Window;
pub use write::Writer;
