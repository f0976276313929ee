//! What a file holds, written some hundreds at a time. Each is compared with what is there; what differs is one write and one
//! journal entry.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{Body, OrganizationRow, Process, Progress, Tally};
use crate::{
    domain::{
        Context,
        hubee::{
            contact::Person,
            organization, process, process_list,
            referential::{self, Action, Object},
            subscription::{self, Sealed},
            subscription_list,
            subscription_standing::Said,
        },
    },
    kernel::{
        failpoint,
        fault::{Code, Fault, Result},
    },
    storage::{
        Tx,
        hubee::{
            organizations,
            processes::{self, ProcessRow},
            subscriptions::{self, SubscriptionRow},
        },
        journal::EntryRow,
    },
};

/// How many objects are written in one transaction.
const BATCH: usize = 200;

/// A subscription to be written, and what the file says of where it is to stand.
#[derive(Clone)]
struct Subscription {
    row: SubscriptionRow,
    said: Said,
}

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

/// Who writes, in whose name, and who is told.
pub(super) struct Importer<'a> {
    pub(super) ctx: &'a Context,
    pub(super) by: &'a str,
    pub(super) progress: &'a dyn Progress,
}

impl Importer<'_> {
    /// Writes a batch of changes, `looked` objects in all: what is created is inserted, what is replaced is written over.
    async fn written<R: Clone + Send + Sync + 'static>(
        &self,
        looked: usize,
        changes: Vec<Change<R>>,
        write: fn(&mut Tx<'_>, &R, Action) -> Result<bool>,
    ) -> Result<()> {
        if !changes.is_empty() {
            let written = self.ctx.store.write(move |tx| {
                for change in &changes {
                    if !write(tx, &change.row, change.action)? {
                        return Err(Fault::unavailable("the referential changed meanwhile"));
                    }
                    referential::append(tx, &change.entry)?;
                }
                Ok(())
            });
            written.await?;
            failpoint::hit("hub-import.after-batch");
        }
        self.progress.advance(looked);
        Ok(())
    }

    /// Writes organisations.
    pub(super) async fn organizations(&self, rows: Vec<OrganizationRow>) -> Result<Tally> {
        self.progress.begin("organizations", rows.len());
        let mut tally = Tally::default();
        for part in rows.chunks(BATCH) {
            let ids: Vec<String> = part.iter().map(|row| row.id.clone()).collect();
            let found = self
                .ctx
                .store
                .read(move |tx| organizations::of_ids(tx, &ids));
            let found = found.await?.into_iter();
            let mut found: HashMap<String, OrganizationRow> =
                found.map(|row| (row.id.clone(), row)).collect();
            let mut changes = Vec::new();
            for row in part {
                let change = self.organization(row, found.remove(&row.id))?;
                tally.count(change.as_ref().map(|change| change.action));
                changes.extend(change);
            }
            let write = |tx: &mut Tx<'_>, row: &OrganizationRow, action: Action| match action {
                Action::Created => organizations::insert(tx, row),
                _ => organizations::replace(tx, row),
            };
            self.written(part.len(), changes, write).await?;
        }
        Ok(tally)
    }

    /// What is done with one organisation; nothing where it is there, the same.
    fn organization(
        &self,
        row: &OrganizationRow,
        before: Option<OrganizationRow>,
    ) -> Result<Option<Change<OrganizationRow>>> {
        let seen = before.as_ref().map(organization::view);
        let Some(action) = action(seen, organization::view(row)) else {
            return Ok(None);
        };
        let (ctx, object) = (self.ctx, Object::Organization);
        let owner = ctx.owner(&row.id);
        let entry = referential::entry_by(ctx, owner, object, &row.id, action, self.by)?;
        let mut row = row.clone();
        row.updated_at = before.map(|_| ctx.clock.now());
        Ok(Some(Change { row, action, entry }))
    }

    /// Writes processes.
    pub(super) async fn processes(&self, all: Vec<Process>) -> Result<Tally> {
        self.progress.begin("processes", all.len());
        let mut tally = Tally::default();
        for part in all.chunks(BATCH) {
            let mut changes = Vec::new();
            for said in part {
                let change = self.process(said.clone()).await?;
                tally.count(change.as_ref().map(|change| change.action));
                changes.extend(change);
            }
            let write = |tx: &mut Tx<'_>, row: &ProcessRow, action: Action| match action {
                Action::Created => processes::insert(tx, row),
                _ => replace_process(tx, row),
            };
            self.written(part.len(), changes, write).await?;
        }
        Ok(tally)
    }

    /// What is done with one process; nothing where it is there, the same.
    async fn process(&self, mut said: Process) -> Result<Option<Change<ProcessRow>>> {
        let ctx = self.ctx;
        let before = process::load(ctx, &said.code).await?;
        let seen = before.as_ref().map(process_list::view);
        let Some(action) = action(seen, process_list::view(&said)) else {
            return Ok(None);
        };
        if let Some(before) = before {
            said.dates = (before.dates.0, Some(ctx.clock.now()));
        }
        let owner = ctx.owner(&said.osl.to_string());
        let object = Object::Process;
        let entry = referential::entry_by(ctx, owner, object, &said.code, action, self.by)?;
        let row = said.row(ctx)?;
        Ok(Some(Change { row, action, entry }))
    }

    /// Writes subscriptions.
    pub(super) async fn subscriptions(&self, all: Vec<Body>) -> Result<Tally> {
        self.progress.begin("subscriptions", all.len());
        let mut tally = Tally::default();
        for part in all.chunks(BATCH) {
            let mut changes = Vec::new();
            for (body, before) in part.iter().zip(known(self.ctx, part).await?) {
                let change = subscription(self.ctx, body, before, self.by).await?;
                tally.count(change.as_ref().map(|change| change.action));
                changes.extend(change);
            }
            self.written(part.len(), changes, put).await?;
        }
        Ok(tally)
    }
}

