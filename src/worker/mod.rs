//! The worker: leases jobs, runs them, settles them; and the periodic work of the house.
//!
//! [`Worker::run`] looks at every lane that has room, leases what is ready, and runs each job as a task of its own until
//! told to stop; then it starts nothing new, waits for what runs, and hands back what it could not end. Jobs carry their
//! effects to the settlement ([`jobs::Settlement`]); a job that meets a fault of the house is tried again later.
//!
//! [`periodic`] holds what runs by the clock. To add a kind of job, see [`crate::domain::jobs`].

pub mod periodic;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    config::{Callback, Config},
    domain::{
        Context,
        jobs::{self, Kind, Settlement},
        returns::{
            Couriers, deliver,
            make::{self, Workshop},
        },
    },
    kernel::{
        failpoint,
        fault::{Fault, Result},
    },
    storage::jobs::{self as rows, JobRow},
};

/// How long the worker waits between two looks where nobody rings.
const LOOK: Duration = Duration::from_millis(200);
/// How long the worker waits after the database failed it.
const PAUSE: Duration = Duration::from_secs(1);
/// How long running jobs may take to end at shutdown.
const GRACE: Duration = Duration::from_secs(40);
/// The part of a lease in which a job works; the rest is for its settlement.
const WORKING: f64 = 0.8;
/// What an attempt needs beside the partner's answer: its body opened, its connection made.
const SETTLING: Duration = Duration::from_secs(10);

/// What the worker needs beside the house itself.
#[derive(Clone)]
pub struct Worker {
    ctx: Context,
    workshop: Workshop,
    couriers: Couriers,
    lanes: Arc<HashMap<String, Lane>>,
    /// Cancelled at the end of the grace period: what still runs is given up and handed back.
    late: CancellationToken,
}

/// How many jobs of a lane run at once in this process, and how long each is leased.
struct Lane {
    room: Arc<Semaphore>,
    lease: Duration,
}

/// A leased job and what it holds while it runs.
struct Held {
    job: JobRow,
    token: Uuid,
    /// How long its work may take: what is left of the lease is for the settlement.
    deadline: Duration,
    seat: OwnedSemaphorePermit,
}

impl Worker {
    /// A worker over every lane of the settings.
    pub fn new(ctx: Context, workshop: Workshop, couriers: Couriers) -> Self {
        let lanes = Self::lane_names(&ctx.config);
        let settings = &ctx.config.gateway.worker;
        let lane = |name: String| {
            let lane = match name.strip_prefix(jobs::DELIVERY_PREFIX) {
                None => Lane::new(settings.processing, settings.lease),
                Some(project) => {
                    let callback = ctx.config.projects.get(project).map(|one| &one.callback);
                    let needed = callback.map_or(settings.lease, delivery_lease);
                    Lane::new(settings.deliveries, settings.lease.max(needed))
                }
            };
            (name, lane)
        };
        let lanes: HashMap<_, _> = lanes.map(lane).collect();
        Self {
            ctx,
            workshop,
            couriers,
            lanes: Arc::new(lanes),
            late: CancellationToken::new(),
        }
    }

    /// The lanes of the settings: processing, and one of deliveries per project.
    pub fn lane_names(config: &Config) -> impl Iterator<Item = String> {
        let projects = config.projects.keys();
        let deliveries = projects.map(|name| jobs::delivery_lane(name));
        let lanes: Vec<_> = std::iter::once(jobs::PROCESS_LANE.to_owned())
            .chain(deliveries)
            .collect();
        lanes.into_iter()
    }

