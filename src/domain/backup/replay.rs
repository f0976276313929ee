//! What was purged since a backup was made is purged again once it is restored, before anything is served.

use uuid::Uuid;

use super::{PURGES, missing, restore::Order};
use crate::{
    domain::{
        Context,
        exchanges::{PIECE, TELEDOSSIER},
        ged::{
            purge::{
                Run, batch,
                ledger::{self, Named},
                removal,
            },
            unused,
        },
    },
    kernel::fault::Result,
    storage::{
        hubee, purges,
        purging::{self, Beside, NaturalKey, Purged},
        retention,
    },
};

/// How many exchanges one transaction purges.
const BATCH: usize = 250;

/// What is to be purged again: what the ledgers name, and what the destroyed keys kept. Fails with `usage` where a key is not there
/// and was not destroyed.
pub async fn wanted(ctx: &Context, order: &Order) -> Result<Named> {
    let mut folders = vec![ledger::folder(ctx)];
    folders.extend(order.keys.iter().map(|keys| keys.join(PURGES)));
    folders.extend(order.purges.iter().cloned());
    let mut all = Named::default();
    for folder in folders {
        let named = ledger::read(&folder)?;
        all.exchanges.extend(named.exchanges);
        all.documents.extend(named.documents);
    }
    let missing = missing::look(ctx, &all.exchanges, ctx.clock.now()).await?;
    if !order.without_missing_keys {
        missing.all_destroyed()?;
    }
    all.exchanges.extend(missing.exchanges);
    Ok(all)
}

/// Purges all of that again; answers how many exchanges.
pub async fn replay(ctx: &Context, again: Named) -> Result<u64> {
    let run = Run {
        id: ctx.entropy.uuid(&ctx.clock)?,
        at: ctx.clock.now(),
    };
    let mut purged = 0;
    let exchanges: Vec<Uuid> = again.exchanges.into_iter().collect();
    for ids in exchanges.chunks(BATCH) {
        purged += purge_again(ctx, run, ids.to_vec()).await?;
    }
    let documents: Vec<Uuid> = again.documents.into_iter().collect();
    for ids in documents.chunks(BATCH) {
        delete_again(ctx, run, ids.to_vec()).await?;
    }
    ctx.store.write(purging::drop_natural_keys).await?;
    removal::drain(ctx).await?;
    unused::destroy(ctx, run.at).await?;
    let now = run.at;
    ctx.store.write(move |tx| purges::set_mark(tx, now)).await?;
    Ok(purged)
}

/// Deletes contents of télédossiers that stay: they were deleted before.
async fn delete_again(ctx: &Context, run: Run, ids: Vec<Uuid>) -> Result<()> {
    let written = ctx.store.write(move |tx| {
        hubee::forgetting::mark_deleted(tx, run.at, &ids)?;
        hubee::files::discard(tx, run.id, run.at, &ids)
    });
    written.await
}

/// Purges exchanges, whatever their terms say: they were purged before. Answers how many there were.
async fn purge_again(ctx: &Context, run: Run, ids: Vec<Uuid>) -> Result<u64> {
    let found = ctx.store.read(move |tx| {
        let each = ids.iter().map(|id| retention::find(tx, *id));
        each.collect::<Result<Vec<_>>>()
    });
    let all = found.await?.into_iter().flatten();
    let all = all.map(|(project, return_id, due)| {
        Ok(Purged {
            exchange_id: due.exchange_id,
            return_id,
            // Nobody waits for a house that is being restored.
            beside: match due.kind == PIECE {
                true => Beside::Nothing,
                false => Beside::Pieces,
            },
            folder: due.kind == TELEDOSSIER,
            natural_key: NaturalKey::Later,
            entry: batch::entry(ctx, run, &project, &due, "replayed")?,
        })
    });
    let all = all.collect::<Result<Vec<_>>>()?;
    let purged = all.len() as u64;
    let written = ctx.store.write(move |tx| {
        purging::destroy(tx, run.id, run.at, &all)?;
        purging::drop_work(tx, &all)
    });
    written.await?;
    Ok(purged)
}
