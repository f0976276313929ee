//! The inspection: does the store hold what the database says, does the database hold what the receipts promise, and is the
//! journal whole? It reads, and changes nothing, while the gateway runs or when it is stopped.
//!
//! | file | what it looks at |
//! |---|---|
//! | [`exchanges`] | each exchange: its keys, metadata, natural key and receipt, and the rows that must be beside it |
//! | `archives` | the receipts of archives |
//! | `hubee` | télédossiers: what is sealed of them, and its rows |
//! | [`blobs`] | each document's blob, read to its last byte; and each blob, that a document names it |
//! | [`healed`] | damage that was met while reading, looked at again by a worker: its incident ends here |
//! | `keys` | what opens an exchange |
//! | [`report`] | what a difference is called, what it is about and what to do |
//!
//! All of it goes by pages, so that its memory does not grow with the house. To add a check: a statement in
//! `storage::inspection`, or a function in one of these files, and a [`Difference`] that says what to do.

mod archives;
pub mod blobs;
pub mod exchanges;
pub mod healed;
mod hubee;
mod keys;
pub mod report;

pub use report::{Difference, Finding, Report};

use super::{Context, journal::sequencer};
use crate::{
    kernel::fault::{Code, Result},
    storage::inspection,
};

/// What the inspection is looking at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Exchanges and what stands beside them.
    Exchanges,
    /// Documents and their blobs.
    Documents,
    /// Blobs and their documents.
    Blobs,
    /// The journal's chain.
    Journal,
}

/// Told how far the inspection is.
pub trait Progress: Sync {
    /// A stage of about `total` steps begins.
    fn begin(&self, stage: Stage, total: u64);
    /// `steps` more are done.
    fn advance(&self, steps: u64);
}

/// How to inspect.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Look at the blobs' presence, length and header only, instead of reading them.
    pub quick: bool,
    /// The certificates (PEM) from which the trust in receipts starts, any of them being enough.
    pub trusted: Vec<u8>,
}

/// Inspects the house. Fails only where it cannot: database away (`unavailable`), certificates that do not read (`usage`).
pub async fn examine(ctx: &Context, options: &Options, progress: &dyn Progress) -> Result<Report> {
    let mut report = Report::default();
    let (exchanges, documents) = ctx.store.read(inspection::counts).await?;
    progress.begin(Stage::Exchanges, exchanges);
    exchanges::examine(ctx, &options.trusted, progress, &mut report).await?;
    progress.begin(Stage::Documents, documents);
    blobs::of_documents(ctx, options.quick, progress, &mut report).await?;
    progress.begin(Stage::Blobs, documents);
    blobs::without_document(ctx, progress, &mut report).await?;
    progress.begin(Stage::Journal, 1);
    chain(ctx, &mut report).await?;
    progress.advance(1);
    Ok(report)
}

async fn chain(ctx: &Context, report: &mut Report) -> Result<()> {
    match sequencer::check(&ctx.store).await {
        Ok((length, _)) => report.entries = length,
        Err(fault) if fault.code() == Code::Corrupt => {
            report.add(Difference::JournalBroken, "journal", fault.detail());
        }
        Err(fault) => return Err(fault),
    }
    Ok(())
}
