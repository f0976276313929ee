//! What a project accepts goes on as a télédossier of the hub (setting `forward`): one folder for each piece or archive, with
//! one case for the recipient of the settings and one attachment for each file.
//!
//! **The way of it.** The exchange's own transaction queues a job ([`job`]). It waits for the antivirus where one is
//! demanded, then does as a depositor would, by the same functions: the folder is created in the name of the process's
//! OSL, its files stream from blob to blob, it is completed. The folder's external id is made of the exchange's id, so that a
//! job that died goes on with the folder that it finds. The last transaction notes both ids in the journal, under either:
//! the exchange's trace shows the folder, the folder's the exchange, and so do the case's partner attributes.
//!
//! What the hub refuses (an inactive process, no subscription, a format that is not taken) is an incident; the job is
//! given up and stays, for an operator to have it tried again.

mod contents;
mod deposit;

use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use self::contents::Found;
use super::Refusal;
use crate::{
    config::Forward,
    domain::{
        Context,
        exchanges::{HUB, Status},
        incidents::{Cause, Code, clear, prepare},
        jobs::{self, End, FORWARD_LANE, Kind, Settlement},
        journal::{self, Kind as EntryKind, Subject},
    },
    kernel::{failpoint, fault::Result},
    storage::{
        exchanges::{self, ExchangeRow},
        hubee::forwards,
        jobs::{JobRow, NewJob},
        journal::append,
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
    let done = Settlement::bare(End::Done);
    let (Some(exchange), None) = found.await? else {
        return Ok(done);
    };
    let Some(forward) = setting(ctx, &exchange) else {
        return Ok(done);
    };
    if exchange.status == Status::Purged.as_str() {
        return Ok(done);
    }
    match contents::of(ctx, &exchange).await? {
        Found::Quarantined => Ok(done),
        Found::Awaited => Ok(Settlement::bare(End::Retry {
            at: jobs::later(ctx, SCAN),
            why: "awaiting-scan".to_owned(),
        })),
        Found::TooMany(count) => refused(
            ctx,
            &exchange,
            &[format!("{count} files are too many for one folder")],
        ),
        Found::Ready(files) => {
            failpoint::hit("forward.before-deposit");
            match deposit::deposited(ctx, &exchange, &forward, &files).await {
                Ok(folder) => forwarded(ctx, exchange, forward, folder),
                Err(Refusal::Fault(fault)) => Err(fault),
                Err(Refusal::Bad(faults)) => refused(ctx, &exchange, &faults),
                Err(other) => refused(ctx, &exchange, &[format!("{other:?}")]),
            }
        }
    }
}

/// Written under both ids.
fn forwarded(
    ctx: &Context,
    exchange: ExchangeRow,
    forward: Forward,
    folder: Uuid,
) -> Result<Settlement> {
    let now = ctx.clock.now();
    let there = json!({ "folderId": folder, "processCode": forward.process, "recipient": forward.recipient });
    let back = json!({ "reconciliationId": exchange.id, "project": exchange.project });
    let entries = [
        entry(ctx, &exchange, (exchange.id, &exchange.project), there)?,
        entry(ctx, &exchange, (folder, HUB), back)?,
    ];
    let over = clear(ctx, &Cause::of_exchange(Code::ForwardFailed, &exchange))?;
    Ok(Settlement {
        end: End::Done,
        effects: Box::new(move |tx| {
            let to = (&*forward.process, &*forward.recipient);
            if forwards::insert(tx, &exchange, to, folder, now)? {
                entries.iter().try_for_each(|entry| append(tx, entry))?;
            }
            over.close(tx).map(drop)
        }),
    })
}

fn entry(
    ctx: &Context,
    exchange: &ExchangeRow,
    (id, project): (Uuid, &str),
    detail: Json,
) -> Result<crate::storage::journal::EntryRow> {
    let subject = Subject {
        exchange_id: Some(id),
        project: Some(project.to_owned()),
        owner: exchange.owner.clone(),
    };
    journal::entry(
        &ctx.clock,
        &ctx.entropy,
        EntryKind::Forwarded,
        subject,
        detail,
    )
}

/// Given up until an operator has mended the settings or the referential.
fn refused(ctx: &Context, exchange: &ExchangeRow, faults: &[String]) -> Result<Settlement> {
    let cause = Cause::of_exchange(Code::ForwardFailed, exchange);
    let ticket = prepare(ctx, cause, json!({ "faults": faults }))?;
    Ok(Settlement {
        end: End::Fail {
            why: faults.join("; "),
        },
        effects: Box::new(move |tx| ticket.open(tx).map(drop)),
    })
}

/// The external id of the folder that `exchange` goes on as: 26 characters that are always the same.
pub fn external_id(exchange: Uuid) -> String {
    BASE32_NOPAD.encode(exchange.as_bytes())
}
