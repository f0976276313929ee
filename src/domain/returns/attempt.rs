//! What follows from an attempt to deliver a return: an acknowledgment, a later attempt, or the end.
//!
//! A redelivery is an attempt like any other, under the same id. Where the return was acknowledged before, it stays so, with
//! its first proof; how the redelivery ends stands in its own row.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    ending::{Ending, subject},
    pace::{Effect, Pace},
    schedule,
};
use crate::{
    config::Callback,
    domain::{
        Context,
        exchanges::{ReturnState, Status},
        ged::documents::{self, Column},
        incidents::{self, Cause, Code as Anomaly},
        jobs::{self, Effects, End, Settlement},
        journal::{self, Kind},
    },
    kernel::{
        digest::{hex, sha256},
        fault::Result,
        secret::Key,
    },
    outbound::callback::{Ack, Answer, Refusal},
    storage::{
        exchanges::{self, ExchangeRow},
        journal::{self as journal_rows, EntryRow},
        redeliveries,
        returns::{self, AcknowledgmentRow, AttemptRow, ReturnRow, Tried},
    },
};

/// How much of an answer an attempt keeps, in bytes.
const FIRST_BYTES: usize = 512;

/// An attempt that was made.
pub(super) struct Attempt {
    pub(super) row: ReturnRow,
    pub(super) exchange: ExchangeRow,
    pub(super) key: Key,
    pub(super) pace: Pace,
    /// How many attempts its job has made, this one included.
    pub(super) made: u32,
    pub(super) id: Uuid,
    pub(super) at: Timestamp,
    pub(super) took: Duration,
}

impl Attempt {
    /// ASP has the return: the proof is kept, the exchange is done.
    pub(super) fn acknowledged(self, ctx: &Context, ack: Ack) -> Result<Settlement> {
        metrics::counter!("navette_deliveries_total", "outcome" => "acknowledged").increment(1);
        let (answer, now) = (&ack.answer, ctx.clock.now());
        let detail = json!({
            "returnId": self.row.id,
            "redeliveryId": self.row.redelivery_id,
            "httpStatus": answer.status,
            "bodySha256": hex(&sha256(&answer.body)),
            "peerSha256": answer.peer_certificate_sha256.map(|digest| hex(&digest)),
        });
        let entry = self.entry(ctx, Kind::ReturnAcknowledged, detail)?;
        let attempt = self.recorded(ctx, Some(answer), None)?;
        // A first attempt that succeeds has no incident behind it.
        let cause = Cause::of_exchange(Anomaly::Undelivered, &self.exchange);
        let over = (self.row.attempts > 0).then(|| incidents::clear(ctx, &cause));
        let over = over.transpose()?;
        let partner = self.pace.answered(ctx, &self.row.project)?;
        let proof = (!self.was_delivered()).then(|| self.proof(ctx, ack, now));
        let proof = proof.transpose()?;
        let tried = Tried {
            state: ReturnState::Delivered.as_str(),
            next_attempt_at: None,
            acknowledged_at: Some(now),
            redelivery_id: None,
        };
        let (exchange, redelivery) = (self.exchange.id, self.row.redelivery_id);
        let effects: Effects = Box::new(move |tx| {
            returns::tried(tx, &attempt, &tried)?;
            if let Some(proof) = &proof {
                returns::acknowledge(tx, proof)?;
                exchanges::set_status(tx, exchange, Status::Acknowledged.as_str())?;
            }
            if let Some(redelivery) = redelivery {
                redeliveries::settle(tx, redelivery, tried.state, now)?;
            }
            journal_rows::append(tx, &entry)?;
            if let Some(over) = &over {
                over.close(tx)?;
            }
            partner.write(tx)
        });
        Ok(Settlement {
            end: End::Done,
            effects,
        })
    }

    /// No acknowledgment: tried again later, or given up after the last attempt.
    pub(super) fn refused(
        self,
        ctx: &Context,
        callback: &Callback,
        refusal: &Refusal,
    ) -> Result<Settlement> {
        let partner = self.pace.refused(ctx, callback, &self.row, refusal)?;
        let pause =
            schedule::pause(callback, self.made, &ctx.entropy).filter(|_| !refusal.permanent);
        let pause = pause.map(|pause| pause.max(refusal.retry_after.unwrap_or_default()));
        match pause {
            Some(pause) => self.postponed(ctx, refusal, jobs::later(ctx, pause), partner),
            None => self.given_up(ctx, refusal, partner),
        }
    }

