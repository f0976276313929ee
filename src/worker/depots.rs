//! The looks at the depots: one task each, so that a dead one slows no other.
//!
//! A depot is looked at every `poll`; a folder at once, too, when something changes in it. One that fails is looked at later and
//! later, and is an incident after as many failures in a row as its settings say, until it answers.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use serde_json::json;
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::{
        Depot,
        depots::{Direction, Flow, Transport},
    },
    domain::{
        Context,
        archives::{
            Lines,
            reception::{CHECKS, Desk, Round, Rounds},
        },
        incidents::{self, Cause, Code as Anomaly},
    },
    kernel::fault::{Fault, Result},
    outbound::clamd::Clamd,
};

/// The longest pause between two looks at a depot that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Looks at every depot until `stop`.
pub async fn run(ctx: Context, lines: Lines, stop: CancellationToken) -> Result<()> {
    let antivirus = ctx.config.gateway.antivirus.clone().map(Clamd::new);
    let room = Arc::new(Semaphore::new(CHECKS));
    let tasks = TaskTracker::new();
    for depot in ctx.config.depots.values() {
        let token = ctx.entropy.uuid(&ctx.clock)?;
        let shared = (antivirus.clone(), room.clone());
        let desk = Desk::new(&ctx, depot.clone(), &lines, shared, token);
        tasks.spawn(watch(ctx.clone(), depot.clone(), desk, stop.clone()));
    }
    tasks.close();
    tasks.wait().await;
    Ok(())
}

async fn watch(ctx: Context, depot: Arc<Depot>, desk: Desk, stop: CancellationToken) {
    let bell = Arc::new(Notify::new());
    let mut rounds = Rounds::new(desk, bell.clone());
    let folders: Vec<PathBuf> = rounds
        .folders()
        .filter_map(|flow| folder(&depot, flow))
        .collect();
    let watcher = watcher(&folders, bell.clone());
    let mut health = Health::new(ctx.clone(), depot.clone(), None);
    let incoming = depot.flows.iter();
    let incoming = incoming.filter(|flow| matches!(flow.direction, Direction::In(_)));
    let mut flows: Vec<Health> = incoming
        .map(|flow| Health::new(ctx.clone(), depot.clone(), Some(flow.clone())))
        .collect();
    while !stop.is_cancelled() {
        // A stop does not wait for a depot that is silent.
        let Some(looked) = stop.run_until_cancelled(rounds.look(&stop)).await else {
            break;
        };
        let pause = match looked {
            // How it is, its holder sees, and tells.
            Ok(Round::NotOurs) => {
                flows
                    .iter_mut()
                    .chain([&mut health])
                    .for_each(Health::is_anothers);
                depot.poll
            }
            Ok(Round::Taking(_)) => {
                health.well().await;
                for flow in &mut flows {
                    flow.hear(rounds.broken()).await;
                }
                until(&ctx, rounds.next_try()).map_or(depot.poll, |due| due.min(depot.poll))
            }
            Err(fault) => health.ill(&fault).await,
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = bell.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    drop(watcher);
    rounds.end(ctx.config.gateway.worker.grace).await;
}

fn until(ctx: &Context, at: Option<Timestamp>) -> Option<Duration> {
    let left = at?.duration_since(ctx.clock.now());
    Some(
        Duration::try_from(left)
            .unwrap_or_default()
            .max(Duration::from_millis(10)),
    )
}

/// Where a flow of a folder depot lies on this machine.
fn folder(depot: &Depot, flow: &str) -> Option<PathBuf> {
    match &depot.transport {
        Transport::Folder(folder) => Some(folder.path.join(flow.trim_start_matches('/'))),
        _ => None,
    }
}

/// Rings when something changes in one of the folders; where that cannot be told (a network mount), the poll suffices.
fn watcher(folders: &[PathBuf], bell: Arc<Notify>) -> Option<RecommendedWatcher> {
    if folders.is_empty() {
        return None;
    }
    let ring = move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            bell.notify_one();
        }
    };
    let mut watcher = match notify::recommended_watcher(ring) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, "changes of folders are not told; they are polled");
            return None;
        }
    };
    for folder in folders {
        if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
            tracing::warn!(folder = %folder.display(), %error, "changes of this folder are not told; it is polled");
        }
    }
    Some(watcher)
}

