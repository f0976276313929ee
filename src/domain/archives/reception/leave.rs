//! The work of a `depot` job: leaves an archive's receipt on its depot, then has the source leave.
//!
//! That the receipt stands is kept before the source leaves: who has taken his receipt away is not left it again, however long
//! the source stays. Each step can be done again: what stands there already with the same content is ours, a source that is gone
//! has left.

mod receipt;
mod source;

use std::time::Duration;

use serde_json::json;

use self::{
    receipt::{About, Receipt},
    source::Source,
};
use super::{on_depot::subject, taking::subject_of};
use crate::{
    codec::Format,
    config::{
        Depot,
        depots::{Direction, Incoming},
    },
    domain::{
        Context,
        archives::Lines,
        cft,
        ged::documents::{self, Column, open_bytes},
        incidents::{self, Cause, Code as Anomaly},
        jobs::{self, Effects, End, Settlement},
        journal::{self, Kind},
    },
    kernel::{
        fault::{Code, Fault, Result},
        secret::Key,
    },
    storage::{
        archives,
        depot_files::{self, DepotFileRow},
        exchanges::{self, ExchangeRow},
        jobs::JobRow,
        journal::append,
    },
    transport::{Line, Listed, Session},
};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// What a refused archive's file is told by.
const REJECTED: &str = "rejected";

/// Leaves the receipt of the file that `job` is about; once that is done, has the file leave.
pub async fn run(ctx: &Context, lines: &Lines, job: &JobRow) -> Result<Settlement> {
    let Some(found) = Found::read(ctx, job).await? else {
        return Ok(Settlement::bare(End::Done));
    };
    let depot = lines.depot(&found.file.depot);
    let done = async {
        let depot = depot.as_deref().map_err(Fault::clone)?;
        let errand = Errand::of(ctx, depot, &found).await?;
        let work = move |line: &mut Line| line.with(|session| errand.run(session));
        lines.with(&depot.name, work).await
    };
    match done.await {
        Ok(Done::Stands(about)) => found.receipted(ctx, job, &about),
        Ok(Done::Left) => found.left(ctx),
        // What cannot be opened here is trouble of the archive, and its depot's no more than any other job's.
        Err(fault) if fault.code() == Code::Corrupt => Err(fault),
        Err(fault) => found.failed(ctx, job, &fault, depot.as_deref().ok()),
    }
}

/// What there is to do on the depot.
enum Errand {
    Receipt(Receipt),
    Source(Source),
}

/// What was done there.
enum Done {
    /// Receipt and signature stand: what the transport calls their transfers.
    Stands([About; 2]),
    /// The source has left.
    Left,
}

impl Errand {
    async fn of(ctx: &Context, depot: &Depot, found: &Found) -> Result<Self> {
        let file = &found.file;
        let (folder, incoming) = flow(depot, &file.flow)?;
        let key = documents::exchange_key(ctx, &found.exchange).await?;
        let name = open_bytes(&key, Column::ArchiveName, &file.name)?;
        let name = String::from_utf8(name).map_err(Fault::internal)?;
        Ok(match file.is_receipted() {
            true => Self::Source(Source {
                incoming,
                folder,
                rejected: file.verdict == REJECTED,
                has_manifest: found.format.as_deref() == Some(Format::Gz.as_str()),
                listed: Listed {
                    name,
                    size: file.size,
                    modified: file.modified,
                },
                mark: mark(file),
            }),
            false => Self::Receipt(receipt(&key, file, name, incoming)?),
        })
    }

    fn run(&self, session: &mut dyn Session) -> Result<Done> {
        match self {
            Self::Receipt(receipt) => receipt.leave(session).map(Done::Stands),
            Self::Source(source) => source.leave(session).map(|()| Done::Left),
        }
    }
}

fn receipt(key: &Key, file: &DepotFileRow, name: String, incoming: Incoming) -> Result<Receipt> {
    Ok(Receipt {
        folder: incoming.receipts,
        name,
        body: open_bytes(key, Column::Receipt, &file.receipt)?,
        cms: open_bytes(key, Column::Signature, &file.cms)?,
        mark: mark(file),
    })
}

/// What tells the files of this archive from those of an earlier one of the same name.
fn mark(file: &DepotFileRow) -> String {
    file.id.simple().to_string().split_off(20)
}

/// The folder of the incoming flow of that name, and what the flow says of it. Fails with `unavailable` where there is none any more.
fn flow(depot: &Depot, name: &str) -> Result<(String, Incoming)> {
    let found = depot.flow(name).and_then(|flow| match &flow.direction {
        Direction::In(incoming) => Some((flow.path.clone(), incoming.clone())),
        _ => None,
    });
    found.ok_or_else(|| {
        let detail = "Le flux n'est plus configuré sur ce dépôt.";
        Fault::new(Code::Unavailable, detail).because(name)
    })
}

