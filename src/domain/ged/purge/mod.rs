//! The purge: what has outlived its term is destroyed, its ids, digests, sizes and dates stay (ARC-5, PAP-2).
//!
//! | file | what it does |
//! |---|---|
//! | [`guard`] | refuses a clock that cannot be believed |
//! | [`lease`] | one purge at a time, and none while a backup is made |
//! | [`survey`] | what is due, and what is kept although its term is over, and why |
//! | [`batch`] | destroys a few hundred exchanges in one transaction |
//! | `slices` | empties what a large archive has beside |
//! | [`removal`] | removes the blobs of what was destroyed, and keeps the ledger |
//! | [`ledger`] | the ids of what was purged, beside the database: what a restoration purges again |
//! | [`account`] | what is kept of a run: its row and its entry in the journal |
//! | [`daily`] | the run of each night |
//!
//! **The way of a run.** The lease `purge` is taken; the clock is judged; project after project, what was acknowledged
//! before the term's cutoff is walked in batches: one transaction empties the sealed columns, drops the wrapped keys, the
//! results and the natural key, writes the journal's entry and queues the blobs. Beside that the blobs' files go, and their
//! folders are synced. Last, the daily keys that nothing uses any more are destroyed ([`crate::domain::ged::unused`]) and the
//! database gives up its dead bytes (`Store::scrub`).
//!
//! **Never purged**: what nobody acknowledged, what is on legal hold, what an open incident is about, what work waits for.
//! A batch asks again within its own transaction.
//!
//! **A run that dies** leaves whole exchanges purged or not, and has its end written when the next one begins; blobs that
//! were queued go at the next start of a worker, and what was left to empty of large archives with the next run.

pub mod account;
pub mod batch;
pub mod daily;
pub mod guard;
pub mod lease;
pub mod ledger;
pub mod removal;
mod slices;
pub mod survey;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use self::{batch::Batch, survey::KeptBack};
use super::unused;
use crate::{
    config::Project,
    domain::Context,
    kernel::fault::Result,
    storage::{
        purges::Sums,
        retention::{self, START},
    },
};

/// How many exchanges one transaction destroys: other writers of SQLite wait for it, some tens of milliseconds.
const BATCH: u32 = 250;
/// How many documents, unless a single exchange has more.
const DOCUMENTS: u64 = 5000;

/// Who orders a purge, and how.
#[derive(Clone, Debug)]
pub struct Order {
    /// The operator, or `navette` by the clock.
    pub by: String,
    /// Why, where an operator orders it.
    pub reason: Option<String>,
    /// Whether the operator vouches for the clock.
    pub confirm_clock: bool,
    /// Whether the database's files are written anew afterwards, while everybody else waits.
    pub rewrite: bool,
}

/// What a run did, or what one would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The run; nothing where none was made.
    pub run_id: Option<Uuid>,
    /// When it began.
    pub at: Timestamp,
    /// Exchanges purged (or due).
    pub exchanges: u64,
    /// Their documents.
    pub documents: u64,
    /// The documents' bytes.
    pub bytes: u64,
    /// The same exchanges by project.
    pub projects: BTreeMap<String, u64>,
    /// Daily keys destroyed.
    pub keys_destroyed: u64,
    /// Blobs whose files could not be removed yet; they are tried again.
    pub blobs_left: u64,
    /// Whether the database gave up its dead bytes at once.
    pub scrubbed: bool,
    /// How many exchanges are kept although their term is over, or would be for too long.
    pub kept_back_count: u64,
    /// The first thousand of them.
    pub kept_back: Vec<KeptBack>,
}

impl Report {
    /// A report of nothing, yet.
    pub fn new(run_id: Option<Uuid>, at: Timestamp) -> Self {
        Self {
            run_id,
            at,
            exchanges: 0,
            documents: 0,
            bytes: 0,
            projects: BTreeMap::new(),
            keys_destroyed: 0,
            blobs_left: 0,
            scrubbed: false,
            kept_back_count: 0,
            kept_back: Vec::new(),
        }
    }

