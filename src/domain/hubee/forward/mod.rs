//! What a project accepts goes on as a télédossier of the hub (setting `forward`): one folder for each piece or archive, with
//! one case for the recipient of the settings and one attachment for each file. An archive of very many files goes on as
//! several folders, its parts, each of as many files as a folder takes.
//!
//! | file | what it holds |
//! |---|---|
//! | [`contents`] | the files, and whether they may go |
//! | [`part`] | what a part is called |
//! | [`deposit`] | a folder made of a part's files |
//! | [`told`] | what the journal and the operator learn |
//!
//! **The way of it.** The exchange's own transaction queues a job ([`job`]). It waits for the antivirus where one is
//! demanded (nothing goes before all may), then does as a depositor would, by the same functions: the folder is created in the name of the process's
//! OSL, its files stream from blob to blob, it is completed. The folder's external id is made of the exchange's id, so that a
//! job that died goes on with the folder that it finds. Each part is noted once it went, the last with the end of the job;
//! what is noted is not made again. The same transaction notes both ids in the journal, under either:
//! the exchange's trace shows the folder, the folder's the exchange, and so do the case's partner attributes.
//!
//! What is in quarantine never goes, and its trace says so. What the hub refuses (an inactive process, no subscription, a format
//! that is not taken) is an incident; the job is given up and stays, for an operator to have it tried again.

mod contents;
mod deposit;
mod part;
mod told;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use self::{
    contents::{File, Leave, Walk},
    part::Part,
};
use super::Refusal;
use crate::{
    config::Forward,
    domain::{
        Context,
        archives::sending::process,
        exchanges::{PIECE, Status},
        ged::scan,
        jobs::{self, ARCHIVE_LANE, Effects, End, FORWARD_LANE, Kind, Settlement},
    },
    kernel::{failpoint, fault::Result},
    storage::{
        exchanges::{self, ExchangeRow},
        hubee::forwards,
        jobs::{JobRow, NewJob},
    },
};

/// How long a job waits for the antivirus before it looks again.
const SCAN: Duration = Duration::from_secs(10);

/// The job that sends `exchange` on, where its project says so.
pub fn job(ctx: &Context, exchange: &ExchangeRow, now: Timestamp) -> Result<Option<NewJob>> {
    let job = setting(ctx, exchange).map(|_| {
        let owner = &exchange.owner;
        jobs::new(ctx, Kind::Forward, FORWARD_LANE, exchange.id, owner, now)
    });
    job.transpose()
}

fn setting(ctx: &Context, exchange: &ExchangeRow) -> Option<Forward> {
    ctx.config.gateway.hubee.as_ref()?;
    let project = ctx.config.projects.get(&exchange.project)?;
    project.forward.clone()
}

/// Sends on the exchange that `job` is about.
pub async fn run(ctx: &Context, job: &JobRow) -> Result<Settlement> {
    let id = job.subject;
    let found = ctx
        .store
        .read(move |tx| Ok((exchanges::find(tx, id)?, forwards::find(tx, id)?)));
    let (Some(exchange), progress) = found.await? else {
        return Ok(Settlement::bare(End::Done));
    };
    let setting = setting(ctx, &exchange);
    let is_needless = progress.whole || exchange.status == Status::Purged.as_str();
    let Some(forward) = setting.filter(|_| !is_needless) else {
        return told::needless(ctx, &exchange);
    };
    match contents::leave(ctx, &exchange).await? {
        Leave::Refused => told::withheld(ctx, &exchange, &forward),
        Leave::Awaited => awaited(ctx, &exchange),
        Leave::Granted(parts) => sent(ctx, exchange, forward, (progress.parts, parts)).await,
    }
}

/// Sends on part after part, from after those that are `done`.
async fn sent(
    ctx: &Context,
    exchange: ExchangeRow,
    forward: Forward,
    (done, of): (u32, u32),
) -> Result<Settlement> {
    let mut walk = Walk::new(ctx, &exchange).await?;
    for number in 1..=of {
        let files = walk.part(ctx).await?;
        if number <= done {
            continue;
        }
        match contents::of_part(ctx, &exchange, &files).await? {
            Leave::Refused => return told::withheld(ctx, &exchange, &forward),
            Leave::Awaited => return awaited(ctx, &exchange),
            Leave::Granted(_) => {}
        }
        let part = Part { number, of };
        let folder = match deposited(ctx, &exchange, &forward, (part, &files)).await? {
            Ok(folder) => folder,
            Err(faults) => return told::refused(ctx, &exchange, &faults),
        };
        let note = told::Note::new(ctx, &exchange, &forward, (part, folder))?;
        if number == of {
            return note.settled(ctx, &exchange);
        }
        ctx.store.write(move |tx| note.write(tx)).await?;
    }
    // Without a part, there is nothing to do.
    told::needless(ctx, &exchange)
}

/// A part's folder, or what the hub has against it.
async fn deposited(
    ctx: &Context,
    exchange: &ExchangeRow,
    forward: &Forward,
    part: (Part, &[File]),
) -> Result<std::result::Result<Uuid, Vec<String>>> {
    failpoint::hit("forward.before-deposit");
    match deposit::deposited(ctx, exchange, forward, part).await {
        Ok(folder) => Ok(Ok(folder)),
        Err(Refusal::Fault(fault)) => Err(fault),
        Err(Refusal::Bad(faults)) => Ok(Err(faults)),
        Err(other) => Ok(Err(vec![format!("{other:?}")])),
    }
}

/// Looks again later. What was accepted before its project demanded the antivirus may have nobody left who asks it: then this
/// does.
fn awaited(ctx: &Context, exchange: &ExchangeRow) -> Result<Settlement> {
    let end = End::Retry {
        at: jobs::later(ctx, SCAN),
        why: "awaiting-scan".to_owned(),
    };
    let now = ctx.clock.now();
    let effects: Effects = if exchange.kind == PIECE {
        let look = scan::job(ctx, exchange, now)?;
        Box::new(move |tx| scan::ask(tx, &look, now))
    } else {
        let (kind, owner) = (Kind::ProcessArchive, &exchange.owner);
        let looks = jobs::new(ctx, kind, ARCHIVE_LANE, exchange.id, owner, now)?;
        Box::new(move |tx| process::ask_looks(tx, &looks, now).map(drop))
    };
    Ok(Settlement { end, effects })
}
