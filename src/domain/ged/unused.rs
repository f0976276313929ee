//! The keys of days of which nothing is left are destroyed: last of all in a purge, and after a restoration has purged again.

use jiff::Timestamp;

use super::{epochs::Day, rewrap};
use crate::{
    domain::Context,
    kernel::{failpoint, fault::Result},
    storage::keys,
};

/// Destroys the keys of the days of which nothing is left, once what something keeps has moved under another; answers how many.
pub async fn destroy(ctx: &Context, now: Timestamp) -> Result<u64> {
    let mut destroyed = 0;
    for key in ctx.store.read(keys::of_days).await? {
        let day = Day::of(key)?;
        rewrap::stragglers(ctx, &day, now).await?;
        if !is_unused(ctx, &day, now).await? {
            continue;
        }
        failpoint::hit("purge.before-key");
        ctx.keyring.epochs().destroy(day.id).await?;
        failpoint::hit("purge.after-key");
        ctx.store
            .write(move |tx| keys::destroyed(tx, day.id, now))
            .await?;
        destroyed += 1;
    }
    ctx.keyring.epochs().forget();
    Ok(destroyed)
}

/// Nobody draws on a day's key once the grace is over, and nothing that it wraps is kept.
async fn is_unused(ctx: &Context, day: &Day, now: Timestamp) -> Result<bool> {
    if day.is_drawn_on(now)? {
        return Ok(false);
    }
    let id = day.id;
    Ok(!ctx.store.read(move |tx| keys::in_use(tx, id)).await?)
}
