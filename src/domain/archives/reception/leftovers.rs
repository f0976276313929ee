//! What is left of archives that nobody ever saw, by a crash or because they were not kept: rows go a few at a time, then blobs.

use std::collections::HashSet;

use uuid::Uuid;

use super::{examined::Examined, lease, spool::Spooled, taking::Taking};
use crate::{
    domain::Context,
    kernel::fault::Result,
    storage::archives::{self, ArchiveRow, Discarded},
};

/// How many rows of each kind one transaction takes out.
const BATCH: u32 = 500;

/// Discards every archive of `depot` whose taking was begun and is not in hand; for the lease's holder.
pub async fn clear(ctx: &Context, depot: &str, token: Uuid, in_hand: &HashSet<Uuid>) -> Result<()> {
    let name = depot.to_owned();
    let left = ctx
        .store
        .read(move |tx| archives::unfinished(tx, &name))
        .await?;
    for archive in left
        .iter()
        .filter(|archive| !in_hand.contains(&archive.exchange_id))
    {
        tracing::info!(depot, reconciliation_id = %archive.exchange_id, "an archive that was being taken is taken anew");
        discard(ctx, archive, token).await?;
    }
    Ok(())
}

/// Takes out what was staged of an archive that is not visible, and its blobs. Where the outcome of its last transaction was
/// unknown, and it has become visible after all, it is left alone.
pub async fn discard(ctx: &Context, archive: &ArchiveRow, token: Uuid) -> Result<()> {
    if !rows(ctx, &archive.depot, archive.exchange_id, token).await? {
        return Ok(());
    }
    for blob in [Some(archive.container_id), archive.unpacked_id]
        .into_iter()
        .flatten()
    {
        // One that cannot be removed now has no row, and is swept.
        ctx.vault.remove(blob).await.ok();
    }
    Ok(())
}

/// The same for the rows alone; `true` where nothing is left, and the blobs are nobody's.
pub async fn rows(ctx: &Context, depot: &str, exchange: Uuid, token: Uuid) -> Result<bool> {
    loop {
        let depot = depot.to_owned();
        let written = ctx.store.write(move |tx| {
            lease::demand(tx, &depot, token)?;
            archives::discard(tx, exchange, BATCH)
        });
        match written.await? {
            Discarded::NotYet => {}
            Discarded::Gone => return Ok(true),
            Discarded::Kept => return Ok(false),
        }
    }
}

/// The archive's own files in the vault, for whoever has no more use for them.
pub async fn remove_blobs(taking: &Taking, spooled: &Spooled, examined: Option<&Examined>) {
    let unpacked = examined.and_then(|examined| examined.unpacked.as_ref());
    for id in [Some(spooled.document.id), unpacked.map(|row| row.id)]
        .into_iter()
        .flatten()
    {
        if let Err(fault) = taking.ctx().vault.remove(id).await {
            tracing::warn!(blob = %id, %fault, "the blob of an archive that was not kept is left to the sweep");
        }
    }
}
