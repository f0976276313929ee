//! What is told of an exchange that goes on, or does not: entries under its own id and the folder's, incidents for the operator.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::part::Part;
use crate::{
    config::Forward,
    domain::{
        Context,
        exchanges::HUB,
        incidents::{Cause, Clearing, Code, clear, prepare},
        jobs::{End, Settlement},
        journal::{self, Kind as EntryKind, Subject},
    },
    kernel::fault::Result,
    storage::{
        Tx,
        exchanges::ExchangeRow,
        hubee::forwards,
        journal::{EntryRow, append},
    },
};

/// What is written of a part that went on: a row, and an entry under either id.
pub(super) struct Note {
    exchange: ExchangeRow,
    forward: Forward,
    part: Part,
    folder: Uuid,
    now: Timestamp,
    entries: [EntryRow; 2],
}

impl Note {
    /// That a part of `exchange` went on as `folder`.
    pub(super) fn new(
        ctx: &Context,
        exchange: &ExchangeRow,
        forward: &Forward,
        (part, folder): (Part, Uuid),
    ) -> Result<Self> {
        let there = json!({ "folderId": folder, "processCode": forward.process, "recipient": forward.recipient });
        let back = json!({ "reconciliationId": exchange.id, "project": exchange.project });
        let entry =
            |at, detail| entry(ctx, exchange, (EntryKind::Forwarded, at), part.told(detail));
        Ok(Self {
            entries: [
                entry((exchange.id, &*exchange.project), there)?,
                entry((folder, HUB), back)?,
            ],
            exchange: exchange.clone(),
            forward: forward.clone(),
            part,
            folder,
            now: ctx.clock.now(),
        })
    }

    /// Writes it, where it was not written before.
    pub(super) fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        let to = (&*self.forward.process, &*self.forward.recipient);
        let far = (self.folder, self.part.progress());
        if forwards::note(tx, &self.exchange, to, far, self.now)? {
            self.entries
                .iter()
                .try_for_each(|entry| append(tx, entry))?;
        }
        Ok(())
    }

    /// The end of a job whose last part this was: nothing keeps the exchange back any more.
    pub(super) fn settled(self, ctx: &Context, exchange: &ExchangeRow) -> Result<Settlement> {
        let over = over(ctx, exchange)?;
        Ok(Settlement {
            end: End::Done,
            effects: Box::new(move |tx| {
                self.write(tx)?;
                over.close(tx).map(drop)
            }),
        })
    }
}

/// What is in quarantine does not go, whatever kept it back before; the trace says so.
pub(super) fn withheld(
    ctx: &Context,
    exchange: &ExchangeRow,
    forward: &Forward,
) -> Result<Settlement> {
    let detail = json!({ "reason": "quarantined", "processCode": forward.process, "recipient": forward.recipient });
    let at = (exchange.id, &*exchange.project);
    let entry = entry(ctx, exchange, (EntryKind::Withheld, at), detail)?;
    let over = over(ctx, exchange)?;
    Ok(Settlement {
        end: End::Done,
        effects: Box::new(move |tx| {
            append(tx, &entry)?;
            over.close(tx).map(drop)
        }),
    })
}

/// Nothing is to go on any more, and nobody has anything to mend.
pub(super) fn needless(ctx: &Context, exchange: &ExchangeRow) -> Result<Settlement> {
    let over = over(ctx, exchange)?;
    Ok(Settlement {
        end: End::Done,
        effects: Box::new(move |tx| over.close(tx).map(drop)),
    })
}

/// The end of what kept an exchange back.
fn over(ctx: &Context, exchange: &ExchangeRow) -> Result<Clearing> {
    clear(ctx, &Cause::of_exchange(Code::ForwardFailed, exchange))
}

/// Given up until an operator has mended the settings or the referential.
pub(super) fn refused(
    ctx: &Context,
    exchange: &ExchangeRow,
    faults: &[String],
) -> Result<Settlement> {
    let cause = Cause::of_exchange(Code::ForwardFailed, exchange);
    let ticket = prepare(ctx, cause, json!({ "faults": faults }))?;
    Ok(Settlement {
        end: End::Fail {
            why: faults.join("; "),
        },
        effects: Box::new(move |tx| ticket.open(tx).map(drop)),
    })
}

fn entry(
    ctx: &Context,
    exchange: &ExchangeRow,
    (kind, (id, project)): (EntryKind, (Uuid, &str)),
    detail: Json,
) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: Some(id),
        project: Some(project.to_owned()),
        owner: exchange.owner.clone(),
    };
    journal::entry(&ctx.clock, &ctx.entropy, kind, subject, detail)
}
