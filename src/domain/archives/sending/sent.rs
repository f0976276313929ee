//! What follows from a try to leave a return on a depot: its acknowledgment is awaited, it is tried again later, or it is given
//! up.
//!
//! Where no flow of the depot takes acknowledgments of it, and the depot is no CFT, which tells of them by itself, nobody will
//! ever acknowledge it: then that the depot has it is what there is of a proof.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    acknowledgment::{Acknowledging, Proof},
    outlet::Way,
};
use crate::{
    config::depots::{Direction, Transport},
    domain::{
        Context, cft,
        exchanges::ReturnState,
        incidents::{self, Cause, Clearing, Code as Anomaly, Ticket},
        jobs::{self, Effects, End, Kind as JobKind, Settlement},
        journal::{self, Kind},
        returns::{
            ending::{Ending, subject},
            schedule,
        },
    },
    kernel::{
        digest::hex,
        fault::{Code, Fault, Result},
        secret::Key,
    },
    storage::{
        exchanges::{DocumentRow, ExchangeRow},
        jobs as job_rows,
        journal::{self as journal_rows, EntryRow},
        redeliveries, return_files,
        returns::{self, AttemptRow, ReturnRow, Tried},
    },
    transport::Uploaded,
};

/// A try that was made.
pub(super) struct Try {
    pub(super) row: ReturnRow,
    pub(super) exchange: ExchangeRow,
    pub(super) document: DocumentRow,
    pub(super) key: Key,
    pub(super) way: Way,
    /// How many tries its job has made, this one included.
    pub(super) made: u32,
    pub(super) id: Uuid,
    pub(super) at: Timestamp,
    pub(super) took: Duration,
}

impl Try {
    /// The depot has it, by a transfer that its transport calls `about`.
    pub(super) fn left(
        self,
        ctx: &Context,
        uploaded: Uploaded,
        about: &[(String, String)],
    ) -> Result<Settlement> {
        let (depot, exchange) = (&self.way.depot.name, Some(self.exchange.id));
        let transfer = cft::prepare(ctx, depot, cft::Way::Out, about, exchange)?;
        count("sent");
        let (now, id) = (ctx.clock.now(), self.row.id);
        let awaits = self.awaits();
        let deadline = awaits.then(|| jobs::later(ctx, self.way.out.ack_deadline));
        let entry = self.entry(ctx, Kind::ReturnSent, self.told(uploaded, deadline))?;
        let over = self.over(ctx)?;
        let wait = deadline.map(|at| self.wait(ctx, at)).transpose()?;
        let proof = (!awaits && !self.was_delivered()).then(|| self.proof(ctx));
        let proof = proof.transpose()?;
        let (attempt, redelivery) = (self.recorded(None), self.row.redelivery_id);
        let tried = Tried {
            state: self.state_after().as_str(),
            next_attempt_at: None,
            acknowledged_at: None,
            redelivery_id: None,
        };
        let effects: Effects = Box::new(move |tx| {
            returns::tried(tx, &attempt, &tried)?;
            return_files::sent(tx, id, now, deadline)?;
            if let Some((sql, values)) = &wait {
                tx.execute(sql, values)?;
            }
            if let Some(redelivery) = redelivery {
                redeliveries::settle(tx, redelivery, ReturnState::Delivered.as_str(), now)?;
            }
            journal_rows::append(tx, &entry)?;
            over.iter().try_for_each(|over| over.close(tx).map(drop))?;
            if let Some(transfer) = &transfer {
                transfer.write(tx)?;
            }
            match &proof {
                Some(proof) => proof.write(tx).map(drop),
                None => Ok(()),
            }
        });
        Ok(Settlement {
            end: End::Done,
            effects,
        })
    }

    /// The depot does not take it: tried again later, or given up after the last try.
    pub(super) fn refused(self, ctx: &Context, fault: &Fault) -> Result<Settlement> {
        let why = fault.code().as_str();
        tracing::warn!(reconciliation_id = %self.exchange.id, depot = self.way.depot.name, %fault, "a return could not be left on its depot");
        let outlet = ctx.project(&self.row.project)?.returns.tries;
        let pause = schedule::pause_of(outlet.attempts, outlet.over, self.made, &ctx.entropy);
        // Another file of that name does not go away by waiting.
        let pause = pause.filter(|_| fault.code() != Code::DepotFileExists);
        match pause {
            Some(pause) => self.postponed(ctx, why, jobs::later(ctx, pause)),
            None => self.given_up(ctx, why),
        }
    }

    fn postponed(self, ctx: &Context, why: &'static str, next: Timestamp) -> Result<Settlement> {
        count("refused");
        let detail = json!({
            "returnId": self.row.id, "depot": self.way.depot.name, "reason": why, "nextAttemptAt": next,
        });
        let entry = self.entry(ctx, Kind::ReturnAttempted, detail)?;
        let ticket = self.depot_ticket(ctx, why)?;
        let attempt = self.recorded(Some(why.to_owned()));
        let tried = Tried {
            state: self.state_while_tried().as_str(),
            next_attempt_at: Some(next),
            acknowledged_at: None,
            redelivery_id: self.row.redelivery_id,
        };
        let effects: Effects = Box::new(move |tx| {
            returns::tried(tx, &attempt, &tried)?;
            journal_rows::append(tx, &entry)?;
            match &ticket {
                Some(ticket) => ticket.open(tx).map(drop),
                None => Ok(()),
            }
        });
        let why = why.to_owned();
        Ok(Settlement {
            end: End::Retry { at: next, why },
            effects,
        })
    }

