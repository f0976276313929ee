//! The blobs of what was destroyed: their files go after the transaction that queued them, and the queue is emptied only
//! once that is durable, so that whoever dies in between leaves nothing behind for good.
//!
//! A backup copies the blobs that its rows name after it has read the rows. So who holds the purge's lease, which a backup
//! holds too, may [`drain`]; anybody else looks first that nobody holds it, once it is known what is to go: a backup that
//! begins after that does not name these any more.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    lease,
    ledger::{self, Named},
};
use crate::{
    domain::Context,
    kernel::{failpoint, fault::Result},
    storage::{
        Tx,
        hubee::files,
        purges::{self, Removal},
    },
};

/// How many blobs are removed between two syncs of their folders.
const PAGE: u32 = 1000;
/// How many queued blobs are worth the syncs of their folders, while more are coming.
pub const WORTH_A_SYNC: u64 = 1000;

/// Rings for the removal that goes on beside the batches, which ends once this is dropped.
pub struct Bell(mpsc::Sender<()>);

impl Bell {
    /// There is enough to remove.
    pub fn ring(&self) {
        // Where it was rung already, the next round takes all that is queued by then.
        let _ = self.0.try_send(());
    }
}

/// The removal that goes on while more is destroyed: freeing a file's blocks keeps the disk waiting, not the database. What
/// it fails at is left to the last [`drain`].
pub fn beside(ctx: &Context) -> (impl Future<Output = ()>, Bell) {
    let (bell, mut rung) = mpsc::channel(1);
    let removals = async move {
        while rung.recv().await.is_some() {
            if let Err(fault) = drain(ctx).await {
                tracing::warn!(%fault, "blobs of purged exchanges wait for the end of the run");
            }
        }
    };
    (removals, Bell(bell))
}

/// Removes every blob that is queued, for who holds the purge's lease or has the house alone; answers how many files could
/// not be removed. They stay queued.
pub async fn drain(ctx: &Context) -> Result<u64> {
    let (mut after, mut left) = (Uuid::nil(), 0);
    loop {
        let page = queued(ctx, after).await?;
        let Some(last) = page.last() else {
            return Ok(left);
        };
        after = last.document_id;
        left += of_page(ctx, &page).await?;
    }
}

/// The same for everybody else: nothing more goes while a purge runs, which does it itself, or a backup is made.
pub async fn leftovers(ctx: &Context) -> Result<u64> {
    let (mut after, mut left) = (Uuid::nil(), 0);
    loop {
        let page = queued(ctx, after).await?;
        let Some(last) = page.last() else {
            return Ok(left);
        };
        if lease::is_held(ctx).await? {
            return Ok(left);
        }
        after = last.document_id;
        left += of_page(ctx, &page).await?;
    }
}

/// Removes contents that their sender has just given up, unless a purge runs or a backup is made: then, or where this fails,
/// the next look finds them in the queue.
pub async fn at_once(ctx: &Context, given_up: impl IntoIterator<Item = Uuid>) {
    let given_up: Vec<Uuid> = given_up.into_iter().collect();
    let removed = match given_up.is_empty() {
        true => Ok(()),
        false => replaced(ctx, given_up).await,
    };
    if let Err(fault) = removed {
        tracing::warn!(%fault, "a replaced file waits for the next look");
    }
}

async fn replaced(ctx: &Context, given_up: Vec<Uuid>) -> Result<()> {
    if lease::is_held(ctx).await? {
        return Ok(());
    }
    let gone = ctx.vault.remove_all(given_up).await?;
    let written = ctx.store.write(move |tx| {
        purges::removed(tx, &gone)?;
        files::forget(tx, &gone)
    });
    written.await
}

async fn queued(ctx: &Context, after: Uuid) -> Result<Vec<Removal>> {
    let page = ctx.store.read(move |tx| purges::to_remove(tx, after, PAGE));
    page.await
}

/// Removes a page of the queue; answers how many files stay. The purged exchanges' ids are in the ledger before their blobs
/// leave the queue.
async fn of_page(ctx: &Context, page: &[Removal]) -> Result<u64> {
    ledger::note(ctx, &by_run(page)).await?;
    let all: Vec<Uuid> = page.iter().map(|removal| removal.document_id).collect();
    let gone = ctx.vault.remove_all(all.clone()).await?;
    failpoint::hit("purge.after-unlink");
    let left = all.len() - gone.len();
    let given_up = page.iter().filter(|removal| removal.is_given_up());
    let mut given_up: Vec<Uuid> = given_up.map(|removal| removal.document_id).collect();
    given_up.retain(|id| gone.contains(id));
    let written = ctx.store.write(move |tx: &mut Tx<'_>| {
        purges::removed(tx, &gone)?;
        files::forget(tx, &given_up)
    });
    written.await?;
    Ok(left as u64)
}

/// What each run destroyed. A content that another has replaced is nothing that a restoration would bring back by itself.
fn by_run(page: &[Removal]) -> BTreeMap<Uuid, Named> {
    let mut runs: BTreeMap<Uuid, Named> = BTreeMap::new();
    for removal in page {
        let run = runs.entry(removal.purge_id).or_default();
        match (removal.whole, removal.attachment) {
            (true, _) => drop(run.exchanges.insert(removal.exchange_id)),
            (false, true) => drop(run.documents.insert(removal.document_id)),
            (false, false) => {}
        }
    }
    runs
}