/// How a depot, or one flow of it, has answered lately.
pub(super) struct Health {
    ctx: Context,
    depot: Arc<Depot>,
    flow: Option<Flow>,
    failures: u32,
    /// Whether an incident may stand open: so after enough failures, at a start, and after another process has looked.
    told: bool,
}

impl Health {
    pub(super) fn new(ctx: Context, depot: Arc<Depot>, flow: Option<Flow>) -> Self {
        Self {
            ctx,
            depot,
            flow,
            failures: 0,
            told: true,
        }
    }

    /// Another process looks at it: what that one has told, this one may find standing when its turn comes.
    pub(super) fn is_anothers(&mut self) {
        (self.failures, self.told) = (0, true);
    }

    /// How a flow was in a look of which these could not be looked at.
    async fn hear(&mut self, broken: &[(String, Fault)]) {
        let own = self.flow();
        match broken.iter().find(|(name, _)| Some(&**name) == own) {
            // It is looked at with the others: theirs are not to wait for it.
            Some((_, fault)) => drop(self.ill(fault).await),
            None => self.well().await,
        }
    }

    pub(super) async fn well(&mut self) {
        self.failures = 0;
        if !self.told {
            return;
        }
        let ctx = &self.ctx;
        let told = async {
            let over = incidents::clear(ctx, &self.cause())?;
            ctx.store.write(move |tx| over.close(tx).map(drop)).await
        };
        match told.await {
            Ok(()) => self.told = false,
            Err(fault) => {
                tracing::warn!(depot = self.depot.name, %fault, "the incident of a depot that answers again could not be resolved")
            }
        }
    }

    /// How long to leave the depot alone.
    pub(super) async fn ill(&mut self, fault: &Fault) -> Duration {
        self.failures = self.failures.saturating_add(1);
        tracing::warn!(depot = self.depot.name, flow = self.flow(), failures = self.failures, %fault, "a look at a depot failed; the next one comes");
        metrics::counter!("navette_depot_failures_total", "depot" => self.depot.name.clone())
            .increment(1);
        if self.failures >= self.depot.failures_before_incident {
            self.told = true;
            if let Err(fault) = self.tell(fault).await {
                tracing::error!(%fault, "the incident of a depot that does not answer could not be written");
            }
        }
        pause(self.failures, self.depot.poll)
    }

    async fn tell(&self, fault: &Fault) -> Result<()> {
        let detail = json!({
            "depot": self.depot.name, "flow": self.flow(), "transport": self.depot.transport.name(),
            "fault": fault.code().as_str(), "failures": self.failures,
        });
        let ticket = incidents::prepare(&self.ctx, self.cause(), detail)?;
        self.ctx
            .store
            .write(move |tx| ticket.open(tx).map(drop))
            .await
    }

    /// Of the one project that goes through it, where there is one: its contacts are told.
    fn cause(&self) -> Cause {
        let flows = match &self.flow {
            Some(flow) => std::slice::from_ref(flow),
            None => &self.depot.flows,
        };
        let mut projects: Vec<_> = flows.iter().map(|flow| &flow.project).collect();
        projects.dedup();
        let project = match projects[..] {
            [only] => Some(only.clone()),
            _ => None,
        };
        let name = &self.depot.name;
        Cause {
            code: Anomaly::DepotUnreachable,
            project,
            owner: self.ctx.owner(&self.depot.partner),
            exchange_id: None,
            subject: self
                .flow()
                .map_or_else(|| name.clone(), |flow| format!("{name}/{flow}")),
        }
    }

    fn flow(&self) -> Option<&str> {
        self.flow.as_ref().map(|flow| &*flow.name)
    }
}

/// How long a depot that failed so often in a row is left alone: twice as long each time, and never less than a poll.
fn pause(failures: u32, poll: Duration) -> Duration {
    let times = failures.saturating_sub(1).min(12);
    poll.saturating_mul(1 << times).min(LONGEST_PAUSE.max(poll))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_depot_that_fails_is_looked_at_more_and_more_rarely() {
        let seconds = |failures, poll| pause(failures, Duration::from_secs(poll)).as_secs();
        assert_eq!(
            [1, 2, 3, 4].map(|failures| seconds(failures, 10)),
            [10, 20, 40, 80]
        );
        let longest = LONGEST_PAUSE.as_secs();
        assert_eq!(
            [12, 1000, u32::MAX].map(|failures| seconds(failures, 10)),
            [longest; 3]
        );
        assert_eq!(seconds(5, 3600), 3600);
    }
}
