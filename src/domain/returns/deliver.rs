//! The work of a `deliver` job: one attempt to hand a return to the project's own API, and what follows from it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{Couriers, schedule};
use crate::{
    config::Callback,
    domain::{
        Context,
        exchanges::{ReturnState, Status},
        ged::documents::{self, Column},
        incidents::{self, Cause, Code as Anomaly, Ticket},
        jobs::{self, Effects, End, Settlement},
        journal::{self, Kind, Subject},
    },
    kernel::{
        digest::{hex, sha256},
        failpoint,
        fault::{Code, Fault, Result},
    },
    outbound::callback::{Ack, Completed, Refusal},
    storage::{
        exchanges::{self, ExchangeRow},
        jobs::JobRow,
        journal::{self as journal_rows, EntryRow},
        returns::{self, AcknowledgmentRow, AttemptRow, ReturnRow},
    },
};

/// Makes one attempt to deliver the return that `job` is about.
pub async fn run(ctx: &Context, couriers: &Couriers, job: &JobRow) -> Result<Settlement> {
    let (row, exchange, made) = found(ctx, job).await?;
    if row.state == ReturnState::Delivered.as_str() {
        return Ok(Settlement::bare(End::Done));
    }
    let project = ctx.project(&row.project)?;
    let sender = couriers.of(&row.project);
    let sender =
        sender.ok_or_else(|| Fault::unavailable(format!("no way out for {}", row.project)))?;
    let key = documents::exchange_key(ctx, &exchange).await?;
    let body = Bytes::from(documents::open_bytes(&key, Column::Return, &row.body)?);
    let attempt_id = ctx.entropy.uuid(&ctx.clock)?;
    let prepared = sender.prepare(row.id, body, Some(&traceparent(&exchange, attempt_id)));
    failpoint::hit("deliver.before-send");
    let (at, started) = (ctx.clock.now(), Instant::now());
    let completed = sender.send(prepared).await.complete(&ctx.clock);
    failpoint::hit("deliver.after-send");
    let attempt = Attempt {
        row,
        exchange,
        made: made + 1,
        id: attempt_id,
        at,
        took: started.elapsed(),
    };
    match completed {
        Completed::Acknowledged(ack) => attempt.acknowledged(ctx, &key, ack),
        Completed::Refused(refusal) => attempt.refused(ctx, &project.callback, &refusal),
    }
}

/// The return, its exchange, and how many attempts this job has made: the schedule is the job's, so that a job which an
/// operator has revived gets all of it again, while the return goes on counting.
async fn found(ctx: &Context, job: &JobRow) -> Result<(ReturnRow, ExchangeRow, u32)> {
    let (id, since) = (job.subject, job.created_at);
    let missing = move || Fault::internal(format!("return {id} has no row"));
    ctx.store
        .read(move |tx| {
            let row = returns::find(tx, id)?.ok_or_else(missing)?;
            let exchange = exchanges::find(tx, row.exchange_id)?.ok_or_else(missing)?;
            Ok((row, exchange, returns::attempts_since(tx, id, since)?))
        })
        .await
}

/// The exchange's trace (W3C): its reconciliation id is the trace id, the attempt's random half the span.
fn traceparent(exchange: &ExchangeRow, attempt: Uuid) -> String {
    let span = attempt.as_u128() as u64;
    format!("00-{}-{span:016x}-01", exchange.id.simple())
}

/// An attempt that was made.
struct Attempt {
    row: ReturnRow,
    exchange: ExchangeRow,
    /// How many attempts its job has made, this one included.
    made: u32,
    id: Uuid,
    at: Timestamp,
    took: Duration,
}

impl Attempt {
    /// ASP has the return: the proof is kept, the exchange is done.
    fn acknowledged(
        self,
        ctx: &Context,
        key: &crate::kernel::secret::Key,
        ack: Ack,
    ) -> Result<Settlement> {
        metrics::counter!("navette_deliveries_total", "outcome" => "acknowledged").increment(1);
        let (answer, now) = (ack.answer, ctx.clock.now());
        let proof = AcknowledgmentRow {
            return_id: self.row.id,
            owner: self.row.owner.clone(),
            at: now,
            http_status: answer.status,
            headers: headers(&answer.headers),
            key_id: self.row.key_id,
            body: documents::seal_bytes(ctx, key, Column::Acknowledgment, &answer.body)?,
            peer_sha256: answer.peer_certificate_sha256,
            partner_reference: ack.acknowledgment_id,
        };
        let detail = json!({
            "returnId": self.row.id,
            "httpStatus": answer.status,
            "bodySha256": hex(&sha256(&answer.body)),
            "peerSha256": answer.peer_certificate_sha256.map(|digest| hex(&digest)),
        });
        let entry = self.entry(ctx, Kind::ReturnAcknowledged, detail)?;
        let attempt = self.recorded(Some(answer.status), None);
        // A first attempt that succeeds has no incident behind it.
        let over = match self.row.attempts {
            0 => None,
            _ => {
                let cause = Cause::of_exchange(Anomaly::Undelivered, &self.exchange);
                Some(incidents::clear(ctx, &cause)?)
            }
        };
        let exchange = self.exchange.id;
        let effects: Effects = Box::new(move |tx| {
            returns::tried(
                tx,
                &attempt,
                ReturnState::Delivered.as_str(),
                None,
                Some(now),
            )?;
            returns::acknowledge(tx, &proof)?;
            exchanges::set_status(tx, exchange, Status::Acknowledged.as_str())?;
            journal_rows::append(tx, &entry)?;
            match &over {
                Some(over) => over.close(tx).map(drop),
                None => Ok(()),
            }
        });
        Ok(Settlement {
            end: End::Done,
            effects,
        })
    }

