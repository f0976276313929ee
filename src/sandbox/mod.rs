//! Where documents are opened: child processes of this same program, kept warm, under limits.
//!
//! | file | what it holds |
//! |---|---|
//! | [`pool`] | the children that wait, and the way of one inspection: [`Pool`] is the domain's `Sandbox` |
//! | `warm` | one child seen from the parent: ask, stream, answer, or how it died |
//! | `spawner` | the thread that starts children and must outlive them |
//! | [`child`] | the child's own main: confine, then answer questions until the parent goes |
//! | `confine` | what a child takes away from itself before it sees the first document |
//! | `protocol` | frames on the two pipes |
//!
//! **The way of an inspection.** A seat is taken (as many as children), an idle child too, or a new one is started. The
//! question and the document's bytes go down its stdin as they come from the store, never to a file; the answer comes up
//! its stdout. The child returns to the idle ones, unless it has served its number of documents.
//!
//! **What a document can do.** Take too much memory or stack: its child dies. Loop: the parent kills the child at the
//! deadline, or the system at its end of processor time. Both are [`Inspection::Exceeded`]. A child that is ready and gets no
//! processor is waited for: it takes only what nobody else wants, and load is no property of a document. A child killed by somebody else (an operator, the kernel for want of
//! memory) is no verdict on the document: it is put to a second child, once.
//!
//! **What a child cannot do.** It has nothing of our environment, no file descriptor but its three pipes and may open none, writes no
//! file, starts no process, gains no privilege, dumps no core, and dies with its parent.
//!
//! To add an inspector, see `domain::processing`; nothing changes here.
//!
//! [`Inspection::Exceeded`]: crate::domain::processing::Inspection::Exceeded

pub mod child;
mod confine;
pub mod pool;
mod protocol;
mod spawner;
mod warm;

pub use child::child_main;
pub use pool::{Pool, Settings};

/// The hidden subcommand under which `main` calls [`child_main`].
pub const SUBCOMMAND: &str = "inspect-child";
