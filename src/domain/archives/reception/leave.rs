//! The work of a `depot` job: leaves an archive's receipt on its depot, then has the source leave.
//!
//! Each step can be done again: what stands there already with the same content is ours, a source that is gone has left, one
//! that is another file by now is left alone and taken in its turn. Receipt and signature bear one name: the archive's own, or,
//! beside those of an earlier archive of it, a marked one.

use std::time::Duration;

use serde_json::json;

use super::{
    on_depot::{subject, subject_of},
    spool::{ours, small},
};
use crate::{
    codec::Format,
    config::{
        Depot,
        depots::{Complete, Direction, Incoming, MANIFESTS, Then},
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
    transport::{Line, Listed, Session, path, upload},
};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// What a refused archive's file is told by.
const REJECTED: &str = "rejected";
/// What the names of the two files of a receipt end with.
const JSON: &str = ".json";
const SIGNATURE: &str = ".p7s";

/// Leaves the receipt of the file that `job` is about.
pub async fn run(ctx: &Context, lines: &Lines, job: &JobRow) -> Result<Settlement> {
    let id = job.subject;
    let found = ctx.store.read(move |tx| {
        let Some(file) = depot_files::find(tx, id)? else {
            return Ok(None);
        };
        let archive = archives::find(tx, file.exchange_id)?;
        let exchange = exchanges::find(tx, file.exchange_id)?;
        Ok(exchange.map(|exchange| (file, exchange, archive.and_then(|archive| archive.format))))
    });
    let Some((file, exchange, format)) = found.await? else {
        return Ok(Settlement::bare(End::Done));
    };
    let depot = lines.depot(&file.depot);
    let left = async {
        let depot = depot.as_deref().map_err(Fault::clone)?;
        let has_manifest = format.as_deref() == Some(Format::Gz.as_str());
        let errand = Errand::new(ctx, depot, &file, &exchange, has_manifest).await?;
        let work = move |line: &mut Line| line.with(|session| errand.run(session));
        lines.with(&file.depot, work).await
    };
    match left.await {
        Ok(about) => done(ctx, file, &exchange, &about),
        // What cannot be opened here is trouble of the archive, and its depot's no more than any other job's.
        Err(fault) if fault.code() == Code::Corrupt => Err(fault),
        Err(fault) => failed(ctx, job, &file, &exchange, &fault, depot.as_deref().ok()),
    }
}

/// What there is to do on the depot.
struct Errand {
    incoming: Incoming,
    folder: String,
    name: String,
    listed: Listed,
    rejected: bool,
    /// Whether its manifest came beside it: so of a gz alone.
    has_manifest: bool,
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
        has_manifest: bool,
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
            has_manifest,
            receipt: open_bytes(&key, Column::Receipt, &file.receipt)?,
            cms: open_bytes(&key, Column::Signature, &file.cms)?,
            mark: file.id.simple().to_string().split_off(20),
        })
    }

    /// Answers what the transport calls the transfers of receipt and signature.
    fn run(&self, session: &mut dyn Session) -> Result<[About; 2]> {
        let left = self.left(session)?;
        self.have_leave(session)?;
        failpoint::hit("depot.after-leave");
        Ok(left)
    }

    /// Leaves both files under the first name that both can have.
    fn left(&self, session: &mut dyn Session) -> Result<[About; 2]> {
        let own = path::receipt(&self.name, None);
        let marked = path::receipt(&self.name, Some(&self.mark));
        if self.is_free(session, &own)? {
            match self.put_both(session, &own) {
                // Taken meanwhile, or by what is no plain file.
                Err(fault) if fault.code() == Code::DepotFileExists => {}
                done => return done,
            }
        }
        self.put_both(session, &marked)
    }

    /// Whether nothing else than our two files stands under a name.
    fn is_free(&self, session: &mut dyn Session, stem: &str) -> Result<bool> {
        for (ending, bytes) in [(JSON, &self.receipt), (SIGNATURE, &self.cms)] {
            let path = path::join(&self.incoming.receipts, &format!("{stem}{ending}"))?;
            let size = bytes.len() as u64;
            let is_ours = match session.stat(&path)? {
                Some(there) if there.size != size => false,
                Some(_) => small(session, &path, size)?.is_none_or(|there| there == *bytes),
                None => true,
            };
            if !is_ours {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn put_both(&self, session: &mut dyn Session, stem: &str) -> Result<[About; 2]> {
        let receipt = self.put(session, &format!("{stem}{JSON}"), &self.receipt)?;
        failpoint::hit("depot.after-receipt");
        let signature = self.put(session, &format!("{stem}{SIGNATURE}"), &self.cms)?;
        failpoint::hit("depot.after-signature");
        Ok([receipt, signature])
    }

    fn put(&self, session: &mut dyn Session, name: &str, bytes: &[u8]) -> Result<About> {
        let (mut source, size) = ours(bytes.to_vec());
        upload(session, &self.incoming.receipts, name, &mut source, size)?;
        session.about(&path::join(&self.incoming.receipts, name)?)
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
            let marker = path::join(&self.folder, &format!("{}{suffix}", self.name))?;
            if session.stat(&marker)?.is_some() {
                session.remove(&marker)?;
            }
        }
        for ending in MANIFESTS.iter().filter(|_| self.has_manifest) {
            let name = format!("{}{ending}", self.name);
            let beside = path::join(&self.folder, &name)?;
            if session.stat(&beside)?.is_some() {
                self.leave(session, &beside, &name)?;
            }
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
                let other = path::marked(name, &self.mark);
                session.rename(source, &path::join(target, &other)?)
            }
            done => done,
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

/// Tried again, later and later; an incident after as many failures as the depot's settings say, at once where it has none any
/// more.
fn failed(
    ctx: &Context,
    job: &JobRow,
    file: &DepotFileRow,
    exchange: &ExchangeRow,
    fault: &Fault,
    depot: Option<&Depot>,
) -> Result<Settlement> {
    tracing::warn!(depot = file.depot, flow = file.flow, reconciliation_id = %file.exchange_id, %fault, "a receipt could not be left; it is tried again");
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
