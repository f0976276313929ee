//! The batches of each day: what is due is activated, told, purged, archived, deleted (R52, R60 to R62).
//!
//! | file | what it does |
//! |---|---|
//! | [`purge`] | contents that no recipient needs any more (R60) |
//! | [`archive`] | folders that are closed for long enough (R61) |
//! | [`delete`] | folders that are archived for long enough: only counts stay (R61) |
//! | [`walk`] | the walk over folders that these two share |
//! | [`report`] | what each run did, with ids (R62) |
//! | [`daily`] | the runs by the clock |
//!
//! **The way of a run.** The purge's lease is taken and the clock judged, as by the purge of projects
//! ([`crate::domain::ged::purge`]): what destroys for good never goes by a clock that cannot be believed, nor beside a
//! backup. A line of `hub_report` is begun; candidates are walked in batches, each one transaction with the journal's
//! entries, the queued blobs and the part of the report that names its ids, so that a run that dies has told what it did. Then the
//! blobs go, and the report is ended. What is on legal hold, or what an open incident is about, is kept and told.
//!
//! To add a batch: a variant of [`Batch`], its file, its arm in `of`, its hour in [`daily`], its command in `cli::hubee`.

pub mod archive;
pub mod daily;
pub mod delete;
pub mod purge;
pub mod report;
mod walk;

pub use report::{Item, Report};

use crate::{
    domain::{
        Context,
        exchanges::status::words,
        ged::{
            purge::{Run, guard, lease, removal},
            unused,
        },
        hubee::{activation, mails},
    },
    kernel::fault::{Fault, Result},
    storage::retention,
};

/// How many candidates one transaction takes: other writers of SQLite wait for it.
const PAGE: u32 = 200;

words! {
    /// A batch.
    Batch {
        /// Contents that no recipient needs any more are destroyed (R60).
        Purge = "purge",
        /// Folders that are closed for long enough are archived (R61).
        Archive = "archive",
        /// Folders that are archived for long enough are deleted (R61).
        Delete = "delete",
        /// Subscriptions whose day has come become active (R52).
        Activate = "activate",
        /// Subscribers of daily frequency are told of their day (R52).
        Digest = "digest",
    }
}

impl Batch {
    /// Whether it destroys something.
    fn destroys(self) -> bool {
        matches!(self, Self::Purge | Self::Archive | Self::Delete)
    }
}

/// A run of a batch, or the rehearsal of one.
pub struct Work<'c> {
    /// The house.
    pub ctx: &'c Context,
    /// Its id and its instant.
    pub run: Run,
    /// Who runs it.
    pub by: String,
    /// Whether nothing is changed.
    pub dry: bool,
    /// What it came to so far.
    pub report: Report,
}

/// Runs a batch in the name of `by`: an operator, or `navette` by the clock. Fails with `unavailable` while another run, a
/// purge or a backup goes on, with `clock-untrusted` where the clock cannot be believed.
pub async fn run(ctx: &Context, batch: Batch, by: &str) -> Result<Report> {
    let run = Run {
        id: ctx.entropy.uuid(&ctx.clock)?,
        at: ctx.clock.now(),
    };
    match batch.destroys() {
        true => lease::held(ctx, run.id, guarded(ctx, batch, by, run)).await,
        false => recorded(ctx, batch, by, run).await,
    }
}

/// What a run would do now; nothing is changed, and no report is kept.
pub async fn dry_run(ctx: &Context, batch: Batch) -> Result<Report> {
    let run = Run {
        id: uuid::Uuid::nil(),
        at: ctx.clock.now(),
    };
    let mut work = Work {
        ctx,
        run,
        by: String::new(),
        dry: true,
        report: Report::new(batch, None, run.at),
    };
    of(&mut work, batch).await?;
    Ok(work.report)
}

async fn guarded(ctx: &Context, batch: Batch, by: &str, run: Run) -> Result<Report> {
    guard::believe(ctx, false).await?;
    recorded(ctx, batch, by, run).await
}

/// The run between the two ends of its report.
async fn recorded(ctx: &Context, batch: Batch, by: &str, run: Run) -> Result<Report> {
    let mut work = Work {
        ctx,
        run,
        by: by.to_owned(),
        dry: false,
        report: Report::new(batch, Some(run.id), run.at),
    };
    report::begin(ctx, &work.report, by).await?;
    let done = of(&mut work, batch).await;
    let ended = report::end(ctx, &work.report, by, done.as_ref().err()).await;
    done.and(ended)?;
    Ok(work.report)
}

async fn of(work: &mut Work<'_>, batch: Batch) -> Result<()> {
    match batch {
        Batch::Purge => purge::work(work).await?,
        Batch::Archive => walk::walk::<archive::Archive>(work).await?,
        Batch::Delete => walk::walk::<delete::Delete>(work).await?,
        Batch::Activate => activate(work).await?,
        Batch::Digest => digest(work).await?,
    }
    match batch.destroys() && !work.dry {
        true => swept(work, batch).await,
        false => Ok(()),
    }
}

/// What follows a destruction: files, dead rows, keys of days of which nothing is left, dead bytes.
async fn swept(work: &mut Work<'_>, batch: Batch) -> Result<()> {
    let ctx = work.ctx;
    work.report.blobs_left = removal::drain(ctx).await?;
    if batch == Batch::Delete {
        delete::bury(ctx, work.run).await?;
        work.report.keys_destroyed = unused::destroy(ctx, work.run.at).await?;
    }
    if !work.report.is_empty() {
        ctx.store.scrub(&retention::TABLES, false).await?;
    }
    Ok(())
}

async fn activate(work: &mut Work<'_>) -> Result<()> {
    let ids = activation::run(work.ctx, &work.by, work.dry).await?;
    work.report.subscriptions += ids.len() as u64;
    let items: Vec<Item> = ids.into_iter().map(Item::subscription).collect();
    work.tell(items).await
}

async fn digest(work: &mut Work<'_>) -> Result<()> {
    if !work.dry {
        work.report.subscriptions += mails::queue_digests(work.ctx).await?;
    }
    Ok(())
}