    fn postponed(
        self,
        ctx: &Context,
        refusal: &Refusal,
        next: Timestamp,
        partner: Effect,
    ) -> Result<Settlement> {
        metrics::counter!("navette_deliveries_total", "outcome" => "refused").increment(1);
        let why = refusal.reason.to_string();
        tracing::info!(reconciliation_id = %self.exchange.id, why, %next, "a return was not acknowledged; it is sent again");
        let detail = json!({ "returnId": self.row.id, "reason": why, "nextAttemptAt": next });
        let entry = self.entry(ctx, Kind::ReturnAttempted, detail)?;
        let attempt = self.recorded(ctx, refusal.answer.as_ref(), Some(why.clone()))?;
        let tried = Tried {
            state: self.state_while_tried().as_str(),
            next_attempt_at: Some(next),
            acknowledged_at: None,
            redelivery_id: self.row.redelivery_id,
        };
        let effects: Effects = Box::new(move |tx| {
            returns::tried(tx, &attempt, &tried)?;
            journal_rows::append(tx, &entry)?;
            partner.write(tx)
        });
        Ok(Settlement {
            end: End::Retry { at: next, why },
            effects,
        })
    }

    fn given_up(self, ctx: &Context, refusal: &Refusal, partner: Effect) -> Result<Settlement> {
        let why = refusal.reason.to_string();
        let attempt = self.recorded(ctx, refusal.answer.as_ref(), Some(why.clone()))?;
        let ending = Ending::new(ctx, &self.row, &self.exchange, &why, self.row.attempts + 1)?;
        let tried = Tried {
            state: ending.state.as_str(),
            next_attempt_at: None,
            acknowledged_at: None,
            redelivery_id: None,
        };
        let (end, mut ended) = (ending.end(why), ending.effects());
        let effects: Effects = Box::new(move |tx| {
            returns::tried(tx, &attempt, &tried)?;
            ended(tx)?;
            partner.write(tx)
        });
        Ok(Settlement { end, effects })
    }

    /// Whether this is the redelivery of a return that was acknowledged before.
    fn was_delivered(&self) -> bool {
        self.row.state == ReturnState::Delivered.as_str()
    }

    fn state_while_tried(&self) -> ReturnState {
        match self.was_delivered() {
            true => ReturnState::Delivered,
            false => ReturnState::Pending,
        }
    }

    fn proof(&self, ctx: &Context, ack: Ack, now: Timestamp) -> Result<AcknowledgmentRow> {
        let answer = ack.answer;
        Ok(AcknowledgmentRow {
            return_id: self.row.id,
            owner: self.row.owner.clone(),
            at: now,
            http_status: answer.status,
            headers: headers(&answer.headers),
            key_id: self.row.key_id,
            body: documents::seal_bytes(ctx, &self.key, Column::Acknowledgment, &answer.body)?,
            peer_sha256: answer.peer_certificate_sha256,
            partner_reference: ack.acknowledgment_id,
            signature: None,
        })
    }

    fn entry(&self, ctx: &Context, kind: Kind, detail: Json) -> Result<EntryRow> {
        journal::entry(
            &ctx.clock,
            &ctx.entropy,
            kind,
            subject(&self.exchange),
            detail,
        )
    }

    /// The row of this attempt, with the first bytes of the answer.
    fn recorded(
        &self,
        ctx: &Context,
        answer: Option<&Answer>,
        failure: Option<String>,
    ) -> Result<AttemptRow> {
        let first = |answer: &Answer| {
            let bytes = &answer.body[..answer.body.len().min(FIRST_BYTES)];
            documents::seal_bytes(ctx, &self.key, Column::Answer, bytes)
        };
        Ok(AttemptRow {
            id: self.id,
            return_id: self.row.id,
            owner: self.row.owner.clone(),
            at: self.at,
            duration_ms: u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            http_status: answer.map(|answer| answer.status),
            failure,
            answer: answer.map(first).transpose()?,
            redelivery_id: self.row.redelivery_id,
        })
    }
}

fn headers(pairs: &[(String, String)]) -> Json {
    let pairs = pairs.iter().map(|(name, value)| json!([name, value]));
    Json::Array(pairs.collect())
}
