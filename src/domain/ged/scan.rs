//! The work of a `scan` job: has a document looked at by the antivirus, and says how its exchange goes on.
//!
//! Clean: its processing is queued. A signature: the document is in quarantine, its processing makes the return that names
//! the signature, an incident is opened. No verdict: the exchange waits as `awaiting-scan`, and is asked about again, later
//! and later, a minute at most; [`super::watch`] has all of them asked again as soon as the antivirus is back.
//!
//! A job of this kind has a lane of its own, so that an antivirus that hangs holds up no other project.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    documents,
    verdict::{self, Verdict},
};
use crate::{
    domain::{
        Context,
        exchanges::Status,
        incidents::{self, Cause, Clearing, Code as Anomaly, Ticket},
        jobs::{self, End, PROCESS_LANE, SCAN_LANE, Settlement},
        journal::{self, Kind, Subject},
    },
    kernel::{
        digest::hex,
        failpoint,
        fault::{Fault, Result},
    },
    outbound::clamd::{Clamd, Scanned, Why},
    storage::{
        Prepared, Tx,
        exchanges::{self, DocumentRow, ExchangeRow},
        jobs::{self as job_rows, JobRow, NewJob},
        journal as journal_rows, returns,
        scans::{self, ScanRow},
    },
};

/// How long a sender who is kept waiting for the verdict waits for its turn.
pub const TURN: Duration = Duration::from_secs(30);
/// The longest pause between two scans of one document.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Has a document looked at: the one door to the antivirus, for every channel.
///
/// Fails where the document cannot be read, or the antivirus was taken out of the settings while documents wait for it.
pub async fn scan(
    ctx: &Context,
    antivirus: Option<&Clamd>,
    project: &str,
    document: &DocumentRow,
) -> Result<Scanned> {
    let Some(antivirus) = antivirus else {
        return Ok(Scanned::Unknown(Why::Down));
    };
    let reader = documents::reader(ctx, project, document).await?;
    antivirus.scan(document.size, reader.whole()).await
}

/// Has the content of the exchange that `job` is about looked at.
pub async fn run(ctx: &Context, antivirus: Option<&Clamd>, job: &JobRow) -> Result<Settlement> {
    let (exchange, content) = found(ctx, job).await?;
    if !verdict::is_demanded(ctx, &exchange.project) {
        return Work {
            ctx,
            exchange,
            content,
        }
        .unasked();
    }
    let outcome = scan(ctx, antivirus, &exchange.project, &content).await?;
    failpoint::hit("scan.before-settle");
    let work = Work {
        ctx,
        exchange,
        content,
    };
    metrics::counter!("navette_scans_total", "outcome" => word(&outcome)).increment(1);
    match outcome {
        Scanned::Clean => work.clean(),
        Scanned::Found(signature) => work.infected(signature),
        Scanned::Unknown(why) => work.waiting(job, why).await,
    }
}

fn word(outcome: &Scanned) -> &'static str {
    match outcome {
        Scanned::Clean => "clean",
        Scanned::Found(_) => "infected",
        Scanned::Unknown(_) => "unknown",
    }
}

async fn found(ctx: &Context, job: &JobRow) -> Result<(ExchangeRow, DocumentRow)> {
    let id = job.subject;
    let missing = move || Fault::internal(format!("exchange {id} or its content has no row"));
    let found = ctx.store.read(move |tx| {
        let exchange = exchanges::find(tx, id)?.ok_or_else(missing)?;
        let content = exchanges::documents(tx, id)?.into_iter();
        let content = content.into_iter().find(|row| row.role == "content");
        Ok((exchange, content.ok_or_else(missing)?))
    });
    found.await
}

/// An exchange whose content was looked at.
struct Work<'a> {
    ctx: &'a Context,
    exchange: ExchangeRow,
    content: DocumentRow,
}

/// What a verdict writes, made before its transaction.
struct Written {
    statements: Vec<Prepared>,
    status: Option<(Uuid, Status)>,
    ticket: Option<Ticket>,
    over: Vec<Clearing>,
    /// What follows, unless the exchange was answered before its project demanded a scan.
    next: Option<NewJob>,
}

impl Written {
    fn settlement(self, end: End) -> Settlement {
        Settlement {
            end,
            effects: Box::new(move |tx| self.write(tx)),
        }
    }

    fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        tx.run_all(&self.statements)?;
        if let Some((exchange, status)) = self.status {
            exchanges::set_status(tx, exchange, status.as_str())?;
        }
        if let Some(ticket) = &self.ticket {
            ticket.open(tx)?;
        }
        if let Some(next) = &self.next
            && returns::state_of(tx, next.subject)?.is_none()
        {
            let (sql, values) = job_rows::queue(next, next.run_at);
            tx.execute(sql, &values)?;
        }
        self.over
            .iter()
            .try_for_each(|over| over.close(tx).map(drop))
    }
}

