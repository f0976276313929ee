//! What the transaction of a file writes, made before it: a unit of work may run again, and draws nothing.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    Status,
    target::Target,
    unjudged::{self, cause},
    verdict,
};
use crate::{
    domain::{
        Context,
        exchanges::HUB,
        ged::verdict::Verdict,
        hubee::{Result, refusal},
        incidents::{self, Clearing, Code as Anomaly, Ticket},
        jobs,
        journal::{self, Kind, Subject},
    },
    kernel::{digest::hex, fault::Result as Kept},
    outbound::clamd::{Scanned, Why},
    storage::{
        Prepared, Tx,
        exchanges::{self, DocumentRow},
        hubee::{
            attachments::{self, AttachmentRow, Placed},
            files,
        },
        jobs as job_rows,
        journal::{self as journal_rows, EntryRow},
        scans::{self, ScanRow},
    },
};

/// Statements with their values, for one batch.
type Statements = Vec<Prepared>;

/// A file that takes its place.
#[derive(Clone)]
pub(super) struct Placing {
    target: Target,
    placed: Placed,
    status: Status,
    statements: Statements,
    ticket: Option<Ticket>,
    over: Clearing,
}

impl Placing {
    /// Prepares what `said`, the antivirus's word where one was asked for, makes of a stored file.
    pub(super) fn prepare(
        ctx: &Context,
        target: Target,
        document: DocumentRow,
        said: Option<Scanned>,
    ) -> Kept<Self> {
        let placed = Placed {
            id: target.attachment.id,
            document_id: document.id,
            at: ctx.clock.now(),
        };
        let file = File {
            ctx,
            attachment: &target.attachment,
            document: &document,
        };
        let (status, mut more, ticket) = match said {
            None => (Status::Received, file.received(None)?, None),
            Some(Scanned::Clean) => {
                let clean = Some(Verdict::Clean.as_str());
                let mut all = file.received(clean)?;
                all.push(file.verdict(Verdict::Clean, None));
                (Status::Received, all, None)
            }
            Some(Scanned::Found(signature)) => {
                let (all, ticket) = file.infected(signature)?;
                (Status::Corrupted, all, Some(ticket))
            }
            Some(Scanned::Unknown(why)) => (Status::Scanning, file.waiting(why)?, None),
        };
        let mut statements = vec![exchanges::insert_document(&document)];
        statements.append(&mut more);
        Ok(Self {
            over: unjudged::over(ctx, document.exchange_id, &document.owner)?,
            target,
            placed,
            status,
            statements,
            ticket,
        })
    }

    /// Where the attachment stands from then on.
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// Writes it all; the file that was there before is given up. Answers that one.
    pub(super) async fn write(self, ctx: &Context) -> Result<Option<Uuid>> {
        refusal::write(&ctx.store, move |tx| {
            let before = self.target.hold(tx)?;
            give_up(tx, &before, self.placed.document_id, self.placed.at)?;
            tx.run_all(&self.statements)?;
            attachments::place(tx, &self.placed, self.status.as_str())?;
            if self.status != Status::Scanning && unjudged::waits(&before) {
                self.over.close(tx)?;
            }
            if let Some(ticket) = &self.ticket {
                ticket.open(tx)?;
            }
            Ok(before.document_id)
        })
        .await
    }
}

/// A file that is not the announced one.
pub(super) struct Rejection {
    target: Target,
    entry: EntryRow,
    over: Clearing,
}

impl Rejection {
    pub(super) fn prepare(ctx: &Context, target: Target) -> Kept<Self> {
        let attachment = &target.attachment;
        let detail = json!({ "attachmentId": attachment.id });
        Ok(Self {
            entry: entry(ctx, attachment, Kind::AttachmentRejected, detail)?,
            over: unjudged::over(ctx, attachment.folder_id, &attachment.owner)?,
            target,
        })
    }

    /// Notes it; the file that was there before is given up too, for it was to be replaced. Answers that one.
    pub(super) async fn write(self, ctx: &Context) -> Result<Option<Uuid>> {
        refusal::write(&ctx.store, move |tx| {
            let before = self.target.hold(tx)?;
            give_up(tx, &before, self.entry.id, self.entry.at)?;
            attachments::reject(tx, before.id, self.entry.at)?;
            if unjudged::waits(&before) {
                self.over.close(tx)?;
            }
            journal_rows::append(tx, &self.entry)?;
            Ok(before.document_id)
        })
        .await
    }
}