    /// No acknowledgment: tried again later, or given up after the last attempt.
    fn refused(self, ctx: &Context, callback: &Callback, refusal: &Refusal) -> Result<Settlement> {
        let pause =
            schedule::pause(callback, self.made, &ctx.entropy).filter(|_| !refusal.permanent);
        let pause = pause.map(|pause| pause.max(refusal.retry_after.unwrap_or_default()));
        match pause {
            Some(pause) => self.postponed(ctx, refusal, jobs::later(ctx, pause)),
            None => self.given_up(ctx, refusal),
        }
    }

    fn postponed(self, ctx: &Context, refusal: &Refusal, next: Timestamp) -> Result<Settlement> {
        metrics::counter!("navette_deliveries_total", "outcome" => "refused").increment(1);
        let why = refusal.reason.to_string();
        tracing::info!(reconciliation_id = %self.exchange.id, why, %next, "a return was not acknowledged; it is sent again");
        let detail = json!({ "returnId": self.row.id, "reason": why, "nextAttemptAt": next });
        let entry = self.entry(ctx, Kind::ReturnAttempted, detail)?;
        let attempt = self.recorded(status(refusal), Some(why.clone()));
        let effects = effects(attempt, ReturnState::Pending, Some(next), entry, None);
        Ok(Settlement {
            end: End::Retry { at: next, why },
            effects,
        })
    }

    fn given_up(self, ctx: &Context, refusal: &Refusal) -> Result<Settlement> {
        metrics::counter!("navette_deliveries_total", "outcome" => "undelivered").increment(1);
        let why = refusal.reason.to_string();
        tracing::error!(reconciliation_id = %self.exchange.id, why, code = %Code::PartnerRefused,
            "a return stays undelivered; replay it with `navette job retry`");
        let detail =
            json!({ "returnId": self.row.id, "reason": why, "attempts": self.row.attempts + 1 });
        let entry = self.entry(ctx, Kind::ReturnUndelivered, detail.clone())?;
        let cause = Cause::of_exchange(Anomaly::Undelivered, &self.exchange);
        let ticket = incidents::prepare(ctx, cause, detail)?;
        let attempt = self.recorded(status(refusal), Some(why.clone()));
        let effects = effects(
            attempt,
            ReturnState::Undelivered,
            None,
            entry,
            Some((self.exchange.id, ticket)),
        );
        Ok(Settlement {
            end: End::Fail { why },
            effects,
        })
    }

    fn entry(&self, ctx: &Context, kind: Kind, detail: Json) -> Result<EntryRow> {
        let subject = Subject {
            exchange_id: Some(self.exchange.id),
            project: Some(self.exchange.project.clone()),
            owner: self.exchange.owner.clone(),
        };
        journal::entry(&ctx.clock, &ctx.entropy, kind, subject, detail)
    }

    fn recorded(&self, http_status: Option<u16>, failure: Option<String>) -> AttemptRow {
        AttemptRow {
            id: self.id,
            return_id: self.row.id,
            owner: self.row.owner.clone(),
            at: self.at,
            duration_ms: u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            http_status,
            failure,
        }
    }
}

fn effects(
    attempt: AttemptRow,
    state: ReturnState,
    next: Option<Timestamp>,
    entry: EntryRow,
    undelivered: Option<(Uuid, Ticket)>,
) -> Effects {
    Box::new(move |tx| {
        returns::tried(tx, &attempt, state.as_str(), next, None)?;
        if let Some((exchange, ticket)) = &undelivered {
            exchanges::set_status(tx, *exchange, Status::Undelivered.as_str())?;
            ticket.open(tx)?;
        }
        journal_rows::append(tx, &entry)
    })
}

fn status(refusal: &Refusal) -> Option<u16> {
    refusal.answer.as_ref().map(|answer| answer.status)
}

fn headers(pairs: &[(String, String)]) -> Json {
    let pairs = pairs.iter().map(|(name, value)| json!([name, value]));
    Json::Array(pairs.collect())
}
