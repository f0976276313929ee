//! The activation of subscriptions on their day (R52): at 00:01 of the day that was said, in legal time.
//!
//! A subscription knows since it was written when it is due. [`run`] activates all that are, in batches of one transaction
//! each with their journal entries; what an administrator has changed meanwhile is due no more, and left alone.

use uuid::Uuid;

use super::{
    referential::{self, Action, Object},
    subscription_standing::ACTIVE,
};
use crate::{
    domain::Context,
    kernel::fault::Result,
    storage::{
        hubee::subscriptions::{self as rows, Due},
        journal::EntryRow,
    },
};

/// How many are activated in one transaction.
const BATCH: u32 = 200;
/// How many a run activates at most; the next run goes on.
const MOST: usize = 100_000;

/// Activates what is due, or only says what would be; answers the ids. `by` is who runs it, for the journal.
pub async fn run(ctx: &Context, by: &str, dry_run: bool) -> Result<Vec<Uuid>> {
    if dry_run {
        let now = ctx.clock.now();
        let limit = u32::try_from(MOST).unwrap_or(u32::MAX);
        let due = ctx.store.read(move |tx| rows::due(tx, now, limit)).await?;
        return Ok(due.into_iter().map(|due| due.id).collect());
    }
    let mut activated = Vec::new();
    while activated.len() < MOST {
        let (done, is_last) = batch(ctx, by).await?;
        activated.extend(done);
        if is_last {
            break;
        }
    }
    Ok(activated)
}

/// Activates some of what is due; answers their ids, and whether no more were due.
async fn batch(ctx: &Context, by: &str) -> Result<(Vec<Uuid>, bool)> {
    let now = ctx.clock.now();
    let due = ctx.store.read(move |tx| rows::due(tx, now, BATCH)).await?;
    let is_last = due.len() < BATCH as usize;
    let due: Vec<(Due, EntryRow)> = due
        .into_iter()
        .map(|due| {
            let (owner, id) = (due.owner.clone(), due.id.to_string());
            let object = Object::Subscription;
            let entry = referential::entry_by(ctx, owner, object, &id, Action::Activated, by)?;
            Ok((due, entry))
        })
        .collect::<Result<_>>()?;
    if due.is_empty() {
        return Ok((Vec::new(), true));
    }
    let done = ctx.store.write(move |tx| {
        let mut done = Vec::new();
        for (due, entry) in &due {
            if rows::activate(tx, due, ACTIVE, now)? {
                referential::append(tx, entry)?;
                done.push(due.id);
            }
        }
        Ok(done)
    });
    Ok((done.await?, is_last))
}
