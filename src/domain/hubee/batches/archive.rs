//! R61: a folder that is closed for `timeBeforeArchiving` days is archived with its cases, its contents destroyed; nothing
//! of it can be changed any more.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{Item, PAGE, Work, upto};
use crate::{
    domain::{
        exchanges::HUB,
        ged::purge::lease,
        hubee::process::Process,
        journal::{self, Kind, Subject},
    },
    kernel::{failpoint, fault::Result},
    storage::{
        Tx,
        hubee::{
            batches::{self, DueFolder, START},
            processes, reports,
        },
        journal::{EntryRow, append},
    },
};

/// Process after process.
pub async fn work(work: &mut Work<'_>) -> Result<()> {
    let all = work.ctx.store.read(|tx| processes::list(tx, None));
    for row in all.await? {
        let rules = Process::of(&row)?.rules;
        of_process(work, &row.code, rules.time_before_archiving).await?;
    }
    Ok(())
}

async fn of_process(work: &mut Work<'_>, code: &str, days: u32) -> Result<()> {
    let (upto, mut place) = (upto(work.run.at, days), START);
    loop {
        let name = code.to_owned();
        let page = work
            .ctx
            .store
            .read(move |tx| batches::closed(tx, &name, upto, place, PAGE))
            .await?;
        let Some(last) = page.last().map(DueFolder::place) else {
            return Ok(());
        };
        place = last;
        let free = super::free(work, page);
        of_folders(work, upto, free).await?;
    }
}

async fn of_folders(work: &mut Work<'_>, upto: Timestamp, free: Vec<DueFolder>) -> Result<()> {
    if free.is_empty() {
        return Ok(());
    }
    let done = match work.dry {
        true => free.iter().map(|folder| folder.id).collect(),
        false => archived(work, upto, &free).await?,
    };
    work.report.folders += done.len() as u64;
    work.report
        .took(done.into_iter().map(Item::folder).collect());
    Ok(())
}

async fn archived(work: &Work<'_>, upto: Timestamp, free: &[DueFolder]) -> Result<Vec<Uuid>> {
    let unit = Arc::new(Unit {
        run: work.run.id,
        now: work.run.at,
        upto,
        part: work.report.next_part(),
        entries: entries(work, free)?,
    });
    let clock = work.ctx.clock.clone();
    failpoint::hit("hub-archive.before-commit");
    let done = work
        .ctx
        .store
        .write(move |tx| unit.write(tx, clock.now()))
        .await?;
    failpoint::hit("hub-archive.after-commit");
    Ok(done)
}

/// What one transaction writes.
struct Unit {
    run: Uuid,
    now: Timestamp,
    upto: Timestamp,
    part: u32,
    entries: Vec<(Uuid, EntryRow)>,
}

impl Unit {
    fn write(&self, tx: &mut Tx<'_>, clock: Timestamp) -> Result<Vec<Uuid>> {
        lease::keep(tx, self.run, clock)?;
        let ids: Vec<Uuid> = self.entries.iter().map(|(id, _)| *id).collect();
        let done = batches::archive(tx, self.run, self.now, self.upto, &ids)?;
        let items: Vec<Item> = done.iter().copied().map(Item::folder).collect();
        reports::add(tx, self.run, self.part, &json!(items))?;
        let mut told = self.entries.iter().filter(|(id, _)| done.contains(id));
        told.try_for_each(|(_, entry)| append(tx, entry))?;
        Ok(done)
    }
}

fn entries(work: &Work<'_>, free: &[DueFolder]) -> Result<Vec<(Uuid, EntryRow)>> {
    let ctx = work.ctx;
    let entries = free.iter().map(|folder| {
        let subject = Subject {
            exchange_id: Some(folder.id),
            project: Some(HUB.to_owned()),
            owner: folder.owner.clone(),
        };
        let detail = json!({ "runId": work.run.id, "closedAt": folder.since });
        let entry = journal::entry(
            &ctx.clock,
            &ctx.entropy,
            Kind::FolderArchived,
            subject,
            detail,
        );
        Ok((folder.id, entry?))
    });
    entries.collect()
}
