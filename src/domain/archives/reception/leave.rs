//! The work of a `depot` job: leaves an archive's receipt on its depot, then has the source leave.
//!
//! Each step can be done again: what stands there already with the same content is ours, a source that is gone has left, one
//! that is another file by now is left alone and taken in its turn.

use std::time::Duration;

use serde_json::json;

use super::{
    on_depot::{subject, subject_of},
    spool::{BESIDE, ours},
};
use crate::{
    config::{
        Depot,
        depots::{Complete, Direction, Incoming, Then},
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
        failpoint,
        fault::{Code, Fault, Result},
    },
    storage::{
        archives,
        depot_files::{self, DepotFileRow},
        exchanges::{self, ExchangeRow},
        jobs::JobRow,
        journal::append,
    },
    transport::{Listed, Session, path, upload},
};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// What a refused archive's file is told by.
const REJECTED: &str = "rejected";

/// Leaves the receipt of the file that `job` is about.
pub async fn run(ctx: &Context, lines: &Lines, job: &JobRow) -> Result<Settlement> {
    let id = job.subject;
    let found = ctx.store.read(move |tx| {
        let file = depot_files::find(tx, id)?;
        let exchange = file
            .as_ref()
            .map(|file| exchanges::find(tx, file.exchange_id));
        Ok(file.zip(exchange.transpose()?.flatten()))
    });
    let Some((file, exchange)) = found.await? else {
        return Ok(Settlement::bare(End::Done));
    };
    let depot = lines.depot(&file.depot)?;
    let errand = Errand::new(ctx, &depot, &file, &exchange).await?;
    let left = lines.with(&file.depot, move |line| {
        line.with(|session| errand.run(session))
    });
    match left.await {
        Ok(about) => done(ctx, file, &exchange, &about),
        Err(fault) => failed(ctx, job, &file, &exchange, &fault, &depot),
    }
}

/// What there is to do on the depot.
struct Errand {
    incoming: Incoming,
    folder: String,
    name: String,
    listed: Listed,
    rejected: bool,
    receipt: Vec<u8>,
    cms: Vec<u8>,
    /// What tells our files from those of an earlier archive of the same name.
    mark: String,
}

impl Errand {
    async fn new(
        ctx: &Context,
        depot: &Depot,
        file: &DepotFileRow,
        exchange: &ExchangeRow,
    ) -> Result<Self> {
        let flow = depot.flow(&file.flow);
        let gone = || {
            let detail = "Le flux n'est plus configuré sur ce dépôt.";
            Fault::new(Code::Unavailable, detail).because(&file.flow)
        };
        let flow = flow.ok_or_else(gone)?;
        let Direction::In(incoming) = &flow.direction else {
            return Err(gone());
        };
        let key = documents::exchange_key(ctx, exchange).await?;
        let name = open_bytes(&key, Column::ArchiveName, &file.name)?;
        let name = String::from_utf8(name).map_err(Fault::internal)?;
        Ok(Self {
            incoming: incoming.clone(),
            folder: flow.path.clone(),
            listed: Listed {
                name: name.clone(),
                size: file.size,
                modified: file.modified,
            },
            name,
            rejected: file.verdict == REJECTED,
            receipt: open_bytes(&key, Column::Receipt, &file.receipt)?,
            cms: open_bytes(&key, Column::Signature, &file.cms)?,
            mark: file.id.simple().to_string().split_off(20),
        })
    }

    /// Answers what the transport calls the transfers of receipt and signature.
    fn run(&self, session: &mut dyn Session) -> Result<[About; 2]> {
        let receipt = self.put(session, ".ack.json", &self.receipt)?;
        failpoint::hit("depot.after-receipt");
        let signature = self.put(session, ".ack.p7s", &self.cms)?;
        failpoint::hit("depot.after-signature");
        self.have_leave(session)?;
        failpoint::hit("depot.after-leave");
        Ok([receipt, signature])
    }

    /// Puts one of our files; beside the receipt of an earlier archive of the same name, under a name of its own.
    fn put(&self, session: &mut dyn Session, ending: &str, bytes: &[u8]) -> Result<About> {
        let names = [
            format!("{}{ending}", self.name),
            format!("{}.{}{ending}", self.name, self.mark),
        ];
        let mut last = None;
        for name in names {
            let (mut source, size) = ours(bytes.to_vec());
            match upload(session, &self.incoming.receipts, &name, &mut source, size) {
                Err(fault) if fault.code() == Code::DepotFileExists => last = Some(fault),
                done => {
                    done?;
                    return session.about(&path::join(&self.incoming.receipts, &name)?);
                }
            }
        }
        Err(last.unwrap_or_else(|| Fault::internal("a receipt has no name")))
    }

