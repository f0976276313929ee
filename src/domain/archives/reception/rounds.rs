//! The looks at one depot, one after the other: each lists its incoming flows and has what is ready taken.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Desk, lease, leftovers,
    work::{Shared, Work},
};
use crate::{
    config::depots::{Direction, Flow, Incoming},
    kernel::{
        digest::Sha256,
        fault::{Fault, Result},
    },
    storage::depot_files,
    transport::Listed,
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
    held: Option<Timestamp>,
    cleared: Option<Timestamp>,
    tasks: TaskTracker,
}

impl Rounds {
    /// The looks at `desk`'s depot; `bell` is rung when something of it ends.
    pub fn new(desk: Desk, bell: Arc<Notify>) -> Self {
        let flows = desk.depot.flows.iter();
        let flows = flows.filter_map(|flow| match &flow.direction {
            Direction::In(incoming) => Some((flow.clone(), incoming.clone())),
            _ => None,
        });
        let shared = Shared::new(desk.depot.connections, bell);
        Self {
            flows: flows.collect(),
            shared: Arc::new(shared),
            held: None,
            cleared: None,
            tasks: TaskTracker::new(),
            desk,
        }
    }

    /// The folders of the incoming flows.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.flows.iter().map(|(flow, _)| flow.path.as_str())
    }

    /// One look; fails where the depot or the database does not answer.
    pub async fn look(&mut self, stop: &CancellationToken) -> Result<Round> {
        if self.flows.is_empty() {
            return Ok(Round::Taking(0));
        }
        if !self.hold().await? {
            return Ok(Round::NotOurs);
        }
        let mut taking = 0;
        for (flow, incoming) in self.flows.clone() {
            for listed in self.ready(&flow, &incoming).await? {
                if stop.is_cancelled() {
                    return Ok(Round::Taking(taking));
                }
                self.keep().await?;
                taking += usize::from(self.begin(&flow, &incoming, listed, stop).await?);
            }
        }
        Ok(Round::Taking(taking))
    }

    /// Takes or renews the lease, and clears away what others have left.
    async fn hold(&mut self) -> Result<bool> {
        let mine = self.keep().await?;
        if !mine {
            self.cleared = None;
            self.shared.drop_cuts();
            return Ok(false);
        }
        let (ctx, now) = (&self.desk.ctx, self.desk.ctx.clock.now());
        if self
            .cleared
            .is_none_or(|at| now.duration_since(at) >= CLEARING)
        {
            let in_hand = self.desk.in_hand().clone();
            leftovers::clear(ctx, &self.desk.depot.name, self.desk.token, &in_hand).await?;
            self.cleared = Some(now);
        }
        Ok(true)
    }

    /// Renews the lease where a third of its life is gone.
    async fn keep(&mut self) -> Result<bool> {
        let (ctx, now) = (&self.desk.ctx, self.desk.ctx.clock.now());
        let fresh = |at: Timestamp| at <= now && now.duration_since(at) < lease::renewal(ctx);
        if self.held.is_some_and(fresh) {
            return Ok(true);
        }
        let mine = lease::take(ctx, &self.desk.depot.name, self.desk.token).await?;
        self.held = mine.then_some(now);
        Ok(mine)
    }

    /// The files of a flow that are to be taken now. What is being taken is asked first, then what was taken, then the depot:
    /// a file that leaves meanwhile is in one of them.
    async fn ready(&self, flow: &Flow, incoming: &Incoming) -> Result<Vec<Listed>> {
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
            memory.ready(incoming, listed, ctx.clock.now(), self.desk.depot.poll)
        };
        if ready.is_empty() {
            return Ok(ready);
        }
        let keys = ctx.keyring.project(&flow.project).await?;
        ready.retain(|file| {
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
        listed: Listed,
        stop: &CancellationToken,
    ) -> Result<bool> {
        let seat = self.shared.seats.clone().acquire_owned();
        let Some(seat) = stop.run_until_cancelled(seat).await else {
            return Ok(false);
        };
        let seat = seat.map_err(Fault::internal)?;
        let place = (flow.name.clone(), listed.name.clone());
        self.shared.busy().insert(place.clone());
        let work = Work {
            desk: self.desk.clone(),
            shared: self.shared.clone(),
            flow: flow.clone(),
            incoming: incoming.clone(),
        };
        self.tasks.spawn(async move {
            work.take(listed).await;
            work.shared.busy().remove(&place);
            drop(seat);
            work.shared.bell.notify_one();
        });
        Ok(true)
    }

    /// Whether something is being taken: the lease must be kept meanwhile.
    pub fn is_busy(&self) -> bool {
        !self.shared.busy().is_empty()
    }

    /// When the next file that failed may be tried again.
    pub fn next_try(&self) -> Option<Timestamp> {
        let now = self.desk.ctx.clock.now();
        let memory = self.shared.memory();
        memory
            .values()
            .filter_map(|memory| memory.next_try(now))
            .min()
    }

    /// Renews the lease while something is being taken.
    pub async fn keep_alive(&mut self) -> Result<()> {
        match self.is_busy() {
            true => self.keep().await.map(drop),
            false => Ok(()),
        }
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
        lease::release(&self.desk.ctx, &self.desk.depot.name, self.desk.token).await;
    }
}