/// Gives up the file of an attachment, in the transaction that fills its place or empties it.
fn give_up(tx: &mut Tx<'_>, attachment: &AttachmentRow, run: Uuid, at: Timestamp) -> Kept<()> {
    match attachment.document_id {
        Some(document) => files::give_up(tx, run, at, &[document]),
        None => Ok(()),
    }
}

/// A stored file and what it is to be.
pub(super) struct File<'a> {
    pub(super) ctx: &'a Context,
    pub(super) attachment: &'a AttachmentRow,
    pub(super) document: &'a DocumentRow,
}

impl File<'_> {
    /// It is stored, and free to be read.
    fn received(&self, antivirus: Option<&str>) -> Kept<Statements> {
        let mut detail = self.detail();
        detail["size"] = json!(self.document.size);
        detail["antivirus"] = json!(antivirus);
        self.entry(Kind::AttachmentReceived, detail)
    }

    /// A signature was found in it: it stays, and nobody gets it.
    pub(super) fn infected(&self, signature: String) -> Kept<(Statements, Ticket)> {
        let attachment = self.attachment;
        tracing::warn!(folder = %attachment.folder_id, attachment = %attachment.id, signature, "the antivirus found a signature; the file is in quarantine");
        let mut detail = self.detail();
        detail["signature"] = json!(signature);
        let cause = cause(Anomaly::Infected, attachment.folder_id, &attachment.owner);
        let ticket = incidents::prepare(self.ctx, cause, detail.clone())?;
        let mut all = self.entry(Kind::AttachmentQuarantined, detail)?;
        all.push(self.verdict(Verdict::Infected, Some(signature)));
        Ok((all, ticket))
    }

    /// The antivirus is silent: a job asks again.
    fn waiting(&self, why: Why) -> Kept<Statements> {
        let attachment = self.attachment;
        tracing::warn!(folder = %attachment.folder_id, attachment = %attachment.id, %why, "the antivirus gave no verdict; the file waits");
        let mut detail = self.detail();
        detail["reason"] = json!(why.to_string());
        let now = self.ctx.clock.now();
        let at = jobs::later(self.ctx, verdict::FIRST_PAUSE);
        let (kind, lane) = (jobs::Kind::ScanAttachment, jobs::SCAN_LANE);
        let job = jobs::new(self.ctx, kind, lane, attachment.id, &attachment.owner, at)?;
        let mut all = self.entry(Kind::AttachmentAwaitsScan, detail)?;
        all.push(job_rows::queue(&job, now));
        Ok(all)
    }

    /// The antivirus's word, to be kept.
    pub(super) fn verdict(&self, verdict: Verdict, signature: Option<String>) -> Prepared {
        scans::insert(&ScanRow {
            document_id: self.document.id,
            exchange_id: self.attachment.folder_id,
            owner: self.attachment.owner.clone(),
            verdict: verdict.as_str().to_owned(),
            signature,
            at: self.ctx.clock.now(),
        })
    }

    pub(super) fn detail(&self) -> Json {
        json!({ "attachmentId": self.attachment.id, "sha256": hex(&self.document.sha256) })
    }

    pub(super) fn entry(&self, kind: Kind, detail: Json) -> Kept<Statements> {
        let entry = entry(self.ctx, self.attachment, kind, detail)?;
        Ok(journal_rows::appending(&entry).into())
    }
}

fn entry(ctx: &Context, attachment: &AttachmentRow, kind: Kind, detail: Json) -> Kept<EntryRow> {
    let subject = Subject {
        exchange_id: Some(attachment.folder_id),
        project: Some(HUB.to_owned()),
        owner: attachment.owner.clone(),
    };
    journal::entry(
        &ctx.clock,
        &ctx.entropy,
        kind,
        subject,
        with_event(attachment, detail),
    )
}

fn with_event(attachment: &AttachmentRow, mut detail: Json) -> Json {
    if let Some(event) = attachment.event_id {
        detail["eventId"] = json!(Uuid::to_string(&event));
    }
    detail
}
