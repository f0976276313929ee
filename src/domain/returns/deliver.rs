//! The work of a `deliver` job: one attempt to hand a return to the project's own API. What follows is for `attempt`.

use std::time::Instant;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Couriers,
    attempt::Attempt,
    ending::Ending,
    pace::{self, Entry, HELD, Pace},
    trial::{Trial, is_done},
};
use crate::{
    config::{Callback, Project},
    domain::{
        Context,
        ged::documents::{self, Column},
        incidents::{self, Cause, Clearing, Code as Anomaly, trouble},
        jobs::{self, Effects, End, Settlement},
    },
    kernel::{
        failpoint,
        fault::{Fault, Result},
        secret::Key,
    },
    outbound::callback::{Completed, Prepared, Sender},
    storage::{
        exchanges::{self, ExchangeRow},
        jobs::JobRow,
        returns::{self, ReturnRow},
        targets::{self, TargetRow},
    },
};

/// Makes one attempt to deliver the return that `job` is about, unless its partner is being probed by another.
pub async fn run(ctx: &Context, couriers: &Couriers, job: &JobRow) -> Result<Settlement> {
    let found = Found::read(ctx, job).await?;
    if is_done(&found.row, &found.exchange) {
        return Ok(Settlement::bare(End::Done));
    }
    let project = ctx.project(&found.row.project)?;
    let callback = project.callback.as_ref();
    let callback = callback.ok_or_else(|| no_way_out(&project))?;
    let known = found.target.clone();
    match pace::enter(ctx, callback, &project.name, known).await? {
        Entry::Open(pace) => found.attempt(ctx, couriers, &project, pace).await,
        Entry::Held(until) => found.held(ctx, callback, until),
    }
}

/// A return by callback of a project whose settings name no callback any more waits until they do.
fn no_way_out(project: &Project) -> Fault {
    Fault::unavailable(format!("no way out for {}", project.name))
}

/// What an attempt is about.
struct Found {
    row: ReturnRow,
    exchange: ExchangeRow,
    /// How many attempts this job has made: the schedule is the job's, so that a job which an operator has revived gets all
    /// of it again, while the return goes on counting.
    made: u32,
    /// When the job was queued.
    since: Timestamp,
    /// Whether its job has been taken before, and came to nothing.
    retried: bool,
    target: Option<TargetRow>,
}

impl Found {
    async fn read(ctx: &Context, job: &JobRow) -> Result<Self> {
        let (id, since, retried) = (job.subject, job.created_at, job.has_failed());
        let missing = move || Fault::internal(format!("return {id} has no row"));
        let read = ctx.store.read(move |tx| {
            let row = returns::find(tx, id)?.ok_or_else(missing)?;
            let exchange = exchanges::find(tx, row.exchange_id)?.ok_or_else(missing)?;
            let (made, target) = targets::standing(tx, id, since, &row.project)?;
            Ok(Self {
                row,
                exchange,
                made,
                since,
                retried,
                target,
            })
        });
        read.await
    }

    async fn attempt(
        mut self,
        ctx: &Context,
        couriers: &Couriers,
        project: &Project,
        pace: Pace,
    ) -> Result<Settlement> {
        let callback = project.callback.as_ref();
        let sender = couriers.of(&project.name).zip(callback);
        let (sender, callback) = sender.ok_or_else(|| no_way_out(project))?;
        let last = self.last(callback);
        let key = documents::exchange_key(ctx, &self.exchange).await?;
        let id = ctx.entropy.uuid(&ctx.clock)?;
        let prepared = self.prepared(&sender, &key, id)?;
        let over = self.over(ctx).await?;
        failpoint::hit("deliver.before-send");
        let (at, started) = (ctx.clock.now(), Instant::now());
        let completed = sender.send(prepared).await.complete(&ctx.clock);
        failpoint::hit("deliver.after-send");
        let trial = Trial {
            row: self.row,
            exchange: self.exchange,
            key,
            made: self.made + 1,
            id,
            at,
            took: started.elapsed(),
        };
        let attempt = Attempt {
            trial,
            pace,
            last,
            over,
        };
        match completed {
            Completed::Acknowledged(ack) => attempt.acknowledged(ctx, ack),
            Completed::Refused(refusal) => attempt.refused(ctx, callback, &refusal),
        }
    }

