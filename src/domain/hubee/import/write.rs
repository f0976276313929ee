//! What a file holds, written some hundreds at a time. Each is compared with what is there; what differs is one write and one
//! journal entry.

use serde_json::Value as Json;

use super::{Body, OrganizationRow, Process, Tally};
use crate::{
    domain::{
        Context,
        hubee::{
            contact::Person,
            organization, process, process_list,
            referential::{self, Action, Object},
            subscription::{self, Sealed},
            subscription_list,
        },
    },
    kernel::fault::{Fault, Result},
    storage::{
        Tx,
        hubee::{
            organizations, processes,
            subscriptions::{self, SubscriptionRow},
        },
        journal::EntryRow,
    },
};

/// How many objects are written in one transaction.
const BATCH: usize = 200;

/// What is done with one object.
#[derive(Clone)]
struct Change<R> {
    row: R,
    action: Action,
    entry: EntryRow,
}

impl Tally {
    /// Counts a change, or that there is none.
    fn count(&mut self, action: Option<Action>) {
        match action {
            Some(Action::Created) => self.created += 1,
            Some(_) => self.replaced += 1,
            None => self.unchanged += 1,
        }
    }
}

/// What becomes of an object that is `said`, where `before` is there.
fn action(before: Option<Json>, said: Json) -> Option<Action> {
    match before {
        None => Some(Action::Created),
        Some(before) => (undated(before) != undated(said)).then_some(Action::Replaced),
    }
}

/// An object without the dates that the house gives it, and its id.
fn undated(mut object: Json) -> Json {
    if let Some(members) = object.as_object_mut() {
        for name in ["id", "createDateTime", "creationDateTime", "updateDateTime"] {
            members.remove(name);
        }
    }
    object
}

/// Writes a batch of changes: what is created is inserted, what is replaced is written over.
async fn written<R: Clone + Send + Sync + 'static>(
    ctx: &Context,
    changes: Vec<Change<R>>,
    write: fn(&mut Tx<'_>, &R, Action) -> Result<bool>,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    ctx.store
        .write(move |tx| {
            for change in &changes {
                if !write(tx, &change.row, change.action)? {
                    return Err(Fault::unavailable("the referential changed meanwhile"));
                }
                referential::append(tx, &change.entry)?;
            }
            Ok(())
        })
        .await
}

/// Writes organisations.
pub(super) async fn organizations(
    ctx: &Context,
    rows: Vec<OrganizationRow>,
    by: &str,
) -> Result<Tally> {
    let mut tally = Tally::default();
    for part in rows.chunks(BATCH) {
        let ids: Vec<String> = part.iter().map(|row| row.id.clone()).collect();
        let found = ctx.store.read(move |tx| {
            let found = ids.iter().map(|id| organizations::find(tx, id));
            found.collect::<Result<Vec<_>>>()
        });
        let mut changes = Vec::new();
        for (row, before) in part.iter().zip(found.await?) {
            let seen = before.as_ref().map(organization::view);
            let action = action(seen, organization::view(row));
            tally.count(action);
            let Some(action) = action else { continue };
            let owner = ctx.owner(&row.id);
            let object = Object::Organization;
            let entry = referential::entry_by(ctx, owner, object, &row.id, action, by)?;
            let mut row = row.clone();
            row.updated_at = before.map(|_| ctx.clock.now());
            changes.push(Change { row, action, entry });
        }
        written(ctx, changes, |tx, row, action| match action {
            Action::Created => organizations::insert(tx, row),
            _ => organizations::replace(tx, row),
        })
        .await?;
    }
    Ok(tally)
}

/// Writes processes.
pub(super) async fn processes(ctx: &Context, all: Vec<Process>, by: &str) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut changes = Vec::new();
    for mut said in all {
        let before = process::load(ctx, &said.code).await?;
        let seen = before.as_ref().map(process_list::view);
        let action = action(seen, process_list::view(&said));
        tally.count(action);
        let Some(action) = action else { continue };
        if let Some(before) = before {
            said.dates = (before.dates.0, Some(ctx.clock.now()));
        }
        let owner = ctx.owner(&said.osl.to_string());
        let entry = referential::entry_by(ctx, owner, Object::Process, &said.code, action, by)?;
        let row = said.row(ctx)?;
        changes.push(Change { row, action, entry });
    }
    for part in changes.chunks(BATCH) {
        written(ctx, part.to_vec(), |tx, row, action| match action {
            Action::Created => processes::insert(tx, row),
            _ => processes::replace(tx, row),
        })
        .await?;
    }
    Ok(tally)
}

/// Writes subscriptions.
pub(super) async fn subscriptions(ctx: &Context, all: Vec<Body>, by: &str) -> Result<Tally> {
    let mut tally = Tally::default();
    for part in all.chunks(BATCH) {
        let mut changes = Vec::new();
        for body in part {
            let change = subscription(ctx, body, by).await?;
            tally.count(change.as_ref().map(|change| change.action));
            changes.extend(change);
        }
        written(ctx, changes, put).await?;
    }
    Ok(tally)
}

/// What is done with one subscription; nothing where it is there, the same.
async fn subscription(
    ctx: &Context,
    body: &Body,
    by: &str,
) -> Result<Option<Change<SubscriptionRow>>> {
    let subscriber = body.subscriber.as_ref().map(ToString::to_string);
    let (subscriber, code) = (subscriber.unwrap_or_default(), body.process_code.clone());
    let owner = ctx.owner(&subscriber);
    let before = ctx
        .store
        .read(move |tx| subscriptions::of(tx, &subscriber, &code))
        .await?;
    let known = match &before {
        Some(row) => Some(subscription::open(ctx, row.id, &row.wrapped_key, &row.sealed).await?),
        None => None,
    };
    let sealed = body.sealed(known.as_ref());
    let id = match &before {
        Some(before) => before.id,
        None => ctx.entropy.uuid(&ctx.clock)?,
    };
    let row = subscription::row(ctx, id, body, &sealed, before.as_ref()).await?;
    let shown =
        |row: &SubscriptionRow, sealed: &Sealed| subscription_list::view(row, sealed, Person::full);
    let seen = before.as_ref().zip(known.as_ref());
    let seen = seen.map(|(row, known)| shown(row, known));
    let Some(action) = action(seen, shown(&row, &sealed)) else {
        return Ok(None);
    };
    let subject = id.to_string();
    let entry = referential::entry_by(ctx, owner, Object::Subscription, &subject, action, by)?;
    Ok(Some(Change { row, action, entry }))
}

fn put(tx: &mut Tx<'_>, row: &SubscriptionRow, action: Action) -> Result<bool> {
    if action == Action::Created {
        return subscriptions::insert(tx, row);
    }
    let Some(now) = subscriptions::lock(tx, row.id)? else {
        return Ok(false);
    };
    subscriptions::replace(tx, &now, row)?;
    Ok(true)
}
