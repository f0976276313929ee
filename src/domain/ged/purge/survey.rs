//! What a purge would destroy, and what is kept although its term is over: the list that an operator acts on.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use super::{BATCH, Report};
use crate::{
    config::Project,
    domain::{
        Context,
        exchanges::{HUB, Status},
    },
    kernel::fault::{Fault, Result},
    storage::{
        overdue::{self, Overdue},
        retention::{self, Due, START},
    },
};

/// How many kept exchanges a report lists; the others are counted.
const LISTED: usize = 1000;
/// What an exchange may be while nobody has acknowledged it.
const UNACKNOWLEDGED: [Status; 6] = [
    Status::Received,
    Status::AwaitingScan,
    Status::Nonconforming,
    Status::Returned,
    Status::Undelivered,
    // Its receipt, which is its one return, does not leave.
    Status::Refused,
];
/// From how far ahead of the clock on an acknowledgment was dated by another one: more is no correction of a drift.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// An exchange that is kept although its term is over, or would be for too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptBack {
    /// The exchange; nothing for a project as a whole.
    pub reconciliation_id: Option<Uuid>,
    /// Its project.
    pub project: String,
    /// From when its term is counted: its acknowledgment, or its reception where there is none.
    pub since: Option<Timestamp>,
    /// Why: `hold`, `incident`, `work`; the status of what nobody has acknowledged (`received`, `awaiting-scan`, `nonconforming`,
    /// `returned`, `undelivered`, `refused`); `dated-ahead`; `project-not-configured`.
    pub reasons: Vec<&'static str>,
}

impl KeptBack {
    /// An acknowledged one that something keeps.
    pub fn of_due(project: &str, due: &Due) -> Self {
        let kept = due.kept;
        let reasons = [
            (kept.hold, "hold"),
            (kept.incident, "incident"),
            (kept.work, "work"),
        ];
        let reasons = reasons.into_iter().filter(|(holds, _)| *holds);
        Self {
            reconciliation_id: Some(due.exchange_id),
            project: project.to_owned(),
            since: Some(due.acknowledged_at),
            reasons: reasons.map(|(_, reason)| reason).collect(),
        }
    }
}

impl Report {
    /// Counts an exchange that is kept, and lists it where there is room.
    pub fn keep_back(&mut self, kept: KeptBack) {
        self.kept_back_count += 1;
        if self.kept_back.len() < LISTED {
            self.kept_back.push(kept);
        }
    }

    /// The same of some of a project, and of those beyond them that are counted alone.
    fn keep_all(
        &mut self,
        project: &str,
        reason: &'static str,
        (some, count): (Vec<Overdue>, u64),
    ) {
        self.kept_back_count += count.saturating_sub(some.len() as u64);
        for row in some {
            self.keep_back(KeptBack {
                reconciliation_id: Some(row.exchange_id),
                project: project.to_owned(),
                since: Some(row.since),
                reasons: vec![reason],
            });
        }
    }

    /// Counts one that is purged, or would be.
    pub fn take(&mut self, project: &str, due: &Due) {
        self.exchanges += 1;
        self.documents += due.documents;
        self.bytes += due.bytes;
        *self.projects.entry(project.to_owned()).or_default() += 1;
    }
}

/// What a purge would do now; nothing is changed.
pub async fn dry_run(ctx: &Context) -> Result<Report> {
    let at = ctx.clock.now();
    let mut report = Report::new(None, at);
    for project in ctx.config.projects.values() {
        of_project(ctx, project, at, &mut report).await?;
    }
    told(ctx, at, &mut report).await?;
    Ok(report)
}

async fn of_project(
    ctx: &Context,
    project: &Project,
    at: Timestamp,
    report: &mut Report,
) -> Result<()> {
    let cutoff = project.retention.cutoff(at);
    let mut place = START;
    loop {
        let name = project.name.clone();
        let page = ctx
            .store
            .read(move |tx| retention::due(tx, &name, cutoff, place, BATCH));
        let page = page.await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        place = last.place();
        for due in &page {
            match due.kept.any() {
                true => report.keep_back(KeptBack::of_due(&project.name, due)),
                false => report.take(&project.name, due),
            }
        }
    }
}

/// Adds what a purge does not come to by itself: what nobody has acknowledged within the term of its reception, what was
/// acknowledged by a clock that stood ahead, and the projects whose settings are gone.
pub async fn told(ctx: &Context, at: Timestamp, report: &mut Report) -> Result<()> {
    for project in ctx.config.projects.values() {
        for status in UNACKNOWLEDGED {
            unacknowledged(ctx, project, status, at, report).await?;
        }
        dated_ahead(ctx, project, at, report).await?;
    }
    without_settings(ctx, report).await
}

async fn unacknowledged(
    ctx: &Context,
    project: &Project,
    status: Status,
    at: Timestamp,
    report: &mut Report,
) -> Result<()> {
    let before = retention::first_id(project.retention.cutoff(at))?;
    let name = project.name.clone();
    let found = ctx
        .store
        .read(move |tx| overdue::unacknowledged(tx, &name, status.as_str(), before, LISTED as u32));
    report.keep_all(&project.name, status.as_str(), found.await?);
    Ok(())
}

/// By a clock that has jumped since, their terms would be over in years: nobody would come upon them.
async fn dated_ahead(
    ctx: &Context,
    project: &Project,
    at: Timestamp,
    report: &mut Report,
) -> Result<()> {
    let name = project.name.clone();
    let after = at.saturating_add(AHEAD).map_err(Fault::internal)?;
    let found = ctx
        .store
        .read(move |tx| overdue::acknowledged_after(tx, &name, after, LISTED as u32));
    report.keep_all(&project.name, "dated-ahead", found.await?);
    Ok(())
}

/// Nobody knows the term of a project whose file was taken away: what it keeps stays, and is told.
async fn without_settings(ctx: &Context, report: &mut Report) -> Result<()> {
    let known = ctx.store.read(retention::projects).await?;
    let gone = known
        .into_iter()
        // The hub's own batches forget what it keeps.
        .filter(|(name, keeps)| *keeps && name != HUB && !ctx.config.projects.contains_key(name));
    for (project, _) in gone {
        report.keep_back(KeptBack {
            reconciliation_id: None,
            project,
            since: None,
            reasons: vec!["project-not-configured"],
        });
    }
    Ok(())
}