    /// The incidents that its acknowledgment ends. A first attempt has none behind it; the return may have been given up
    /// without one, and its redelivery has a job that knows nothing of the troubles of the job before.
    async fn over(&self, ctx: &Context) -> Result<Vec<Clearing>> {
        let again = self.row.redelivery_id.is_some();
        let mut over = Vec::new();
        if again || self.retried || self.row.attempts > 0 {
            let cause = Cause::of_exchange(Anomaly::Undelivered, &self.exchange);
            over.push(incidents::clear(ctx, &cause)?);
        }
        if again {
            over.extend(trouble::of_delivery(ctx, &self.exchange).await?);
        }
        Ok(over)
    }

    /// The request, signed now, and marked where the return was asked for again. From here on the body stands in memory once:
    /// the sealed one is let go.
    fn prepared(&mut self, sender: &Sender, key: &Key, attempt: Uuid) -> Result<Prepared> {
        let sealed = std::mem::take(&mut self.row.body);
        let body = Bytes::from(documents::open_bytes(key, Column::Return, &sealed)?);
        let trace = traceparent(&self.exchange, attempt);
        let prepared = sender.prepare(self.row.id, body, Some(&trace));
        Ok(match self.row.redelivery_id {
            Some(redelivery) => prepared.as_redelivery(redelivery),
            None => prepared,
        })
    }

    /// When the span of its deliveries is over.
    fn last(&self, callback: &Callback) -> Timestamp {
        let last = self.since.checked_add(span(callback));
        last.unwrap_or(Timestamp::MAX)
    }

    /// Waits without an attempt, and all the others of its partner with it, until the next probe or the end of its span, whichever is first.
    fn held(self, ctx: &Context, callback: &Callback, until: Timestamp) -> Result<Settlement> {
        let last = self.last(callback);
        if last <= ctx.clock.now() {
            return self.expired(ctx);
        }
        let (id, at) = (self.row.id, until.min(last));
        let lane = jobs::delivery_lane(&self.row.project);
        // Those whose own span ends before are not for this.
        let since = until.checked_sub(span(callback)).unwrap_or(Timestamp::MIN);
        metrics::counter!("navette_deliveries_total", "outcome" => "held").increment(1);
        Ok(Settlement {
            end: End::Retry {
                at,
                why: HELD.to_owned(),
            },
            effects: Box::new(move |tx| {
                returns::waits(tx, id, at)?;
                targets::hold(tx, &lane, until, since, HELD)
            }),
        })
    }

    /// Given up without another attempt: its span is over, and its partner still fails.
    fn expired(self, ctx: &Context) -> Result<Settlement> {
        let ending = Ending::new(ctx, &self.row, &self.exchange, HELD, self.row.attempts)?;
        let (id, state) = (self.row.id, ending.state.as_str());
        let (end, mut ended) = (ending.end(HELD.to_owned()), ending.effects());
        let effects: Effects = Box::new(move |tx| {
            returns::expired(tx, id, state)?;
            ended(tx)
        });
        Ok(Settlement { end, effects })
    }
}

/// Over how long a project's deliveries are spread.
fn span(callback: &Callback) -> SignedDuration {
    SignedDuration::try_from(callback.over).unwrap_or(SignedDuration::MAX)
}

/// The exchange's trace (W3C): its reconciliation id is the trace id, the attempt's random half the span.
fn traceparent(exchange: &ExchangeRow, attempt: Uuid) -> String {
    let span = attempt.as_u128() as u64;
    format!("00-{}-{span:016x}-01", exchange.id.simple())
}
