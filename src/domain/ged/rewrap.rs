//! What outlives its term (a hold, an incident, a return that nobody acknowledges) moves under today's key, so that the key
//! of its own day can be destroyed for all the others: a backup's reach ends a month after the term, whatever is held.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{ProjectKeys, epochs::Day};
use crate::{
    domain::{Context, exchanges::HUB},
    kernel::fault::Result,
    storage::keys::{self, Wrapped, WrappedIn},
};

/// How long after its term what a day received may still be on its way to an ordinary purge.
const LATE: SignedDuration = SignedDuration::from_hours(31 * 24);
/// How many keys are wrapped anew in one transaction.
const PAGE: u32 = 250;

/// Wraps anew what still needs the key of `day`, where the day is so long gone that something keeps it.
pub async fn stragglers(ctx: &Context, day: &Day, now: Timestamp) -> Result<()> {
    let cutoff = match ctx.config.projects.get(&day.project) {
        Some(project) => project.retention.cutoff(now),
        // Each process of the hub has terms of its own: what lives longer than a month moves every month.
        None if day.project == HUB => now,
        // Nobody knows its term.
        None => return Ok(()),
    };
    let late = day.end.checked_add(LATE).unwrap_or(Timestamp::MAX);
    if late >= cutoff {
        return Ok(());
    }
    let today = ctx.keyring.project(&day.project).await?;
    if today.id == day.id {
        return Ok(());
    }
    for table in [WrappedIn::Exchange, WrappedIn::Document] {
        of_table(ctx, day.id, &today, table).await?;
    }
    Ok(())
}

async fn of_table(ctx: &Context, old: Uuid, today: &ProjectKeys, table: WrappedIn) -> Result<()> {
    let mut after = Uuid::nil();
    loop {
        let page = ctx
            .store
            .read(move |tx| keys::wrapped_under(tx, table, old, after, PAGE))
            .await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.id;
        let anew = page.into_iter().filter_map(|row| {
            // One that does not open is the inspection's to tell; it keeps its day's key.
            let key = today.unwrap(&row.wrapped_key).ok()?;
            let wrapped_key = today.wrap(&ctx.entropy, &key);
            Some(wrapped_key.map(|wrapped_key| Wrapped {
                id: row.id,
                wrapped_key,
            }))
        });
        let anew: Vec<Wrapped> = anew.collect::<Result<_>>()?;
        let new = today.id;
        ctx.store
            .write(move |tx| keys::wrap_anew(tx, table, (old, new), &anew))
            .await?;
    }
}