    fn given_up(self, ctx: &Context, why: &'static str) -> Result<Settlement> {
        let attempt = self.recorded(Some(why.to_owned()));
        let ending = Ending::new(ctx, &self.row, &self.exchange, why, self.row.attempts + 1)?;
        let tried = Tried {
            state: ending.state.as_str(),
            next_attempt_at: None,
            acknowledged_at: None,
            redelivery_id: None,
        };
        let (end, mut ended) = (ending.end(why.to_owned()), ending.effects());
        let effects: Effects = Box::new(move |tx| {
            returns::tried(tx, &attempt, &tried)?;
            ended(tx)
        });
        Ok(Settlement { end, effects })
    }

    fn awaits(&self) -> bool {
        let cft = matches!(self.way.depot.transport, Transport::Cft(_));
        let answers = |flow: &crate::config::depots::Flow| matches!(&flow.direction, Direction::Acknowledgments(ack) if ack.answers == self.way.flow.name);
        cft || self.way.depot.flows.iter().any(answers)
    }

    fn was_delivered(&self) -> bool {
        self.row.state == ReturnState::Delivered.as_str()
    }

    fn state_after(&self) -> ReturnState {
        match self.was_delivered() {
            true => ReturnState::Delivered,
            false => ReturnState::Sent,
        }
    }

    /// A return that stands on its depot already stays so while it is left there again.
    fn state_while_tried(&self) -> ReturnState {
        match self.row.state.as_str() {
            "delivered" => ReturnState::Delivered,
            "sent" => ReturnState::Sent,
            _ => ReturnState::Pending,
        }
    }

    fn told(&self, uploaded: Uploaded, deadline: Option<Timestamp>) -> Json {
        json!({
            "returnId": self.row.id, "redeliveryId": self.row.redelivery_id,
            "depot": self.way.depot.name, "flow": self.way.flow.name,
            "size": self.document.size, "sha256": hex(&self.document.sha256),
            "resumedAt": uploaded.resumed_at, "acknowledgmentBy": deadline,
        })
    }

    /// The look whether it was acknowledged in time; one that was acknowledged already needs none.
    fn wait(
        &self,
        ctx: &Context,
        at: Timestamp,
    ) -> Result<(&'static str, Vec<crate::storage::Value>)> {
        let kind = JobKind::AwaitAcknowledgment;
        let job = jobs::new(
            ctx,
            kind,
            jobs::DEADLINE_LANE,
            self.row.id,
            &self.row.owner,
            at,
        )?;
        Ok(job_rows::queue(&job, ctx.clock.now()))
    }

    /// That the depot has it, where nothing else will ever tell that it arrived.
    fn proof(&self, ctx: &Context) -> Result<Acknowledging> {
        let detail = json!({ "depot": self.way.depot.name, "flow": self.way.flow.name });
        Acknowledging::new(
            ctx,
            &self.key,
            &self.exchange,
            &self.row,
            Proof::bare(detail),
        )
    }

    /// The incidents that end with it. A first try that succeeds has none behind it.
    fn over(&self, ctx: &Context) -> Result<Vec<Clearing>> {
        if self.row.attempts == 0 {
            return Ok(Vec::new());
        }
        let causes = [
            Cause::of_exchange(Anomaly::Undelivered, &self.exchange),
            self.depot_cause(ctx),
        ];
        causes
            .iter()
            .map(|cause| incidents::clear(ctx, cause))
            .collect()
    }

    fn depot_ticket(&self, ctx: &Context, why: &str) -> Result<Option<Ticket>> {
        if self.made < self.way.depot.failures_before_incident {
            return Ok(None);
        }
        let detail = json!({
            "depot": self.way.depot.name, "transport": self.way.depot.transport.name(),
            "fault": why, "failures": self.made,
        });
        incidents::prepare(ctx, self.depot_cause(ctx), detail).map(Some)
    }

    fn depot_cause(&self, ctx: &Context) -> Cause {
        Cause {
            code: Anomaly::ReturnStuck,
            project: Some(self.row.project.clone()),
            owner: ctx.owner(&self.way.depot.name),
            exchange_id: None,
            subject: format!("{}:{}", self.way.depot.name, self.way.flow.name),
        }
    }

    fn entry(&self, ctx: &Context, kind: Kind, detail: Json) -> Result<EntryRow> {
        let about = subject(&self.exchange);
        journal::entry(&ctx.clock, &ctx.entropy, kind, about, detail)
    }

    fn recorded(&self, failure: Option<String>) -> AttemptRow {
        AttemptRow {
            id: self.id,
            return_id: self.row.id,
            owner: self.row.owner.clone(),
            at: self.at,
            duration_ms: u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            http_status: None,
            failure,
            answer: None,
            redelivery_id: self.row.redelivery_id,
        }
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("navette_deliveries_total", "outcome" => outcome).increment(1);
}
