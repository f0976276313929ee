//! Removes blobs that no row names, once they are older than the longest intake: a crash between the blob and its row
//! leaves one, and so does a commit of unknown outcome that did not happen.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    domain::Context,
    kernel::fault::{Fault, Result},
    storage::{archives, exchanges},
};

/// How old an orphan must be: beyond any body deadline and any transaction.
const AGE: SignedDuration = SignedDuration::from_hours(2);
/// How often the store is swept.
pub const PERIOD: Duration = Duration::from_secs(3600);

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Unfinished files of intakes that died.
    pub temporaries: u64,
    /// Whole blobs without a row.
    pub orphans: u64,
}

/// Removes temporaries and orphans that are old enough.
pub async fn sweep(ctx: &Context) -> Result<Swept> {
    let before = before(ctx)?;
    // An archive may take longer than any body: what is being spooled is named before its first byte.
    let spooled = ctx.store.read(archives::spooled).await?;
    let mut swept = Swept {
        temporaries: ctx
            .vault
            .sweep(before, spooled.into_iter().collect())
            .await?,
        orphans: 0,
    };
    for entry in ctx.vault.list() {
        let entry = entry?;
        if entry.created < before && !is_named(ctx, entry.id).await? {
            swept.orphans += u64::from(ctx.vault.remove(entry.id).await?);
        }
    }
    Ok(swept)
}

/// What was begun before this instant and has no row is an orphan; what is younger may be on its way.
pub fn before(ctx: &Context) -> Result<Timestamp> {
    ctx.clock.now().checked_sub(AGE).map_err(Fault::internal)
}

async fn is_named(ctx: &Context, id: uuid::Uuid) -> Result<bool> {
    ctx.store
        .read(move |tx| exchanges::has_document(tx, id))
        .await
}
