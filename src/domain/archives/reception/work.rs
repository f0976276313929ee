//! The taking of one file beside the looks, and what both know of each other: what is busy, what failed and how often, what
//! came of files whose line was cut.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;
use tokio::sync::{Notify, Semaphore};

use super::{
    Desk,
    spool::Why,
    spooling::{Spooling, Untaken},
    taking::{Taken, subject_of},
    watch::{Memory, Ready},
};
use crate::{
    config::depots::{Flow, Incoming},
    domain::incidents::{self, Cause, Code as Anomaly},
    kernel::{
        digest::{Sha256, hex},
        fault::{Code, Fault, Result},
    },
    transport::Listed,
};

/// What looks and takings know of each other.
pub(super) struct Shared {
    memory: Mutex<HashMap<String, Memory>>,
    /// Flow and name of what is being taken.
    busy: Mutex<HashSet<(String, String)>>,
    /// What came of files whose line was cut, or whose manifest is awaited, by flow and name; no more of them than are taken at
    /// once.
    cuts: Mutex<HashMap<(String, String), Spooling>>,
    at_once: usize,
    /// Whether a look runs.
    looking: AtomicBool,
    pub(super) seats: Arc<Semaphore>,
    /// Rung when a taking has ended.
    pub(super) bell: Arc<Notify>,
}

impl Shared {
    /// Nothing known yet; so many files are taken at once, and `bell` is rung when one was.
    pub(super) fn new(at_once: usize, bell: Arc<Notify>) -> Self {
        Self {
            memory: Mutex::default(),
            busy: Mutex::default(),
            cuts: Mutex::default(),
            at_once,
            looking: AtomicBool::default(),
            seats: Arc::new(Semaphore::new(at_once)),
            bell,
        }
    }

    /// What is remembered of each flow, by its name.
    pub(super) fn memory(&self) -> MutexGuard<'_, HashMap<String, Memory>> {
        // What is remembered is sound whatever happened to the thread that held it.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Flow and name of what is being taken.
    pub(super) fn busy(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a look runs, until what is answered is dropped.
    pub(super) fn look(self: &Arc<Self>) -> Looking {
        self.looking.store(true, Ordering::Relaxed);
        Looking(self.clone())
    }

    /// Whether a look runs, or something is being taken: the lease must be kept meanwhile.
    pub(super) fn is_at_work(&self) -> bool {
        self.looking.load(Ordering::Relaxed) || !self.busy().is_empty()
    }

    fn cuts(&self) -> MutexGuard<'_, HashMap<(String, String), Spooling>> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what came of files of a flow that are not there any more, or are others by now. Their rows go with the next
    /// clearing, as those of a crash.
    pub(super) fn keep_cuts(&self, flow: &str, listed: &[Listed]) {
        self.cuts()
            .retain(|(of, _), cut| of != flow || listed.contains(cut.listed()));
    }

    /// Drops what came of all of them: another process looks at the depot.
    pub(super) fn drop_cuts(&self) {
        self.cuts().clear();
    }
}

/// A look that runs.
pub(super) struct Looking(Arc<Shared>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.looking.store(false, Ordering::Relaxed);
    }
}

/// The taking of one file.
pub(super) struct Work {
    pub(super) desk: Desk,
    pub(super) shared: Arc<Shared>,
    pub(super) flow: Flow,
    pub(super) incoming: Incoming,
}

