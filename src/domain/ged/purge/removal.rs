//! The blobs of what was destroyed: their files go after the transaction that queued them, and the queue is emptied only
//! once that is durable, so that whoever dies in between leaves nothing behind for good.

use std::collections::BTreeMap;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::ledger::{self, Named};
use crate::{
    domain::Context,
    kernel::{failpoint, fault::Result},
    storage::{
        Tx,
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

/// Removes every blob that is queued; answers how many files could not be removed. They stay queued.
///
/// The purged exchanges' ids are in the ledger before their blobs leave the queue.
pub async fn drain(ctx: &Context) -> Result<u64> {
    let (mut after, mut left) = (Uuid::nil(), 0);
    loop {
        let page = ctx
            .store
            .read(move |tx| purges::to_remove(tx, after, PAGE))
            .await?;
        let Some(last) = page.last() else {
            return Ok(left);
        };
        after = last.document_id;
        ledger::note(ctx, &by_run(&page)).await?;
        let all: Vec<Uuid> = page.iter().map(|removal| removal.document_id).collect();
        let gone = ctx.vault.remove_all(all.clone()).await?;
        failpoint::hit("purge.after-unlink");
        left += (all.len() - gone.len()) as u64;
        ctx.store
            .write(move |tx: &mut Tx<'_>| purges::removed(tx, &gone))
            .await?;
    }
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
