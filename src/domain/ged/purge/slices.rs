//! What a large archive leaves to do once it is purged: its pieces, their documents and its dossiers are emptied slice by slice,
//! each in a transaction of its own, so that nobody waits for all of them.
//!
//! Nothing of it can be read meanwhile: its exchange's key is gone. A run that dies leaves a mark, and the next one goes on.

use uuid::Uuid;

use super::{Run, lease};
use crate::{
    domain::Context,
    kernel::{failpoint, fault::Result},
    storage::remains,
};

/// How many pieces one transaction empties.
const SLICE: i64 = 500;
/// How many archives are looked for at once.
const PAGE: u32 = 100;

/// Empties every archive that is purged and not emptied yet, of this run or of one that died.
pub async fn empty(ctx: &Context, run: Run) -> Result<()> {
    loop {
        let marked = ctx.store.read(|tx| remains::marked(tx, PAGE)).await?;
        if marked.is_empty() {
            return Ok(());
        }
        for archive in marked {
            one(ctx, run, archive).await?;
        }
    }
}

async fn one(ctx: &Context, run: Run, archive: Uuid) -> Result<()> {
    let extent = ctx.store.read(move |tx| remains::extent(tx, archive));
    let extent = extent.await?;
    let mut from = 0;
    loop {
        let (to, now) = (from + SLICE, ctx.clock.now());
        let written = ctx.store.write(move |tx| {
            lease::keep(tx, run.id, now)?;
            remains::empty(tx, (run.id, run.at), archive, (from, to))?;
            match to < extent {
                true => Ok(()),
                false => remains::done(tx, archive),
            }
        });
        written.await?;
        failpoint::hit("purge.after-slice");
        if to >= extent {
            return Ok(());
        }
        from = to;
    }
}