    /// Works until `stop`; then ends what runs within 40 s, and hands back what did not end.
    pub async fn run(self, stop: CancellationToken) {
        let running = TaskTracker::new();
        while !stop.is_cancelled() {
            let wait = match self.look(&running, &stop).await {
                Ok(()) => LOOK,
                Err(fault) => {
                    tracing::error!(%fault, "the worker could not lease jobs; it goes on");
                    PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.ctx.bell.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
        running.close();
        if tokio::time::timeout(GRACE, running.wait()).await.is_err() {
            tracing::warn!("jobs still run at the end of the grace period; they are handed back");
            self.late.cancel();
            running.wait().await;
        }
    }

    /// Leases what is ready in every lane with room and starts it.
    async fn look(&self, running: &TaskTracker, stop: &CancellationToken) -> Result<()> {
        let ctx = &self.ctx;
        let (open, now) = (self.with_room(), ctx.clock.now());
        let ready = ctx.store.read(move |tx| rows::ready(tx, &open, now));
        for name in ready.await? {
            let Some(lane) = self.lanes.get(&name).filter(|_| !stop.is_cancelled()) else {
                continue;
            };
            for held in self.lease(name, lane).await? {
                let worker = self.clone();
                running.spawn(async move { worker.work(held).await });
            }
        }
        Ok(())
    }

    /// Leases as many jobs as the lane has seats.
    async fn lease(&self, name: String, lane: &Lane) -> Result<Vec<Held>> {
        let seats = seats(&lane.room);
        let (token, now) = (
            self.ctx.entropy.uuid(&self.ctx.clock)?,
            self.ctx.clock.now(),
        );
        let limit = seats.len() as u32;
        let micros = i64::try_from(lane.lease.as_micros()).unwrap_or(i64::MAX);
        let leased = self
            .ctx
            .store
            .write(move |tx| rows::lease(tx, &name, limit, token, now, micros));
        let pairs = leased.await?.into_iter().zip(seats);
        let held = pairs.map(|(job, seat)| Held {
            job,
            token,
            deadline: lane.lease.mul_f64(WORKING),
            seat,
        });
        Ok(held.collect())
    }

    fn with_room(&self) -> Vec<String> {
        let open = self.lanes.iter();
        let open = open.filter(|(_, lane)| lane.room.available_permits() > 0);
        open.map(|(name, _)| name.clone()).collect()
    }

    /// One job from its lease to its settlement.
    async fn work(self, held: Held) {
        match self.late.run_until_cancelled(self.settlement(&held)).await {
            Some(settlement) => self.settle(&held, settlement).await,
            None => self.hand_back(&held).await,
        }
        drop(held.seat);
        self.ctx.bell.notify_one();
    }

    /// A settlement that fails is left to the lease's expiry.
    async fn settle(&self, held: &Held, settlement: Settlement) {
        let (job, ended) = (&held.job, settlement.end.clone());
        let settled = jobs::settle(&self.ctx, job.id, held.token, settlement).await;
        failpoint::hit(after_settle(job));
        match settled {
            Ok(()) => {
                tracing::debug!(job = %job.id, kind = job.kind, subject = %job.subject, ?ended, "job settled");
            }
            Err(fault) => {
                tracing::warn!(job = %job.id, kind = job.kind, %fault, "a job could not be settled; it comes back");
            }
        }
    }

    /// Gives up a job that did not end in time, so that another process takes it at once: a delivery that had left is
    /// made again under the same id.
    async fn hand_back(&self, held: &Held) {
        let (id, token, now) = (held.job.id, held.token, self.ctx.clock.now());
        let back = self
            .ctx
            .store
            .write(move |tx| rows::hand_back(tx, id, token, now));
        if let Err(fault) = back.await {
            tracing::warn!(job = %id, %fault, "a job could not be handed back; its lease will expire");
        }
    }

    async fn settlement(&self, held: &Held) -> Settlement {
        let job = &held.job;
        let outcome = match tokio::time::timeout(held.deadline, self.dispatch(job)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Fault::unavailable(
                "the job took longer than its lease allows",
            )),
        };
        outcome.unwrap_or_else(|fault| {
            tracing::error!(job = %job.id, kind = job.kind, subject = %job.subject, %fault, "a job failed; it is tried again");
            Settlement::after_fault(&self.ctx, job, &fault)
        })
    }

    async fn dispatch(&self, job: &JobRow) -> Result<Settlement> {
        match Kind::parse(&job.kind)? {
            Kind::Process => make::run(&self.ctx, &self.workshop, job.subject).await,
            Kind::Deliver => deliver::run(&self.ctx, &self.couriers, job.subject).await,
        }
    }
}

impl Lane {
    fn new(seats: usize, lease: Duration) -> Self {
        Self {
            room: Arc::new(Semaphore::new(seats)),
            lease,
        }
    }
}

/// A lease within which an attempt can wait for the partner's answer as long as the project lets it.
fn delivery_lease(callback: &Callback) -> Duration {
    (callback.timeout + SETTLING).div_f64(WORKING)
}

/// Every free seat of a lane, taken.
fn seats(room: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    std::iter::from_fn(|| room.clone().try_acquire_owned().ok()).collect()
}

fn after_settle(job: &JobRow) -> &'static str {
    match job.kind.as_str() {
        "deliver" => "deliver.after-settle",
        _ => "process.after-settle",
    }
}