/// The file, and the archive that it is or repeats.
struct Found {
    file: DepotFileRow,
    exchange: ExchangeRow,
    format: Option<String>,
}

impl Found {
    async fn read(ctx: &Context, job: &JobRow) -> Result<Option<Self>> {
        let id = job.subject;
        let found = ctx.store.read(move |tx| {
            let Some(file) = depot_files::find(tx, id)? else {
                return Ok(None);
            };
            let archive = archives::find(tx, file.exchange_id)?;
            let exchange = exchanges::find(tx, file.exchange_id)?;
            Ok(exchange.map(|exchange| Self {
                file,
                exchange,
                format: archive.and_then(|archive| archive.format),
            }))
        });
        found.await
    }

    /// The receipt stands: what is left to do is done at once, as a work of its own and before what else waits on the depot: who
    /// has seen the receipt may send another file of the same name.
    fn receipted(self, ctx: &Context, job: &JobRow, about: &[About]) -> Result<Settlement> {
        let (file, exchange) = (&self.file, &self.exchange);
        let transfers = about
            .iter()
            .map(|about| cft::prepare(ctx, &file.depot, cft::Way::Out, about, Some(exchange.id)))
            .collect::<Result<Vec<_>>>()?;
        let now = ctx.clock.now();
        let detail = json!({ "depot": file.depot, "flow": file.flow, "verdict": file.verdict });
        let (of, kind) = (subject(exchange), Kind::ArchiveReceipted);
        let entry = journal::entry(&ctx.clock, &ctx.entropy, kind, of, detail)?;
        let over = incidents::clear(ctx, &self.cause())?;
        let effects: Effects = Box::new(move |tx| {
            depot_files::receipted(tx, self.file.id)?;
            append(tx, &entry)?;
            over.close(tx)?;
            for transfer in transfers.iter().flatten() {
                transfer.write(tx)?;
            }
            if self.file.verdict == REJECTED {
                archives::answered(tx, self.file.exchange_id, now)?;
            }
            archives::receipted(tx, self.file.exchange_id, now)
        });
        Ok(Settlement {
            end: End::Again {
                since: Some(job.run_at),
            },
            effects,
        })
    }

    fn left(self, ctx: &Context) -> Result<Settlement> {
        let now = ctx.clock.now();
        let over = incidents::clear(ctx, &self.cause())?;
        let effects: Effects = Box::new(move |tx| {
            depot_files::gone(tx, self.file.id)?;
            over.close(tx)?;
            archives::left(tx, self.file.exchange_id, now)
        });
        Ok(Settlement {
            end: End::Done,
            effects,
        })
    }

    /// Tried again, later and later; an incident after as many failures as the depot's settings say, at once where it has none
    /// any more.
    fn failed(
        self,
        ctx: &Context,
        job: &JobRow,
        fault: &Fault,
        depot: Option<&Depot>,
    ) -> Result<Settlement> {
        let file = &self.file;
        let step = if file.is_receipted() {
            "source"
        } else {
            "receipt"
        };
        tracing::warn!(depot = file.depot, flow = file.flow, reconciliation_id = %file.exchange_id, step, %fault, "a receipt could not be left, or its source could not leave; it is tried again");
        let poll = depot.map_or(LONGEST_PAUSE, |depot| depot.poll);
        let pause = poll.saturating_mul(1 << job.attempts.min(12));
        let end = End::Retry {
            at: jobs::later(ctx, pause.clamp(Duration::from_millis(200), LONGEST_PAUSE)),
            why: fault.to_string(),
        };
        if job.attempts + 1 < depot.map_or(1, |depot| depot.failures_before_incident) {
            return Ok(Settlement::bare(end));
        }
        let detail = json!({
            "depot": file.depot, "flow": file.flow, "fault": fault.code().as_str(), "attempts": job.attempts + 1,
        });
        let ticket = incidents::prepare(ctx, self.cause(), detail)?;
        Ok(Settlement {
            end,
            effects: Box::new(move |tx| ticket.open(tx).map(drop)),
        })
    }

    /// The cause of what keeps the step that it is at from being done.
    fn cause(&self) -> Cause {
        let file = &self.file;
        Cause {
            code: match file.is_receipted() {
                true => Anomaly::SourceStuck,
                false => Anomaly::ReceiptUndeliverable,
            },
            project: Some(self.exchange.project.clone()),
            owner: file.owner.clone(),
            exchange_id: Some(file.exchange_id),
            subject: subject_of(&file.depot, &file.flow, &file.name_hash),
        }
    }
}
