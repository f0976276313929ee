//! The looks at one depot, one after the other: each lists its incoming flows and has what is ready taken.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{
    Desk,
    lease::Held,
    leftovers,
    watch::Ready,
    work::{Shared, Work},
};
use crate::{
    config::depots::{Direction, Flow, Incoming},
    kernel::{
        clock::has_passed,
        digest::Sha256,
        fault::{Fault, Result},
    },
    storage::depot_files,
    transport::line::is_of_the_depot,
};

/// How often what was staged in vain is looked for, beside the first time.
const CLEARING: SignedDuration = SignedDuration::from_mins(5);

/// What a look came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Another process looks at this depot.
    NotOurs,
    /// So many files are being taken.
    Taking(usize),
}

/// The looks at one depot.
pub struct Rounds {
    desk: Desk,
    flows: Vec<(Flow, Incoming)>,
    shared: Arc<Shared>,
    lease: Arc<Held>,
    /// What keeps the lease, and what ends that.
    keeping: (JoinHandle<()>, DropGuard),
    cleared: Option<Timestamp>,
    tasks: TaskTracker,
    /// The flows that could not be looked at in the last look, and why.
    broken: Vec<(String, Fault)>,
}

impl Rounds {
    /// The looks at `desk`'s depot; `bell` is rung when something of it ends. Within a runtime: the lease has a task of its own.
    pub fn new(desk: Desk, bell: Arc<Notify>) -> Self {
        let flows = desk.depot.flows.iter();
        let flows = flows.filter_map(|flow| match &flow.direction {
            Direction::In(incoming) => Some((flow.clone(), incoming.clone())),
            _ => None,
        });
        let shared = Arc::new(Shared::new(desk.depot.connections, bell));
        let lease = Arc::new(Held::new(&desk.ctx, &desk.depot.name, desk.token));
        let (over, working) = (CancellationToken::new(), shared.clone());
        let beat = lease
            .clone()
            .beat(move || working.is_at_work(), over.clone());
        Self {
            flows: flows.collect(),
            shared,
            lease,
            keeping: (tokio::spawn(beat), over.drop_guard()),
            cleared: None,
            tasks: TaskTracker::new(),
            broken: Vec::new(),
            desk,
        }
    }

