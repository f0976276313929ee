//! The worker: leases jobs, runs them, settles them; and the periodic work of the house.
//!
//! [`Worker::run`] looks at every lane that has room, leases what is ready, and runs each job as a task of its own until
//! told to stop; then it starts nothing new, waits for what runs, and hands back what it could not end. Jobs carry their
//! effects to the settlement ([`jobs::Settlement`]); a job that meets a fault of the house is tried again later.
//!
//! A lease is short and renewed while its worker lives ([`Worker::beat`]): the jobs of a worker that died come back within
//! seconds, and one that only seemed dead cannot settle what another has taken since.
//!
//! [`lanes`] says how many jobs run at once, [`way`] when it gives way to those who send, [`periodic`] holds what runs by the
//! clock, [`gauges`] tells what waits, [`depots`] looks at the depots, [`acknowledgments`] at what partners answer there. To add
//! a kind of job, see [`crate::domain::jobs`].

pub mod acknowledgments;
pub mod depots;
mod gauges;
mod lanes;
pub mod periodic;
mod way;

use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use self::lanes::Lane;
use crate::{
    domain::{
        Context,
        archives::{
            Lines,
            reception::leave,
            sending::{overdue, process, send},
        },
        ged::scan,
        hubee::{attachments::verdict, forward, mails},
        incidents::{Herald, again, tell, trouble},
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
    outbound::clamd::Clamd,
    storage::jobs::{self as rows, JobRow},
};

/// How long the worker waits between two looks where nobody rings.
const LOOK: Duration = Duration::from_millis(200);
/// How long the worker waits after the database failed it.
const PAUSE: Duration = Duration::from_secs(1);
/// How many times a lease is renewed within its life.
const BEATS: u32 = 4;

/// What the worker needs beside the house itself.
#[derive(Clone)]
pub struct Worker {
    ctx: Context,
    workshop: Workshop,
    couriers: Couriers,
    herald: Herald,
    lines: Lines,
    antivirus: Option<Clamd>,
    lanes: Arc<HashMap<String, Lane>>,
    /// The jobs that it holds now, each with its lease's token: no two leases share one, so that even a job that this
    /// process has leased a second time cannot be settled by its first lease.
    held: Arc<Mutex<HashSet<Lease>>>,
    /// Cancelled at the end of the grace period: what still runs is given up and handed back.
    late: CancellationToken,
}

/// A leased job and what it holds while it runs.
struct Held {
    job: JobRow,
    token: Uuid,
    deadline: Duration,
    seat: OwnedSemaphorePermit,
}

/// A job and the token that it is leased under.
type Lease = (Uuid, Uuid);

impl Held {
    fn lease(&self) -> Lease {
        (self.job.id, self.token)
    }
}

impl Worker {
    /// A worker over every lane of the settings.
    pub fn new(
        ctx: Context,
        workshop: Workshop,
        (couriers, herald, lines): (Couriers, Herald, Lines),
    ) -> Self {
        let antivirus = ctx.config.gateway.antivirus.clone();
        Self {
            antivirus: antivirus.map(Clamd::new),
            lanes: Arc::new(lanes::all(&ctx.config)),
            held: Arc::default(),
            late: CancellationToken::new(),
            ctx,
            workshop,
            couriers,
            herald,
            lines,
        }
    }

    /// Works until `stop`; then ends what runs within the settings' grace period, and hands back what did not end.
    pub async fn run(self, stop: CancellationToken) {
        let idle = CancellationToken::new();
        let beating = tokio::spawn(self.clone().beat(idle.clone()));
        let running = TaskTracker::new();
        while !stop.is_cancelled() {
            let wait = self.look_or_pause(&running, &stop).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.ctx.bell.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
            way::give(&self.ctx.intakes).await;
        }
        self.end(running).await;
        idle.cancel();
        // A beat that panicked has said so in the log; the leases expire by themselves.
        let _ = beating.await;
    }

    async fn look_or_pause(&self, running: &TaskTracker, stop: &CancellationToken) -> Duration {
        match self.look(running, stop).await {
            Ok(()) => LOOK,
            Err(fault) => {
                tracing::error!(%fault, "the worker could not lease jobs; it goes on");
                PAUSE
            }
        }
    }

    async fn end(&self, running: TaskTracker) {
        running.close();
        let grace = self.ctx.config.gateway.worker.grace;
        if tokio::time::timeout(grace, running.wait()).await.is_err() {
            tracing::warn!("jobs still run at the end of the grace period; they are handed back");
            self.late.cancel();
            running.wait().await;
        }
    }

    /// Renews this process's leases until nothing runs any more.
    async fn beat(self, idle: CancellationToken) {
        let pause = self.ctx.config.gateway.worker.lease / BEATS;
        while idle
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_some()
        {
            let (now, micros) = (self.ctx.clock.now(), self.lease_micros());
            let held: Vec<Lease> = self.holding().iter().copied().collect();
            if held.is_empty() {
                continue;
            }
            let renewed = self
                .ctx
                .store
                .write(move |tx| rows::renew(tx, &held, now, micros));
            if let Err(fault) = renewed.await {
                tracing::warn!(%fault, "leases could not be renewed; they may expire");
            }
        }
    }

    fn holding(&self) -> MutexGuard<'_, HashSet<Lease>> {
        // A set of ids is sound whatever happened to the thread that held it.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leases what is ready in every lane with room and starts it.
    async fn look(&self, running: &TaskTracker, stop: &CancellationToken) -> Result<()> {
        let (open, now) = (self.with_room(), self.ctx.clock.now());
        let ready = self.ctx.store.read(move |tx| rows::ready(tx, &open, now));
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
        let seats = lane.seats();
        let token = self.ctx.entropy.uuid(&self.ctx.clock)?;
        let (now, micros) = (self.ctx.clock.now(), self.lease_micros());
        let limit = seats.len() as u32;
        let leased = self
            .ctx
            .store
            .write(move |tx| rows::lease(tx, &name, limit, token, now, micros));
        let pairs = leased.await?.into_iter().zip(seats);
        let held = pairs.map(|(job, seat)| Held {
            job,
            token,
            deadline: lane.deadline,
            seat,
        });
        let held: Vec<_> = held.collect();
        self.holding().extend(held.iter().map(Held::lease));
        Ok(held)
    }

    fn with_room(&self) -> Vec<String> {
        let open = self.lanes.iter().filter(|(_, lane)| lane.has_room());
        open.map(|(name, _)| name.clone()).collect()
    }

    fn lease_micros(&self) -> i64 {
        i64::try_from(self.ctx.config.gateway.worker.lease.as_micros()).unwrap_or(i64::MAX)
    }

    /// One job from its lease to its settlement.
    async fn work(self, held: Held) {
        match self.late.run_until_cancelled(self.settlement(&held)).await {
            Some(settlement) => self.settle(&held, settlement).await,
            None => self.hand_back(&held).await,
        }
        self.holding().remove(&held.lease());
        drop(held.seat);
        self.ctx.bell.notify_one();
    }

    /// Ends the lease as its work says. Where that cannot be written although the lease still holds, it is a fault of the house
    /// as any other: at once it would fail again, for ever.
    async fn settle(&self, held: &Held, settlement: Settlement) {
        let (job, ended) = (&held.job, settlement.end.clone());
        let settled = jobs::settle(&self.ctx, job.id, held.token, settlement).await;
        after_settle(job).map(failpoint::hit).unwrap_or_default();
        match settled {
            Ok(()) => {
                tracing::debug!(job = %job.id, kind = job.kind, subject = %job.subject, ?ended, "job settled");
            }
            Err(fault) => {
                tracing::warn!(job = %job.id, kind = job.kind, %fault, "a job could not be settled; it comes back");
                self.postpone(held, &fault).await;
            }
        }
    }

    /// Has a job whose settlement failed tried again later, and makes it an incident where it fails again and again. A lease
    /// that was lost meanwhile stays where it is.
    async fn postpone(&self, held: &Held, fault: &Fault) {
        let job = &held.job;
        let later = trouble::settlement(&self.ctx, job, fault).await;
        if let Err(fault) = jobs::settle(&self.ctx, job.id, held.token, later).await {
            tracing::warn!(job = %job.id, %fault, "a job could not be put back; its lease will expire");
        }
    }

    /// Gives up a job that did not end, so that it is taken again at once: a delivery that had left is made again under the
    /// same id. A lease that was lost meanwhile stays where it is.
    async fn hand_back(&self, held: &Held) {
        let ((id, token), now) = (held.lease(), self.ctx.clock.now());
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
        // A panic is a fault of ours like others: else the job would be held for as long as this process lives.
        let guarded = AssertUnwindSafe(self.dispatch(job)).catch_unwind();
        let outcome = match tokio::time::timeout(held.deadline, guarded).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Fault::internal("the job panicked")),
            Err(_) => Err(Fault::unavailable("the job took longer than its deadline")),
        };
        match outcome {
            Ok(settlement) => trouble::over(&self.ctx, job, settlement).await,
            Err(fault) => {
                tracing::error!(job = %job.id, kind = job.kind, subject = %job.subject, %fault, "a job failed; it is tried again");
                trouble::settlement(&self.ctx, job, &fault).await
            }
        }
    }

    async fn dispatch(&self, job: &JobRow) -> Result<Settlement> {
        match Kind::parse(&job.kind)? {
            Kind::Scan => scan::run(&self.ctx, self.antivirus.as_ref(), job).await,
            Kind::Process => make::run(&self.ctx, &self.workshop, job.subject).await,
            Kind::Deliver => deliver::run(&self.ctx, &self.couriers, job).await,
            Kind::Mail => tell::mail(&self.ctx, &self.herald, job).await,
            Kind::MailAgain => again::mail(&self.ctx, &self.herald, job).await,
            Kind::Ticket => tell::push(&self.ctx, &self.herald, job).await,
            Kind::Depot => leave::run(&self.ctx, &self.lines, job).await,
            Kind::ProcessArchive => {
                let tools = (&self.workshop, self.antivirus.as_ref());
                process::run(&self.ctx, tools, job).await
            }
            Kind::SendReturn => send::run(&self.ctx, &self.lines, job).await,
            Kind::AwaitAcknowledgment => overdue::run(&self.ctx, job).await,
            Kind::HubMail | Kind::HubEventMail => mails::unit(&self.ctx, &self.herald, job).await,
            Kind::HubDigest => mails::digest(&self.ctx, &self.herald, job).await,
            Kind::Forward => forward::run(&self.ctx, job).await,
            Kind::ScanAttachment => verdict::run(&self.ctx, self.antivirus.as_ref(), job).await,
        }
    }
}

/// Nothing that a piece's way depends on follows from news: they have no such point.
fn after_settle(job: &JobRow) -> Option<&'static str> {
    match Kind::parse(&job.kind).ok()? {
        Kind::Scan => Some("scan.after-settle"),
        Kind::ScanAttachment => Some("attachment.after-settle"),
        Kind::Process => Some("process.after-settle"),
        Kind::Deliver => Some("deliver.after-settle"),
        Kind::Depot => Some("depot.after-settle"),
        Kind::ProcessArchive => Some("slice.after-settle"),
        Kind::SendReturn => Some("send.after-settle"),
        Kind::Mail | Kind::MailAgain | Kind::Ticket | Kind::AwaitAcknowledgment => None,
        Kind::HubMail | Kind::HubEventMail | Kind::HubDigest => None,
        Kind::Forward => Some("forward.after-settle"),
    }
}