impl Work<'_> {
    fn clean(self) -> Result<Settlement> {
        let mut written = self.given(Verdict::Clean, None)?;
        let sha256 = hex(&self.content.sha256);
        written
            .statements
            .extend(self.entry(Kind::PieceScanned, json!({ "sha256": sha256 }))?);
        Ok(written.settlement(End::Done))
    }

    fn infected(self, signature: String) -> Result<Settlement> {
        tracing::warn!(reconciliation_id = %self.exchange.id, signature, "the antivirus found a signature; the content is in quarantine");
        let detail = json!({ "signature": signature, "sha256": hex(&self.content.sha256) });
        let mut written = self.given(Verdict::Infected, Some(signature))?;
        written
            .statements
            .extend(self.entry(Kind::PieceQuarantined, detail.clone())?);
        let cause = Cause::of_exchange(Anomaly::Infected, &self.exchange);
        written.ticket = Some(incidents::prepare(self.ctx, cause, detail)?);
        Ok(written.settlement(End::Done))
    }

    /// Its project demands no scan any more: it goes on as others do.
    fn unasked(self) -> Result<Settlement> {
        Ok(self.onward(Vec::new())?.settlement(End::Done))
    }

    /// Asked again later. What is written beside that is written once, by the first scan without a verdict, save its incident,
    /// which stands for as long as it waits; and nothing of what was answered already, whose status is another's.
    async fn waiting(self, job: &JobRow, why: Why) -> Result<Settlement> {
        let end = End::Retry {
            at: jobs::later(self.ctx, pause(job.attempts)),
            why: why.to_string(),
        };
        let is_new = self.exchange.status == Status::Received.as_str();
        let cause = match why.is_of_the_content() {
            true => self.own_cause(),
            false => self.common_cause(),
        };
        if !is_new && (!self.is_waiting() || incidents::standing(self.ctx, &cause).await?.is_some())
        {
            return Ok(Settlement::bare(end));
        }
        tracing::warn!(reconciliation_id = %self.exchange.id, %why, "the antivirus gave no verdict; the piece waits");
        let detail = json!({ "reason": why.to_string() });
        let statements = match is_new {
            true => self.entry(Kind::PieceAwaitsScan, detail.clone())?,
            false => Vec::new(),
        };
        let written = Written {
            statements,
            status: is_new.then_some((self.exchange.id, Status::AwaitingScan)),
            ticket: Some(incidents::prepare(self.ctx, cause, detail)?),
            over: Vec::new(),
            next: None,
        };
        Ok(written.settlement(end))
    }

    /// What every verdict writes: its row, and the next job.
    fn given(&self, verdict: Verdict, signature: Option<String>) -> Result<Written> {
        let row = self.row(verdict, signature, self.ctx.clock.now());
        self.onward(vec![scans::insert(&row)])
    }

    /// The next job; and the end of the wait, where there was one.
    fn onward(&self, statements: Vec<Prepared>) -> Result<Written> {
        let now = self.ctx.clock.now();
        let owner = &self.exchange.owner;
        let (kind, id) = (jobs::Kind::Process, self.exchange.id);
        let next = jobs::new(self.ctx, kind, PROCESS_LANE, id, owner, now)?;
        let over = match self.is_waiting() {
            true => vec![
                incidents::clear(self.ctx, &self.own_cause())?,
                incidents::clear(self.ctx, &self.common_cause())?,
            ],
            false => Vec::new(),
        };
        Ok(Written {
            statements,
            status: self.is_waiting().then_some((id, Status::Received)),
            ticket: None,
            over,
            next: Some(next),
        })
    }

    fn row(&self, verdict: Verdict, signature: Option<String>, at: Timestamp) -> ScanRow {
        ScanRow {
            document_id: self.content.id,
            exchange_id: self.exchange.id,
            owner: self.exchange.owner.clone(),
            verdict: verdict.as_str().to_owned(),
            signature,
            at,
        }
    }

    fn is_waiting(&self) -> bool {
        self.exchange.status == Status::AwaitingScan.as_str()
    }

    /// The cause of a content that is over the antivirus's limits.
    fn own_cause(&self) -> Cause {
        Cause::of_exchange(Anomaly::ScanUnavailable, &self.exchange)
    }

    /// The cause of an antivirus that is away, or in trouble: one for the project, however many pieces wait.
    fn common_cause(&self) -> Cause {
        Cause::of_project(self.ctx, Anomaly::ScanUnavailable, &self.exchange.project)
    }

    fn entry(&self, kind: Kind, detail: Json) -> Result<Vec<Prepared>> {
        let subject = Subject {
            exchange_id: Some(self.exchange.id),
            project: Some(self.exchange.project.clone()),
            owner: self.exchange.owner.clone(),
        };
        let entry = journal::entry(&self.ctx.clock, &self.ctx.entropy, kind, subject, detail)?;
        Ok(journal_rows::appending(&entry).into())
    }
}

/// How long to wait after the `attempts`th scan without a verdict: 2 s, doubled each time, a minute at most.
fn pause(attempts: u32) -> Duration {
    let seconds = 2u64.checked_shl(attempts.min(16)).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(LONGEST_PAUSE)
}

/// The job that has an exchange's content looked at.
pub fn job(ctx: &Context, exchange: &ExchangeRow, now: Timestamp) -> Result<NewJob> {
    let owner = &exchange.owner;
    jobs::new(ctx, jobs::Kind::Scan, SCAN_LANE, exchange.id, owner, now)
}

/// Queues `look`, a piece's scan, where nothing is there that would have it looked at. Its way to the hub may wait for that, long
/// after it was answered.
pub fn ask(tx: &mut Tx<'_>, look: &NewJob, now: Timestamp) -> Result<()> {
    for kind in [jobs::Kind::Scan, jobs::Kind::Process] {
        if job_rows::stands(tx, look.subject, kind.as_str())? {
            return Ok(());
        }
    }
    let (sql, values) = job_rows::queue(look, now);
    tx.execute(sql, &values).map(drop)
}

/// The job that a new exchange begins with: its scan where its project demands one, else its processing.
pub fn first_job(ctx: &Context, exchange: &ExchangeRow, now: Timestamp) -> Result<NewJob> {
    match verdict::is_demanded(ctx, &exchange.project) {
        true => job(ctx, exchange, now),
        false => {
            let owner = &exchange.owner;
            let (kind, id) = (jobs::Kind::Process, exchange.id);
            jobs::new(ctx, kind, PROCESS_LANE, id, owner, now)
        }
    }
}