    /// The folders of the incoming flows.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.flows.iter().map(|(flow, _)| flow.path.as_str())
    }

    /// One look; fails where the depot or the database does not answer, or where no flow of it can be looked at. One that cannot
    /// keeps no other from it ([`Rounds::broken`]).
    pub async fn look(&mut self, stop: &CancellationToken) -> Result<Round> {
        self.broken.clear();
        if self.flows.is_empty() {
            return Ok(Round::Taking(0));
        }
        let _looking = self.shared.look();
        if !self.hold().await? {
            return Ok(Round::NotOurs);
        }
        let mut taking = 0;
        for (flow, incoming) in self.flows.clone() {
            let ready = match self.ready(&flow, &incoming).await {
                Err(fault) if !is_of_the_depot(&fault) => {
                    self.broken.push((flow.name, fault));
                    continue;
                }
                ready => ready?,
            };
            for file in ready {
                if stop.is_cancelled() {
                    return Ok(Round::Taking(taking));
                }
                if !self.lease.keep().await? {
                    return Ok(Round::NotOurs);
                }
                taking += usize::from(self.begin(&flow, &incoming, file, stop).await?);
            }
        }
        if self.broken.len() == self.flows.len() {
            let (_, fault) = self.broken.swap_remove(0);
            return Err(fault);
        }
        Ok(Round::Taking(taking))
    }

    /// The flows that could not be looked at in the last look, and why, where others could.
    pub fn broken(&self) -> &[(String, Fault)] {
        &self.broken
    }

    /// Takes or renews the lease, and clears away what others have left.
    async fn hold(&mut self) -> Result<bool> {
        if !self.lease.keep().await? {
            self.cleared = None;
            self.shared.drop_cuts();
            return Ok(false);
        }
        let (ctx, now) = (&self.desk.ctx, self.desk.ctx.clock.now());
        if self.cleared.is_none_or(|at| has_passed(CLEARING, at, now)) {
            let in_hand = self.desk.in_hand().clone();
            leftovers::clear(ctx, &self.desk.depot.name, self.desk.token, &in_hand).await?;
            self.cleared = Some(now);
        }
        Ok(true)
    }

    /// The files of a flow that are to be taken now. What is being taken is asked first, then what was taken, then the depot:
    /// a file that leaves meanwhile is in one of them.
    async fn ready(&self, flow: &Flow, incoming: &Incoming) -> Result<Vec<Ready>> {
        let busy = self.shared.busy().clone();
        let known = self.known().await?;
        let folder = flow.path.clone();
        let listed = self.desk.lines.with(&self.desk.depot.name, move |line| {
            line.with(|session| session.list(&folder))
        });
        let listed = listed.await?;
        self.shared.keep_cuts(&flow.name, &listed);
        let ctx = &self.desk.ctx;
        let mut ready = {
            let mut memory = self.shared.memory();
            let memory = memory.entry(flow.name.clone()).or_default();
            memory.strangers.tell(&self.desk.depot, flow, &listed);
            memory.ready(incoming, listed, ctx.clock.now(), self.desk.depot.poll)
        };
        if ready.is_empty() {
            return Ok(ready);
        }
        let keys = ctx.keyring.project(&flow.project).await?;
        ready.retain(|Ready { file, .. }| {
            !busy.contains(&(flow.name.clone(), file.name.clone()))
                && !known.contains(&(flow.name.clone(), keys.hash(&file.name)))
        });
        Ok(ready)
    }

    /// Flow and name's hash of what was taken and has not left yet.
    async fn known(&self) -> Result<HashSet<(String, Sha256)>> {
        let depot = self.desk.depot.name.clone();
        let seen = self
            .desk
            .ctx
            .store
            .read(move |tx| depot_files::seen(tx, &depot));
        let seen = seen.await?.into_iter();
        Ok(seen.map(|seen| (seen.flow, seen.name_hash)).collect())
    }

    /// Has a file taken by a task of its own, once a seat is free; `false` where one stops meanwhile.
    async fn begin(
        &mut self,
        flow: &Flow,
        incoming: &Incoming,
        ready: Ready,
        stop: &CancellationToken,
    ) -> Result<bool> {
        let seat = self.shared.seats.clone().acquire_owned();
        let Some(seat) = stop.run_until_cancelled(seat).await else {
            return Ok(false);
        };
        let seat = seat.map_err(Fault::internal)?;
        let place = (flow.name.clone(), ready.file.name.clone());
        self.shared.busy().insert(place.clone());
        let work = Work {
            desk: self.desk.clone(),
            shared: self.shared.clone(),
            flow: flow.clone(),
            incoming: incoming.clone(),
        };
        self.tasks.spawn(async move {
            work.take(ready).await;
            work.shared.busy().remove(&place);
            drop(seat);
            work.shared.bell.notify_one();
        });
        Ok(true)
    }

    /// When the next file that failed may be tried again.
    pub fn next_try(&self) -> Option<Timestamp> {
        let now = self.desk.ctx.clock.now();
        let memory = self.shared.memory();
        memory
            .values()
            .filter_map(|memory| memory.troubles.next_try(now))
            .min()
    }

    /// Waits for what is being taken, `grace` long, then gives the lease back.
    pub async fn end(self, grace: Duration) {
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                depot = self.desk.depot.name,
                "archives are left to the next start; nobody has seen anything of them"
            );
        }
        let (keeping, guard) = self.keeping;
        drop(guard);
        // It ends with the renewal at hand; nothing takes the lease after that.
        if let Err(error) = keeping.await {
            tracing::error!(%error, "what kept a depot's lease has failed");
        }
        self.lease.release().await;
    }
}