    fn sums(&self) -> Sums {
        Sums {
            exchanges: self.exchanges,
            documents: self.documents,
            bytes: self.bytes,
            keys_destroyed: self.keys_destroyed,
            kept_back: self.kept_back_count,
        }
    }
}

/// A run in progress.
#[derive(Clone, Copy)]
pub struct Run {
    /// Its id, and its lease's token.
    pub id: Uuid,
    /// The instant that all its terms are measured at.
    pub at: Timestamp,
}

/// Destroys what is due. Fails with `unavailable` while another purge or a backup runs, with `clock-untrusted` where the
/// clock cannot be believed and nobody vouches for it.
pub async fn run(ctx: &Context, order: &Order) -> Result<Report> {
    let run = Run {
        id: ctx.entropy.uuid(&ctx.clock)?,
        at: ctx.clock.now(),
    };
    let mut report = Report::new(Some(run.id), run.at);
    let done = lease::held(ctx, run.id, guarded(ctx, order, run, &mut report)).await;
    if let Err(fault) = &done {
        account::cut_short(ctx, order, run, &report, fault).await;
    }
    done.map(|()| report)
}

async fn guarded(ctx: &Context, order: &Order, run: Run, report: &mut Report) -> Result<()> {
    guard::believe(ctx, order.confirm_clock).await?;
    account::begin(ctx, order, run).await?;
    let purged = all(ctx, order, run, report).await;
    let ended = account::end(ctx, order, run, report, purged.as_ref().err()).await;
    purged.and(ended)
}

/// Everything that is due, then the keys, then the dead bytes.
async fn all(ctx: &Context, order: &Order, run: Run, report: &mut Report) -> Result<()> {
    let (removals, worth_it) = removal::beside(ctx);
    let (destroyed, ()) = tokio::join!(every_project(ctx, run, report, worth_it), removals);
    destroyed?;
    survey::told(ctx, run.at, report).await?;
    report.blobs_left = removal::drain(ctx).await?;
    report.keys_destroyed = unused::destroy(ctx, run.at).await?;
    report.scrubbed = ctx.store.scrub(&retention::TABLES, order.rewrite).await?;
    Ok(())
}

/// Project after project, while the blobs of what is destroyed are removed beside.
async fn every_project(
    ctx: &Context,
    run: Run,
    report: &mut Report,
    worth_it: removal::Bell,
) -> Result<()> {
    slices::empty(ctx, run).await?;
    for project in ctx.config.projects.values() {
        one_project(ctx, run, project, report, &worth_it).await?;
    }
    Ok(())
}

async fn one_project(
    ctx: &Context,
    run: Run,
    project: &Project,
    report: &mut Report,
    worth_it: &removal::Bell,
) -> Result<()> {
    let cutoff = project.retention.cutoff(run.at);
    let (mut place, name) = (START, &project.name);
    let mut drained_at = report.documents;
    loop {
        let wanted = name.clone();
        let page = ctx
            .store
            .read(move |tx| retention::due(tx, &wanted, cutoff, place, BATCH));
        let page = light(page.await?);
        let Some(last) = page.last().map(retention::Due::place) else {
            return Ok(());
        };
        for due in page.iter().filter(|due| due.kept.any()) {
            report.keep_back(KeptBack::of_due(name, due));
        }
        let batch = Batch::prepare(ctx, run, project, cutoff, (place, last), page).await?;
        batch.destroy(ctx, report).await?;
        if report.documents - drained_at >= removal::WORTH_A_SYNC {
            worth_it.ring();
            drained_at = report.documents;
        }
        place = last;
    }
}

/// As much of a page as one transaction may destroy: archives have many documents. One exchange goes whatever it has.
fn light(mut page: Vec<retention::Due>) -> Vec<retention::Due> {
    let mut documents = 0;
    let fits = page.iter().take_while(|due| {
        documents += due.documents;
        documents <= DOCUMENTS
    });
    let fits = fits.count().max(1);
    page.truncate(fits);
    page
}
