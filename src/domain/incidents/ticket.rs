//! An occurrence of an anomaly, and the end of its cause: each prepared before a transaction and written in it.
//!
//! A unit of work can run again, so nothing random is drawn inside of it.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    Cause, State,
    news::{Desk, News},
};
use crate::{
    domain::{
        Context,
        journal::{self, Kind, Subject},
    },
    kernel::fault::Result,
    storage::{
        Tx,
        incidents::{self, IncidentRow, Noted},
        journal::{EntryRow, append},
    },
};

/// An occurrence, ready to be written.
#[derive(Clone)]
pub struct Ticket {
    row: IncidentRow,
    entry: EntryRow,
    news: News,
}

/// Makes the ticket of an anomaly that happens now, with its particulars (ids, dates and codes only).
pub fn prepare(ctx: &Context, cause: Cause, detail: Json) -> Result<Ticket> {
    let (id, now) = (cause.id(), ctx.clock.now());
    let told = json!({ "incidentId": id, "code": cause.code.as_str() });
    Ok(Ticket {
        entry: entry(ctx, Kind::IncidentOpened, &cause, told)?,
        news: news(ctx, &cause, id)?,
        row: row(cause, id, now, detail),
    })
}

impl Ticket {
    /// The incident's id.
    pub fn id(&self) -> Uuid {
        self.row.id
    }

    /// Opens the incident, or counts the occurrence in the one that stands; in the transaction of what failed.
    pub fn open(&self, tx: &mut Tx<'_>) -> Result<Noted> {
        let (noted, now) = (incidents::note(tx, &self.row)?, self.row.last_at);
        if noted != Noted::Counted {
            append(tx, &self.entry)?;
            self.news.queue_push(tx, now)?;
        }
        self.news.queue_mail(tx, now)?;
        Ok(noted)
    }
}

/// The end of a cause, ready to be written.
#[derive(Clone)]
pub struct Clearing {
    id: Uuid,
    at: Timestamp,
    entry: EntryRow,
    news: News,
}

/// The incident of a cause, where one stands: open, or with somebody who has taken note of it.
pub async fn standing(ctx: &Context, cause: &Cause) -> Result<Option<IncidentRow>> {
    let id = cause.id();
    let row = ctx.store.read(move |tx| incidents::find(tx, id)).await?;
    Ok(row.filter(|row| row.state != State::Resolved.as_str()))
}

/// Makes the end of a cause that is gone now.
pub fn clear(ctx: &Context, cause: &Cause) -> Result<Clearing> {
    let id = cause.id();
    let told = json!({ "incidentId": id, "code": cause.code.as_str() });
    Ok(Clearing {
        id,
        at: ctx.clock.now(),
        entry: entry(ctx, Kind::IncidentResolved, cause, told)?,
        news: news(ctx, cause, id)?,
    })
}

impl Clearing {
    /// Resolves the incident; does nothing where none stands open. Answers whether one did.
    pub fn close(&self, tx: &mut Tx<'_>) -> Result<bool> {
        let resolved = incidents::resolve(tx, self.id, self.at, None)?;
        if resolved {
            append(tx, &self.entry)?;
            self.news.queue_push(tx, self.at)?;
        }
        Ok(resolved)
    }
}

fn news(ctx: &Context, cause: &Cause, id: Uuid) -> Result<News> {
    let desk = Desk {
        config: &ctx.config,
        clock: &ctx.clock,
        entropy: &ctx.entropy,
    };
    let project = cause.project.as_deref();
    News::of(&desk, id, Some(cause.code), project, &cause.owner)
}

fn entry(ctx: &Context, kind: Kind, cause: &Cause, detail: Json) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: cause.exchange_id,
        project: cause.project.clone(),
        owner: cause.owner.clone(),
    };
    journal::entry(&ctx.clock, &ctx.entropy, kind, subject, detail)
}

/// What a first occurrence leaves.
fn row(cause: Cause, id: Uuid, now: Timestamp, detail: Json) -> IncidentRow {
    IncidentRow {
        id,
        code: cause.code.as_str().to_owned(),
        project: cause.project,
        owner: cause.owner,
        exchange_id: cause.exchange_id,
        state: State::Open.as_str().to_owned(),
        count: 1,
        first_at: now,
        opened_at: now,
        last_at: now,
        acknowledged: None,
        resolved: None,
        called: None,
        mail_after: now,
        mailed_at: None,
        detail,
    }
}
