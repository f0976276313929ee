//! Removes blobs that no row names, once they are older than the longest intake: a crash between the blob and its row
//! leaves one, and so does a commit of unknown outcome that did not happen.
//!
//! Their age is told by the clock, which may have jumped: what looks old enough is looked at a second time, after as long as
//! an intake can take, before it goes.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::scan;
use crate::{
    domain::Context,
    kernel::fault::{Fault, Result},
    storage::{archives, exchanges},
};

/// How old an orphan must be; older where the settings let an intake take longer ([`patience`]).
const AGE: Duration = Duration::from_secs(2 * 3600);
/// What an intake may take beyond its body and its look by the antivirus, at the very most.
const SETTLING: Duration = Duration::from_secs(120);
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

/// What looked old enough at the first look.
struct Suspects {
    temporaries: Vec<Uuid>,
    orphans: Vec<Uuid>,
}

/// Removes temporaries and orphans that are old enough by the clock and still there after `patience`, measured without it.
pub async fn sweep(ctx: &Context, patience: Duration) -> Result<Swept> {
    sweep_around(ctx, tokio::time::sleep(patience)).await
}

/// The same with `pause` between the two looks.
pub async fn sweep_around(ctx: &Context, pause: impl Future<Output = ()>) -> Result<Swept> {
    let suspects = suspects(ctx, before(ctx)?).await?;
    if suspects.temporaries.is_empty() && suspects.orphans.is_empty() {
        return Ok(Swept::default());
    }
    pause.await;
    remove(ctx, suspects).await
}

async fn suspects(ctx: &Context, before: Timestamp) -> Result<Suspects> {
    // An archive may take longer than any body: what is being spooled is named before its first byte.
    let spooled = ctx.store.read(archives::spooled).await?;
    let parts = ctx.vault.parts(before).await?.into_iter();
    let mut suspects = Suspects {
        temporaries: parts.filter(|id| !spooled.contains(id)).collect(),
        orphans: Vec::new(),
    };
    for entry in ctx.vault.list() {
        let entry = entry?;
        if entry.created < before && !is_named(ctx, entry.id).await? {
            suspects.orphans.push(entry.id);
        }
    }
    Ok(suspects)
}

async fn remove(ctx: &Context, suspects: Suspects) -> Result<Swept> {
    let mut swept = Swept {
        temporaries: ctx.vault.remove_parts(suspects.temporaries).await?,
        ..Swept::default()
    };
    for id in suspects.orphans {
        if !is_named(ctx, id).await? {
            swept.orphans += u64::from(ctx.vault.remove(id).await?);
        }
    }
    Ok(swept)
}

/// As long as an intake can take, at whichever listener it comes in: its body, the antivirus that it is kept for before it has
/// a row, and what its transaction waits for.
pub fn patience(ctx: &Context) -> Duration {
    let gateway = &ctx.config.gateway;
    let hub = gateway.hubee.as_ref().map(|hub| hub.body_deadline);
    let body = gateway.limits.body_deadline.max(hub.unwrap_or_default());
    let antivirus = gateway.antivirus.as_ref();
    let scan = antivirus.map(|clamd| scan::TURN + clamd.timeout);
    body + scan.unwrap_or_default() + SETTLING
}

/// What was begun before this instant and has no row is an orphan; what is younger may be on its way.
fn before(ctx: &Context) -> Result<Timestamp> {
    let age = AGE.max(patience(ctx));
    ctx.clock.now().checked_sub(age).map_err(Fault::internal)
}

/// What was begun before this instant and has no row was met by a sweep, where a worker runs: the hour of it, and its two looks.
pub fn swept_before(ctx: &Context) -> Result<Timestamp> {
    let sweep = PERIOD + patience(ctx);
    before(ctx)?.checked_sub(sweep).map_err(Fault::internal)
}

async fn is_named(ctx: &Context, id: Uuid) -> Result<bool> {
    ctx.store
        .read(move |tx| exchanges::has_document(tx, id))
        .await
}
