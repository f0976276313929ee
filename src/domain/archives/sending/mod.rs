//! The return of an archive: its pieces processed, the one return made and held to what was agreed, then left on a depot or
//! posted, and its acknowledgment awaited (ARC-6, TRC-1, TRC-3, PAP-1).
//!
//! | file | what it does |
//! |---|---|
//! | [`process`] | the work of a `process-archive` job: some pieces at a time, by the processors of unit pieces |
//! | `bench` | one piece: its files opened, what was found and made of them |
//! | `looked` | a file that its project wants looked at only since: looked at before it is opened |
//! | [`worked`] | what is kept of it, sealed |
//! | `walk` | the accepted pieces with their results, a page at a time |
//! | [`document`] | the return as JSON: its head, and an entry for each piece |
//! | `text` | its bytes, one part after the other, each piece held to what was agreed |
//! | `making` | all pieces processed: the return made, held to the schema, kept and queued; or the exchange held |
//! | [`packing`] | the return archive as a sealed blob, in constant memory |
//! | [`outlet`] | the depot's flow by which a return leaves, and its file's name there |
//! | [`send`] | the work of a `send-return` job: one try to leave it there |
//! | `sent` | what follows from it: awaited, later, or given up |
//! | [`overdue`] | the work of an `await-acknowledgment` job: whether it came in time |
//! | [`acknowledgment`] | a partner's file of acknowledgment: read, verified, kept |
//! | [`collect`], `collected` | what lies in a flow of acknowledgments, one after the other; read, and sent away once it is kept |
//! | `unfit` | what lies there and is none: told, until it is gone |
//!
//! *One return*: `return_once`, as for a piece. A slice of pieces is settled in the transaction that hands the job back, so a
//! worker that lost its lease writes nothing and a restart goes on where it was.

pub mod acknowledgment;
mod bench;
pub mod collect;
mod collected;
pub mod document;
mod looked;
mod making;
pub mod outlet;
pub mod overdue;
pub mod packing;
pub mod process;
pub mod send;
mod sent;
mod text;
mod unfit;
mod walk;
pub mod worked;
