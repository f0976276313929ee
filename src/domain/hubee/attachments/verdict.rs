//! The work of a `scan-attachment` job: a file whose upload met a silent antivirus is asked about again, later and later, a
//! minute at most, and as soon as the antivirus is back (R15b).
//!
//! With the verdict, and in its transaction, the folder goes on where it was completed meanwhile. Ten minutes without one open
//! an incident, at once where it lies with the file itself.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use super::{
    Status,
    unjudged::{self, common_cause, own_cause},
    written::File,
};
use crate::{
    domain::{
        Context,
        exchanges::HUB,
        ged::{
            scan,
            verdict::{self, Verdict},
        },
        hubee::completion,
        incidents::{self, Cause, Clearing, Ticket},
        jobs::{self, End, Settlement},
        journal::Kind,
    },
    kernel::{
        failpoint,
        fault::{Fault, Result},
    },
    outbound::clamd::{Clamd, Scanned, Why},
    storage::{
        Prepared, Tx,
        documents::{self, DocumentRow},
        hubee::{
            attachments::{self, AttachmentRow, Placed},
            folders,
        },
        jobs::JobRow,
    },
};

/// How long the antivirus is left alone after an upload met it silent.
pub const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause between two scans of one file.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long a file may wait before people are told (R15b).
const NOTABLE: SignedDuration = SignedDuration::from_mins(10);

/// A file that waits.
struct Waiting {
    attachment: AttachmentRow,
    document: DocumentRow,
}

/// Asks about the attachment that `job` names, where its file still waits.
///
/// Fails where the file cannot be read.
pub async fn run(ctx: &Context, antivirus: Option<&Clamd>, job: &JobRow) -> Result<Settlement> {
    let Some(waiting) = waiting(ctx, job.subject).await? else {
        return unjudged::gone(ctx);
    };
    if !verdict::is_demanded(ctx, HUB) {
        return waiting.spoken(ctx, None);
    }
    let said = match scan::scan(ctx, antivirus, HUB, &waiting.document).await {
        Ok(said) => said,
        Err(fault) => return waiting.unless_replaced(ctx, fault).await,
    };
    failpoint::hit("attachment.before-verdict");
    match said {
        Scanned::Unknown(why) => waiting.silent(ctx, job, why),
        said => waiting.spoken(ctx, Some(said)),
    }
}

async fn waiting(ctx: &Context, id: Uuid) -> Result<Option<Waiting>> {
    let found = ctx.store.read(move |tx| {
        let row = attachments::find(tx, id)?;
        let row = row.filter(unjudged::waits);
        let file = row.as_ref().and_then(|row| row.document_id);
        let file = file.map(|file| documents::find(tx, file)).transpose()?;
        Ok(row.zip(file.flatten()))
    });
    let found = found.await?;
    Ok(found.map(|(attachment, document)| Waiting {
        attachment,
        document,
    }))
}

/// What a verdict writes.
struct Judgment {
    placed: Placed,
    status: Status,
    statements: Vec<Prepared>,
    ticket: Option<Ticket>,
    /// The end of its folder's incident, and of the hub's.
    over: Clearing,
    back: Clearing,
    folder: Uuid,
    of_event: bool,
}

impl Waiting {
    /// A file that was replaced while it was looked at goes under the antivirus's eyes; the other has a verdict, or a job, of
    /// its own.
    async fn unless_replaced(&self, ctx: &Context, fault: Fault) -> Result<Settlement> {
        let now = waiting(ctx, self.attachment.id).await?;
        match now.is_some_and(|now| now.document.id == self.document.id) {
            true => Err(fault),
            false => unjudged::gone(ctx),
        }
    }

    /// The antivirus has spoken, or is not asked any more.
    fn spoken(self, ctx: &Context, said: Option<Scanned>) -> Result<Settlement> {
        let file = self.file(ctx);
        let mut judgment = self.judgment(ctx)?;
        match said {
            Some(Scanned::Found(signature)) => {
                let (all, ticket) = file.infected(signature)?;
                judgment.status = Status::Corrupted;
                judgment.statements = all;
                judgment.ticket = Some(ticket);
            }
            said => {
                judgment.statements = file.entry(Kind::AttachmentScanned, file.detail())?;
                let clean = said.map(|_| file.verdict(Verdict::Clean, None));
                judgment.statements.extend(clean);
            }
        }
        let ctx = ctx.clone();
        Ok(Settlement {
            end: End::Done,
            effects: Box::new(move |tx| judgment.write(tx, &ctx)),
        })
    }

    fn judgment(&self, ctx: &Context) -> Result<Judgment> {
        Ok(Judgment {
            placed: self.placed(ctx),
            status: Status::Received,
            statements: Vec::new(),
            ticket: None,
            over: unjudged::over(ctx, self.attachment.folder_id, &self.attachment.owner)?,
            back: incidents::clear(ctx, &common_cause(ctx))?,
            folder: self.attachment.folder_id,
            of_event: self.attachment.event_id.is_some(),
        })
    }

    /// Asked again later.
    fn silent(self, ctx: &Context, job: &JobRow, why: Why) -> Result<Settlement> {
        let end = End::Retry {
            at: jobs::later(ctx, pause(job.attempts)),
            why: why.to_string(),
        };
        let Some(cause) = self.notable(ctx, why) else {
            return Ok(Settlement::bare(end));
        };
        let detail = json!({ "reason": why.to_string(), "attachmentId": self.attachment.id });
        let (ticket, file) = (incidents::prepare(ctx, cause, detail)?, self.placed(ctx));
        Ok(Settlement {
            end,
            effects: Box::new(move |tx| unjudged::tell(tx, &ticket, &file)),
        })
    }

    /// What people are to be told of, if anything.
    fn notable(&self, ctx: &Context, why: Why) -> Option<Cause> {
        if why.is_of_the_content() {
            let attachment = &self.attachment;
            return Some(own_cause(attachment.folder_id, &attachment.owner));
        }
        let since = self
            .attachment
            .updated_at
            .unwrap_or(self.attachment.created_at);
        let waited = ctx.clock.now().duration_since(since);
        (waited >= NOTABLE).then(|| common_cause(ctx))
    }

    fn placed(&self, ctx: &Context) -> Placed {
        Placed {
            id: self.attachment.id,
            document_id: self.document.id,
            at: ctx.clock.now(),
        }
    }

    fn file<'a>(&'a self, ctx: &'a Context) -> File<'a> {
        File {
            ctx,
            attachment: &self.attachment,
            document: &self.document,
        }
    }
}

impl Judgment {
    /// Of a file in whose place another is since, only that the antivirus is there.
    fn write(&self, tx: &mut Tx<'_>, ctx: &Context) -> Result<()> {
        if !self.of_event {
            folders::lock(tx, self.folder)?;
        }
        if attachments::judge(tx, &self.placed, self.status.as_str())? {
            self.follow(tx, ctx)?;
        }
        self.back.close(tx).map(drop)
    }

    fn follow(&self, tx: &mut Tx<'_>, ctx: &Context) -> Result<()> {
        tx.run_all(&self.statements)?;
        if let Some(ticket) = &self.ticket {
            ticket.open(tx)?;
        }
        self.over.close(tx)?;
        match self.of_event {
            true => Ok(()),
            false => completion::resume(tx, ctx, self.folder).map(drop),
        }
    }
}

/// How long to wait after the `attempts`th scan without a verdict: 2 s, doubled each time, a minute at most.
fn pause(attempts: u32) -> Duration {
    let seconds = 2u64.checked_shl(attempts.min(16)).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(LONGEST_PAUSE)
}
