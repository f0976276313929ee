//! R61: a folder that is archived for `timeBeforeFolderDeletion` days is deleted; a count of its day stays, and its ids in
//! journal and reports.
//!
//! First its own rows go and its exchange is emptied, in one transaction; then, blobs gone and ledger written, the rows of
//! the exchange ([`bury`]). The next run goes on with what one that died has left.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{
    Item, PAGE, Work,
    walk::{self, Step},
};
use crate::{
    domain::{
        Context,
        ged::purge::{
            Run, lease,
            ledger::{self, Named},
        },
        hubee::process::{Process, Rules},
        journal::Kind,
    },
    kernel::{failpoint, fault::Result},
    storage::{
        Tx,
        hubee::{
            batches::{self, DueFolder, Place},
            forgetting, reports,
        },
        purging::{self, Beside, NaturalKey, Purged},
    },
};

/// A day of the counters: from midnight to midnight, UTC.
const DAY_MICROS: i64 = 86_400_000_000;

/// Deletion, for the walk.
pub struct Delete;

impl Step for Delete {
    fn days(rules: &Rules) -> u32 {
        rules.time_before_folder_deletion
    }

    fn due(
        tx: &mut Tx<'_>,
        process: &str,
        upto: Timestamp,
        place: Place,
        limit: u32,
    ) -> Result<Vec<DueFolder>> {
        batches::archived(tx, process, upto, place, limit)
    }

    async fn act(
        work: &Work<'_>,
        _: &Process,
        upto: Timestamp,
        free: &[DueFolder],
    ) -> Result<Vec<Uuid>> {
        let unit = Arc::new(Unit {
            run: work.run.id,
            now: work.run.at,
            upto,
            part: work.report.next_part(),
            folders: purged(work, free)?,
        });
        let clock = work.ctx.clock.clone();
        failpoint::hit("hub-delete.before-commit");
        let done = work
            .ctx
            .store
            .write(move |tx| unit.write(tx, clock.now()))
            .await?;
        failpoint::hit("hub-delete.after-commit");
        Ok(done)
    }
}

/// What one transaction writes.
struct Unit {
    run: Uuid,
    now: Timestamp,
    upto: Timestamp,
    part: u32,
    folders: Vec<Purged>,
}

impl Unit {
    fn write(&self, tx: &mut Tx<'_>, clock: Timestamp) -> Result<Vec<Uuid>> {
        lease::keep(tx, self.run, clock)?;
        let ids: Vec<Uuid> = self.folders.iter().map(|one| one.exchange_id).collect();
        let sums = forgetting::sums(tx, self.upto, &ids)?;
        for one in &sums {
            let day = one.created_at.as_microsecond().div_euclid(DAY_MICROS);
            forgetting::count(tx, day, one)?;
        }
        let done: Vec<Uuid> = sums.iter().map(|one| one.id).collect();
        let gone = self.folders.iter();
        let gone = gone.filter(|one| done.contains(&one.exchange_id));
        let gone: Vec<Purged> = gone.cloned().collect();
        purging::destroy(tx, self.run, self.now, &gone)?;
        let items: Vec<Item> = done.iter().copied().map(Item::folder).collect();
        reports::add(tx, self.run, self.part, &json!(items))?;
        Ok(done)
    }
}

fn purged(work: &Work<'_>, free: &[DueFolder]) -> Result<Vec<Purged>> {
    let all = free.iter().map(|folder| {
        let detail = json!({ "runId": work.run.id, "archivedAt": folder.since });
        let entry = walk::entry(work, folder, Kind::FolderDeleted, detail);
        Ok(Purged {
            exchange_id: folder.id,
            return_id: None,
            beside: Beside::Nothing,
            folder: true,
            natural_key: NaturalKey::Later,
            entry: entry?,
        })
    });
    all.collect()
}

/// Takes away what is left of deleted folders whose blobs are gone, once the ledger names them.
pub async fn bury(ctx: &Context, run: Run) -> Result<()> {
    let mut after = Uuid::nil();
    loop {
        let page = ctx
            .store
            .read(move |tx| forgetting::tombstones(tx, after, PAGE))
            .await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = *last;
        let named = Named {
            exchanges: page.iter().copied().collect(),
            ..Named::default()
        };
        ledger::note(ctx, &BTreeMap::from([(run.id, named)])).await?;
        failpoint::hit("hub-delete.before-burial");
        ctx.store
            .write(move |tx: &mut Tx<'_>| forgetting::bury(tx, &page))
            .await?;
    }
}
