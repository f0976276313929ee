//! The walk over folders whose time has come, which archiving and deletion share: process after process, page after page. What
//! something keeps is told; the rest is done, or in a rehearsal only named.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Item, PAGE, Work};
use crate::{
    domain::{
        exchanges::HUB,
        hubee::process::{Process, Rules},
        journal::{self, Kind, Subject},
    },
    kernel::fault::Result,
    storage::{
        Tx,
        hubee::{
            batches::{DueFolder, Place, START},
            processes,
        },
        journal::EntryRow,
    },
};

/// What a batch does with folders whose time has come.
pub trait Step: 'static {
    /// How many days a process waits for it.
    fn days(rules: &Rules) -> u32;

    /// At most `limit` folders of a process that wait for it since `upto` or before, from after `place`.
    fn due(
        tx: &mut Tx<'_>,
        process: &str,
        upto: Timestamp,
        place: Place,
        limit: u32,
    ) -> Result<Vec<DueFolder>>;

    /// Does it in one transaction; answers the folders that were still due then.
    fn act(
        work: &Work<'_>,
        process: &Process,
        upto: Timestamp,
        free: &[DueFolder],
    ) -> impl Future<Output = Result<Vec<Uuid>>> + Send;
}

/// Process after process.
pub async fn walk<S: Step>(work: &mut Work<'_>) -> Result<()> {
    let all = work.ctx.store.read(|tx| processes::list(tx, None));
    for row in all.await? {
        of_process::<S>(work, &Process::of(&row)?).await?;
    }
    Ok(())
}

async fn of_process<S: Step>(work: &mut Work<'_>, process: &Process) -> Result<()> {
    let (upto, mut place) = (upto(work.run.at, S::days(process)), START);
    loop {
        let name = process.code.clone();
        let page = work
            .ctx
            .store
            .read(move |tx| S::due(tx, &name, upto, place, PAGE))
            .await?;
        let Some(last) = page.last().map(DueFolder::place) else {
            return Ok(());
        };
        place = last;
        let free = free(work, page);
        of_folders::<S>(work, process, upto, free).await?;
    }
}

async fn of_folders<S: Step>(
    work: &mut Work<'_>,
    process: &Process,
    upto: Timestamp,
    free: Vec<DueFolder>,
) -> Result<()> {
    if free.is_empty() {
        return Ok(());
    }
    let done = match work.dry {
        true => free.iter().map(|folder| folder.id).collect(),
        false => S::act(work, process, upto, &free).await?,
    };
    work.report.folders += done.len() as u64;
    work.report
        .took(done.into_iter().map(Item::folder).collect());
    Ok(())
}

/// What nothing keeps of a page; what is kept is told.
fn free(work: &mut Work<'_>, page: Vec<DueFolder>) -> Vec<DueFolder> {
    let (kept, free): (Vec<_>, Vec<_>) = page.into_iter().partition(|due| due.kept.any());
    for due in kept {
        work.report.keep_back(due.id, due.kept);
    }
    free
}

/// The last instant at which what is due after `days` days began.
fn upto(now: Timestamp, days: u32) -> Timestamp {
    let term = SignedDuration::from_hours(24 * i64::from(days));
    now.checked_sub(term).unwrap_or(Timestamp::MIN)
}

/// The journal's entry of what was done with a folder.
pub fn entry(work: &Work<'_>, folder: &DueFolder, kind: Kind, detail: Json) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: Some(folder.id),
        project: Some(HUB.to_owned()),
        owner: folder.owner.clone(),
    };
    journal::entry(&work.ctx.clock, &work.ctx.entropy, kind, subject, detail)
}
