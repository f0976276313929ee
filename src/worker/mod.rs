//! The worker: leases jobs, runs them, settles them; and the periodic work of the house.
//!
//! [`Worker::run`] looks at every lane that has room, leases what is ready, and runs each job as a task of its own until
//! told to stop; then it starts nothing new, waits for what runs, and hands back what it could not begin. Jobs carry their
//! effects to the settlement ([`jobs::Settlement`]); a job that meets a fault of the house is tried again later.
//!
//! [`periodic`] holds what runs by the clock. To add a kind of job, see [`crate::domain::jobs`].

pub mod periodic;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    config::Config,
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

/// What the worker needs beside the house itself.
#[derive(Clone)]
pub struct Worker {
    ctx: Context,
    workshop: Workshop,
    couriers: Couriers,
    lanes: Arc<HashMap<String, Arc<Semaphore>>>,
}

impl Worker {
    /// A worker over every lane of the settings.
    pub fn new(ctx: Context, workshop: Workshop, couriers: Couriers) -> Self {
        let lanes = Self::lane_names(&ctx.config);
        let settings = &ctx.config.gateway.worker;
        let seats = |lane: &str| match lane {
            jobs::PROCESS_LANE => settings.processing,
            _ => settings.deliveries,
        };
        let lanes = lanes.map(|name| (name.clone(), Arc::new(Semaphore::new(seats(&name)))));
        let lanes: HashMap<_, _> = lanes.collect();
        Self {
            ctx,
            workshop,
            couriers,
            lanes: Arc::new(lanes),
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

    /// Works until `stop`; then ends what runs, within 40 s.
    pub async fn run(self, stop: CancellationToken) {
        let running = TaskTracker::new();
        while !stop.is_cancelled() {
            let wait = match self.look(&running).await {
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
            tracing::warn!(
                "jobs still run at the end of the grace period; their leases will expire"
            );
        }
    }

    /// Leases what is ready in every lane with room and starts it.
    async fn look(&self, running: &TaskTracker) -> Result<()> {
        let ctx = &self.ctx;
        let open: Vec<String> = self.with_room();
        let now = ctx.clock.now();
        let ready = ctx
            .store
            .read(move |tx| rows::ready(tx, &open, now))
            .await?;
        for name in ready {
            let Some(room) = self.lanes.get(&name) else {
                continue;
            };
            let seats = seats(room);
            let token = ctx.entropy.uuid(&ctx.clock)?;
            let (limit, micros) = (seats.len() as u32, self.lease_micros());
            let leased = ctx
                .store
                .write(move |tx| rows::lease(tx, &name, limit, token, now, micros));
            for (job, seat) in leased.await?.into_iter().zip(seats) {
                let worker = self.clone();
                running.spawn(async move { worker.work(job, token, seat).await });
            }
        }
        Ok(())
    }

    fn with_room(&self) -> Vec<String> {
        let open = self
            .lanes
            .iter()
            .filter(|(_, room)| room.available_permits() > 0);
        open.map(|(name, _)| name.clone()).collect()
    }

    fn lease_micros(&self) -> i64 {
        i64::try_from(self.ctx.config.gateway.worker.lease.as_micros()).unwrap_or(i64::MAX)
    }

    /// One job from its lease to its settlement. A settlement that fails is left to the lease's expiry.
    async fn work(self, job: JobRow, token: Uuid, seat: OwnedSemaphorePermit) {
        let settlement = self.settlement(&job).await;
        let ended = settlement.end.clone();
        let settled = jobs::settle(&self.ctx, job.id, token, settlement).await;
        failpoint::hit(after_settle(&job));
        if let Err(fault) = settled {
            tracing::warn!(job = %job.id, kind = job.kind, %fault, "a job could not be settled; it comes back");
        }
        tracing::debug!(job = %job.id, kind = job.kind, subject = %job.subject, ?ended, "job settled");
        drop(seat);
        self.ctx.bell.notify_one();
    }

    async fn settlement(&self, job: &JobRow) -> Settlement {
        let deadline = self.ctx.config.gateway.worker.lease.mul_f64(0.8);
        let outcome = match tokio::time::timeout(deadline, self.dispatch(job)).await {
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