impl Work {
    /// Takes it, from where its line was cut if it was. What fails is told, and tried again by a later look.
    pub(super) async fn take(&self, ready: Ready) {
        let (depot, flow, listed) = (&self.desk.depot.name, &self.flow.name, &ready.file);
        match self.taken(&ready).await {
            Ok(taken) => {
                tracing::info!(depot, flow, ?taken, "an archive was taken");
                count(depot, taken);
                self.memory(|memory| memory.taken(listed));
            }
            Err(Why::NoManifest) => {
                tracing::info!(depot, flow, "a gz waits for the manifest beside it");
                let (now, poll) = (self.desk.ctx.clock.now(), self.desk.depot.poll);
                self.memory(|memory| memory.troubles.awaits_manifest(listed, now, poll));
            }
            // It is another file by now, or none: the next look sees, unless it shows the same again.
            Err(Why::Failed(fault)) if self.is_news(listed, &fault) => {}
            Err(Why::Failed(fault)) => self.failed(listed, &fault).await,
        }
    }

    fn is_news(&self, listed: &Listed, fault: &Fault) -> bool {
        let is_another = matches!(
            fault.code(),
            Code::DepotFileChanged | Code::DepotFileMissing
        );
        is_another && !self.memory(|memory| memory.troubles.is_another_again(listed))
    }

    async fn taken(&self, ready: &Ready) -> std::result::Result<Taken, Why> {
        let listed = &ready.file;
        let place = (self.flow.name.clone(), listed.name.clone());
        let cut = self.shared.cuts().remove(&place);
        let spooling = match cut.filter(|cut| cut.listed() == listed) {
            Some(cut) => cut,
            None => Spooling::begin(&self.desk, &self.flow, &self.incoming, listed.clone())
                .await
                .map_err(Why::Failed)?,
        };
        spooling
            .go_on(ready)
            .await
            .map_err(|Untaken { why, rest }| {
                let mut cuts = self.shared.cuts();
                if let Some(rest) = rest.filter(|_| cuts.len() < self.shared.at_once) {
                    cuts.insert(place, *rest);
                }
                why
            })
    }

    fn memory<T>(&self, of: impl FnOnce(&mut Memory) -> T) -> T {
        let mut memory = self.shared.memory();
        of(memory.entry(self.flow.name.clone()).or_default())
    }

    async fn failed(&self, listed: &Listed, fault: &Fault) {
        let (ctx, depot) = (&self.desk.ctx, &self.desk.depot);
        let now = ctx.clock.now();
        let failures = self.memory(|memory| memory.troubles.failed(listed, now, depot.poll));
        let hash = self.name_hash(listed).await;
        let file = hash.as_ref().map(|hash| hex(hash)).unwrap_or_default();
        tracing::error!(depot = depot.name, flow = self.flow.name, file, failures, %fault, "an archive could not be taken; it is tried again");
        if failures < depot.failures_before_incident {
            return;
        }
        let detail = json!({
            "depot": depot.name, "flow": self.flow.name, "fault": fault.code().as_str(), "failures": failures,
            "fileNameHash": file,
        });
        let told = async {
            let ticket = incidents::prepare(ctx, self.cause(&hash?), detail)?;
            ctx.store.write(move |tx| ticket.open(tx).map(drop)).await
        };
        if let Err(fault) = told.await {
            tracing::error!(%fault, "the incident of an archive that cannot be taken could not be written");
        }
    }

    /// What tells the file from others where its name may not stand.
    async fn name_hash(&self, listed: &Listed) -> Result<Sha256> {
        let keys = self.desk.ctx.keyring.project(&self.flow.project).await?;
        Ok(keys.hash(&listed.name))
    }

    fn cause(&self, name_hash: &Sha256) -> Cause {
        Cause {
            code: Anomaly::ArchiveStuck,
            project: Some(self.flow.project.clone()),
            owner: self.desk.owner(),
            exchange_id: None,
            subject: subject_of(&self.desk.depot.name, &self.flow.name, name_hash),
        }
    }
}

fn count(depot: &str, taken: Taken) {
    let outcome = match taken {
        Taken::Archive(outcome) => outcome.as_str(),
        Taken::Duplicate => "duplicate",
    };
    let labels = [("depot", depot.to_owned()), ("outcome", outcome.to_owned())];
    metrics::counter!("navette_archives_total", &labels).increment(1);
}
