//! What follows from an attempt to deliver a return by callback: an acknowledgment, a later attempt, or the end.

use jiff::Timestamp;
use serde_json::json;

use super::{
    pace::{Effect, Pace},
    schedule,
    told::Told,
    trial::{Trial, count, settled},
};
use crate::{
    config::Callback,
    domain::{
        Context,
        exchanges::{ReturnState, Status},
        ged::documents::{self, Column},
        incidents::Clearing,
        jobs::{self, Effects, End, Settlement},
        journal::Kind,
    },
    kernel::{
        digest::{hex, sha256},
        fault::Result,
    },
    outbound::callback::{Ack, Answer, Refusal},
    storage::{
        acknowledgments::{self, AcknowledgmentRow},
        exchanges, journal as journal_rows, redeliveries,
        returns::{self, AttemptRow, Tried},
    },
};

/// How much of an answer an attempt keeps, in bytes.
const FIRST_BYTES: usize = 512;

/// An attempt that was made.
pub(super) struct Attempt {
    pub(super) trial: Trial,
    pub(super) pace: Pace,
    /// When the span of its deliveries is over.
    pub(super) last: Timestamp,
    /// The incidents that an acknowledgment ends.
    pub(super) over: Vec<Clearing>,
}

impl Attempt {
    /// ASP has the return: the proof is kept, the exchange is done.
    pub(super) fn acknowledged(self, ctx: &Context, ack: Ack) -> Result<Settlement> {
        count("acknowledged");
        let (answer, now) = (&ack.answer, ctx.clock.now());
        let detail = json!({
            "returnId": self.trial.row.id,
            "redeliveryId": self.trial.row.redelivery_id,
            "httpStatus": answer.status,
            "bodySha256": hex(&sha256(&answer.body)),
            "peerSha256": answer.peer_certificate_sha256.map(|digest| hex(&digest)),
        });
        let entry = self.trial.entry(ctx, Kind::ReturnAcknowledged, detail)?;
        let attempt = self.recorded(ctx, Some(answer), None)?;
        let partner = self.pace.answered(ctx, &self.trial.row.project)?;
        let proof = (!self.trial.was_delivered()).then(|| self.proof(ctx, ack, now));
        let proof = proof.transpose()?;
        let tried = Tried {
            acknowledged_at: Some(now),
            ..settled(ReturnState::Delivered)
        };
        let (exchange, redelivery) = (self.trial.exchange.id, self.trial.row.redelivery_id);
        let over = self.over;
        let effects: Effects = Box::new(move |tx| {
            returns::tried(tx, &attempt, &tried)?;
            if let Some(proof) = &proof {
                acknowledgments::insert(tx, proof)?;
                exchanges::set_status(tx, exchange, Status::Acknowledged.as_str())?;
            }
            if let Some(redelivery) = redelivery {
                redeliveries::settle(tx, redelivery, tried.state, now)?;
            }
            journal_rows::append(tx, &entry)?;
            over.iter().try_for_each(|over| over.close(tx).map(drop))?;
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
        let partner = self
            .pace
            .refused(ctx, callback, (&self.trial.row, self.last), refusal)?;
        let pause =
            schedule::pause(callback, self.trial.made, &ctx.entropy).filter(|_| !refusal.permanent);
        match pause {
            Some(pause) => {
                let own = jobs::later(ctx, pause);
                // The partner's wish goes as far as the span, and no further.
                let asked = refusal.retry_after.map(|asked| jobs::later(ctx, asked));
                let next = own.max(asked.unwrap_or(own).min(self.last));
                self.postponed(ctx, refusal, next, partner)
            }
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
        count("refused");
        let why = refusal.reason.to_string();
        tracing::info!(reconciliation_id = %self.trial.exchange.id, why, %next, "a return was not acknowledged; it is sent again");
        let detail = json!({ "returnId": self.trial.row.id, "reason": why, "nextAttemptAt": next });
        let entry = self.trial.entry(ctx, Kind::ReturnAttempted, detail)?;
        let attempt = self.recorded(ctx, refusal.answer.as_ref(), Some(why.clone()))?;
        let tried = self.trial.postponed(next);
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
        let (ending, tried) = self.trial.given_up(ctx, &why)?;
        let (end, mut ended) = (ending.end(why), ending.effects());
        let effects: Effects = Box::new(move |tx| {
            returns::tried(tx, &attempt, &tried)?;
            ended(tx)?;
            partner.write(tx)
        });
        Ok(Settlement { end, effects })
    }

    fn proof(&self, ctx: &Context, ack: Ack, now: Timestamp) -> Result<AcknowledgmentRow> {
        let answer = ack.answer;
        let told = Told {
            headers: answer.headers,
            reference: ack.acknowledgment_id,
        };
        Ok(AcknowledgmentRow {
            return_id: self.trial.row.id,
            owner: self.trial.row.owner.clone(),
            at: now,
            http_status: answer.status,
            headers: json!([]),
            key_id: self.trial.row.key_id,
            body: documents::seal_bytes(
                ctx,
                &self.trial.key,
                Column::Acknowledgment,
                &answer.body,
            )?,
            peer_sha256: answer.peer_certificate_sha256,
            partner_reference: None,
            signature: None,
            told: Some(told.sealed(ctx, &self.trial.key)?),
        })
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
            documents::seal_bytes(ctx, &self.trial.key, Column::Answer, bytes)
        };
        Ok(AttemptRow {
            http_status: answer.map(|answer| answer.status),
            answer: answer.map(first).transpose()?,
            ..self.trial.recorded(failure)
        })
    }
}