/// Replaces a process, whose folders may have come since the file was held against the database.
fn replace_process(tx: &mut Tx<'_>, row: &ProcessRow) -> Result<bool> {
    processes::lock(tx, &row.code)?;
    match process::bound(tx, &row.code, &row.osl)? {
        None => processes::replace(tx, row),
        Some(fault) => Err(Fault::new(
            Code::Usage,
            format!("{fault}; what stands before it in the file is imported"),
        )),
    }
}

/// Who subscribes to what.
fn place(body: &Body) -> (String, String) {
    let subscriber = body.subscriber.as_ref().map(ToString::to_string);
    (subscriber.unwrap_or_default(), body.process_code.clone())
}

/// The subscriptions that are there where those of `part` belong, in their order.
async fn known(ctx: &Context, part: &[Body]) -> Result<Vec<Option<SubscriptionRow>>> {
    let places: Vec<(String, String)> = part.iter().map(place).collect();
    let found = ctx.store.read(move |tx| {
        let found = places.iter();
        let found = found.map(|(subscriber, code)| subscriptions::of(tx, subscriber, code));
        found.collect()
    });
    found.await
}

/// What is done with one subscription; nothing where it is there, the same.
async fn subscription(
    ctx: &Context,
    body: &Body,
    before: Option<SubscriptionRow>,
    by: &str,
) -> Result<Option<Change<Subscription>>> {
    let owner = ctx.owner(&place(body).0);
    let known = match &before {
        Some(row) => Some(subscription::open(ctx, row.id, &row.wrapped_key, &row.sealed).await?),
        None => None,
    };
    let sealed = body.sealed(known.as_ref());
    let id = match &before {
        Some(before) => before.id,
        None => ctx.entropy.uuid(&ctx.clock)?,
    };
    let said = Said {
        status: body.status,
        by_file: true,
    };
    let row = subscription::row(ctx, id, body, &sealed, (before.as_ref(), said)).await?;
    let shown =
        |row: &SubscriptionRow, sealed: &Sealed| subscription_list::view(row, sealed, Person::full);
    let seen = before.as_ref().zip(known.as_ref());
    let seen = seen.map(|(row, known)| shown(row, known));
    let Some(action) = action(seen, shown(&row, &sealed)) else {
        return Ok(None);
    };
    let subject = id.to_string();
    let entry = referential::entry_by(ctx, owner, Object::Subscription, &subject, action, by)?;
    let row = Subscription { row, said };
    Ok(Some(Change { row, action, entry }))
}

fn put(tx: &mut Tx<'_>, new: &Subscription, action: Action) -> Result<bool> {
    match action {
        Action::Created => subscriptions::insert(tx, &new.row),
        _ => Ok(subscription::put_over(tx, &new.row, new.said)?.is_some()),
    }
}
