//! R60: contents whose links are all over their date are destroyed; attachment and links become `DELETED`, metadata stay.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;
use uuid::Uuid;

use super::{Item, PAGE, Work};
use crate::{
    domain::{
        exchanges::HUB,
        ged::purge::lease,
        journal::{self, Kind, Subject},
    },
    kernel::{failpoint, fault::Result},
    storage::{
        Tx,
        hubee::{
            batches::{self, DueFile, START},
            reports,
        },
        journal::{EntryRow, append},
    },
};

/// How often a batch is made anew because a case was reopened meanwhile; then it is left to the next run.
const TRIES: u32 = 3;

/// Walks the links that are over their date.
pub async fn work(work: &mut Work<'_>) -> Result<()> {
    let (now, mut place) = (work.run.at, START);
    loop {
        let page = work
            .ctx
            .store
            .read(move |tx| batches::due_links(tx, now, place, PAGE))
            .await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        place = *last;
        let mut ids: Vec<Uuid> = page.into_iter().map(|(_, id)| id).collect();
        ids.sort();
        ids.dedup();
        of_page(work, Arc::new(ids)).await?;
    }
}

async fn of_page(work: &mut Work<'_>, ids: Arc<Vec<Uuid>>) -> Result<()> {
    for _ in 0..TRIES {
        let (now, wanted) = (work.run.at, ids.clone());
        let known = work
            .ctx
            .store
            .read(move |tx| batches::files(tx, now, &wanted))
            .await?;
        let due: Vec<DueFile> = known.into_iter().filter(|file| !file.wanted).collect();
        for file in due.iter().filter(|file| file.kept.any()) {
            work.report.keep_back(file.folder_id, file.kept);
        }
        let free: Vec<DueFile> = due.into_iter().filter(|file| !file.kept.any()).collect();
        if free.is_empty() || of_files(work, free).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Destroys the contents, or tells that one of them is wanted again since it was looked at.
async fn of_files(work: &mut Work<'_>, free: Vec<DueFile>) -> Result<bool> {
    let items = items(&free);
    if !work.dry {
        let unit = Arc::new(Unit {
            now: work.run.at,
            run: work.run.id,
            part: work.report.next_part(),
            entries: entries(work, &free)?,
            body: json!(items),
            free: free.clone(),
        });
        failpoint::hit("hub-purge.before-commit");
        let clock = work.ctx.clock.clone();
        let written = work
            .ctx
            .store
            .write(move |tx| unit.write(tx, clock.now()))
            .await?;
        failpoint::hit("hub-purge.after-commit");
        if !written {
            return Ok(false);
        }
    }
    work.report.folders += items.len() as u64;
    work.report.attachments += free.len() as u64;
    work.report.bytes += free.iter().map(|file| file.size).sum::<u64>();
    work.report.took(items);
    Ok(true)
}

/// What one transaction writes.
struct Unit {
    now: jiff::Timestamp,
    run: Uuid,
    part: u32,
    free: Vec<DueFile>,
    entries: Vec<EntryRow>,
    body: serde_json::Value,
}

impl Unit {
    fn write(&self, tx: &mut Tx<'_>, clock: jiff::Timestamp) -> Result<bool> {
        lease::keep(tx, self.run, clock)?;
        let ids: Vec<Uuid> = self.free.iter().map(|file| file.id).collect();
        let still = batches::files(tx, self.now, &ids)?;
        let still = still.iter().filter(|file| !file.wanted && !file.kept.any());
        if still.count() != self.free.len() {
            return Ok(false);
        }
        batches::delete_files(tx, self.run, self.now, &self.free)?;
        reports::add(tx, self.run, self.part, &self.body)?;
        self.entries
            .iter()
            .try_for_each(|entry| append(tx, entry))?;
        Ok(true)
    }
}

/// The files by their folder.
fn by_folder(files: &[DueFile]) -> BTreeMap<Uuid, Vec<&DueFile>> {
    let mut folders: BTreeMap<Uuid, Vec<&DueFile>> = BTreeMap::new();
    for file in files {
        folders.entry(file.folder_id).or_default().push(file);
    }
    folders
}

fn items(files: &[DueFile]) -> Vec<Item> {
    let folders = by_folder(files).into_iter();
    folders
        .map(|(folder, files)| Item::files(folder, files.iter().map(|file| file.id).collect()))
        .collect()
}

/// One entry for each folder.
fn entries(work: &Work<'_>, files: &[DueFile]) -> Result<Vec<EntryRow>> {
    let ctx = work.ctx;
    let folders = by_folder(files).into_iter();
    let entries = folders.map(|(folder, files)| {
        let subject = Subject {
            exchange_id: Some(folder),
            project: Some(HUB.to_owned()),
            owner: files[0].owner.clone(),
        };
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        let detail = json!({ "runId": work.run.id, "attachments": files.len(), "bytes": bytes });
        journal::entry(
            &ctx.clock,
            &ctx.entropy,
            Kind::FolderFilesPurged,
            subject,
            detail,
        )
    });
    entries.collect()
}