    /// The source goes where its flow says, unless it is another file by now; then what came beside it.
    fn have_leave(&self, session: &mut dyn Session) -> Result<()> {
        let source = path::join(&self.folder, &self.name)?;
        let now = session.stat(&source)?;
        if now.as_ref().is_some_and(|now| !self.is_same(now)) {
            return Ok(());
        }
        if now.is_some() {
            self.leave(session, &source, &self.name)?;
        }
        if let Complete::Marker(suffix) = &self.incoming.complete {
            self.drop_beside(session, suffix)?;
        }
        for ending in BESIDE {
            self.drop_beside(session, ending)?;
        }
        Ok(())
    }

    fn is_same(&self, now: &Listed) -> bool {
        (now.size, now.modified) == (self.listed.size, self.listed.modified)
    }

    fn leave(&self, session: &mut dyn Session, source: &str, name: &str) -> Result<()> {
        let rejected = self.incoming.rejected.as_ref().filter(|_| self.rejected);
        let target = match (&self.incoming.then, rejected) {
            (_, Some(folder)) | (Then::Move(folder), None) => folder,
            (Then::Delete, None) => return session.remove(source),
        };
        match session.rename(source, &path::join(target, name)?) {
            Err(fault) if fault.code() == Code::DepotFileExists => {
                let other = format!("{name}.{}", self.mark);
                session.rename(source, &path::join(target, &other)?)
            }
            done => done,
        }
    }

    fn drop_beside(&self, session: &mut dyn Session, ending: &str) -> Result<()> {
        let path = path::join(&self.folder, &format!("{}{ending}", self.name))?;
        match session.stat(&path)? {
            Some(_) => session.remove(&path),
            None => Ok(()),
        }
    }
}

/// What a transport calls a transfer.
type About = Vec<(String, String)>;

fn done(
    ctx: &Context,
    file: DepotFileRow,
    exchange: &ExchangeRow,
    about: &[About],
) -> Result<Settlement> {
    let transfers = about
        .iter()
        .map(|about| cft::prepare(ctx, &file.depot, cft::Way::Out, about, Some(exchange.id)))
        .collect::<Result<Vec<_>>>()?;
    let now = ctx.clock.now();
    let detail = json!({ "depot": file.depot, "flow": file.flow, "verdict": file.verdict });
    let (of, kind) = (subject(exchange), Kind::ArchiveReceipted);
    let entry = journal::entry(&ctx.clock, &ctx.entropy, kind, of, detail)?;
    let over = incidents::clear(ctx, &cause(&file, exchange))?;
    let effects: Effects = Box::new(move |tx| {
        depot_files::gone(tx, file.id)?;
        append(tx, &entry)?;
        over.close(tx)?;
        for transfer in transfers.iter().flatten() {
            transfer.write(tx)?;
        }
        if file.verdict == REJECTED {
            archives::answered(tx, file.exchange_id, now)?;
        }
        archives::receipted(tx, file.exchange_id, now)?;
        archives::left(tx, file.exchange_id, now)
    });
    Ok(Settlement {
        end: End::Done,
        effects,
    })
}

/// Tried again, later and later; an incident after as many failures as the depot's settings say.
fn failed(
    ctx: &Context,
    job: &JobRow,
    file: &DepotFileRow,
    exchange: &ExchangeRow,
    fault: &Fault,
    depot: &Depot,
) -> Result<Settlement> {
    tracing::warn!(depot = file.depot, flow = file.flow, reconciliation_id = %file.exchange_id, %fault, "a receipt could not be left; it is tried again");
    let pause = depot.poll.saturating_mul(1 << job.attempts.min(12));
    let end = End::Retry {
        at: jobs::later(ctx, pause.clamp(Duration::from_millis(200), LONGEST_PAUSE)),
        why: fault.to_string(),
    };
    if job.attempts + 1 < depot.failures_before_incident {
        return Ok(Settlement::bare(end));
    }
    let detail = json!({
        "depot": file.depot, "flow": file.flow, "fault": fault.code().as_str(), "attempts": job.attempts + 1,
    });
    let ticket = incidents::prepare(ctx, cause(file, exchange), detail)?;
    Ok(Settlement {
        end,
        effects: Box::new(move |tx| ticket.open(tx).map(drop)),
    })
}

fn cause(file: &DepotFileRow, exchange: &ExchangeRow) -> Cause {
    Cause {
        code: Anomaly::ReceiptUndeliverable,
        project: Some(exchange.project.clone()),
        owner: file.owner.clone(),
        exchange_id: Some(file.exchange_id),
        subject: subject_of(&file.depot, &file.flow, &file.name_hash),
    }
}
