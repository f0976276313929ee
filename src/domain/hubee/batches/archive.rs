//! R61: a folder that is closed for `timeBeforeArchiving` days is archived with its cases, its contents destroyed; nothing
//! of it can be changed any more.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{
    Item, Work,
    walk::{self, Step},
};
use crate::{
    domain::{
        ged::purge::lease,
        hubee::{
            process::{Process, Rules},
            status::CaseStatus,
            terms::Terms,
        },
        journal::Kind,
    },
    kernel::{failpoint, fault::Result},
    storage::{
        Tx,
        hubee::{
            batches::{self, DueFolder, Place},
            reports,
        },
        journal::{EntryRow, append},
    },
};

/// Archiving, for the walk.
pub struct Archive;

impl Step for Archive {
    fn days(rules: &Rules) -> u32 {
        rules.time_before_archiving
    }

    fn due(
        tx: &mut Tx<'_>,
        process: &str,
        upto: Timestamp,
        place: Place,
        limit: u32,
    ) -> Result<Vec<DueFolder>> {
        batches::closed(tx, process, upto, place, limit)
    }

    async fn act(
        work: &Work<'_>,
        process: &Process,
        upto: Timestamp,
        free: &[DueFolder],
    ) -> Result<Vec<Uuid>> {
        let unit = Arc::new(Unit {
            run: work.run.id,
            now: work.run.at,
            upto,
            portal_at: Terms::of(process).purge_at(CaseStatus::Archived, None, work.run.at),
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
}

/// What one transaction writes.
struct Unit {
    run: Uuid,
    now: Timestamp,
    upto: Timestamp,
    /// Since when the portal has its copies to purge, where files go at ARCHIVED (R25).
    portal_at: Option<Timestamp>,
    part: u32,
    entries: Vec<(Uuid, EntryRow)>,
}

impl Unit {
    fn write(&self, tx: &mut Tx<'_>, clock: Timestamp) -> Result<Vec<Uuid>> {
        lease::keep(tx, self.run, clock)?;
        let ids: Vec<Uuid> = self.entries.iter().map(|(id, _)| *id).collect();
        let done = batches::archive(tx, self.run, self.now, self.upto, &ids)?;
        if let Some(at) = self.portal_at {
            batches::to_portal(tx, at, &done)?;
        }
        let items: Vec<Item> = done.iter().copied().map(Item::folder).collect();
        reports::add(tx, self.run, self.part, &json!(items))?;
        let mut told = self.entries.iter().filter(|(id, _)| done.contains(id));
        told.try_for_each(|(_, entry)| append(tx, entry))?;
        Ok(done)
    }
}

fn entries(work: &Work<'_>, free: &[DueFolder]) -> Result<Vec<(Uuid, EntryRow)>> {
    let entries = free.iter().map(|folder| {
        let detail = json!({ "runId": work.run.id, "closedAt": folder.since });
        let entry = walk::entry(work, folder, Kind::FolderArchived, detail);
        Ok((folder.id, entry?))
    });
    entries.collect()
}
