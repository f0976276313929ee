//! What follows from a try to leave a return on a depot: its acknowledgment is awaited, it is tried again later, or it is given
//! up.
//!
//! Where no flow of the depot takes acknowledgments of it, and the depot is no CFT, which tells of them by itself, nobody will
//! ever acknowledge it: then that the depot has it is what there is of a proof.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

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
        journal::Kind,
        returns::{
            schedule,
            trial::{Trial, count, settled},
        },
    },
    kernel::{
        digest::hex,
        fault::{Code, Fault, Result},
    },
    storage::{
        exchanges::DocumentRow, jobs as job_rows, journal as journal_rows, redeliveries,
        return_files, returns,
    },
    transport::Uploaded,
};

/// A try that was made.
pub(super) struct Try {
    pub(super) trial: Trial,
    pub(super) document: DocumentRow,
    pub(super) way: Way,
    /// The incidents of house troubles that end once the depot has it.
    pub(super) troubles: Vec<Clearing>,
}

impl Try {
    /// The depot has it, by a transfer that its transport calls `about`.
    pub(super) fn left(
        self,
        ctx: &Context,
        uploaded: Uploaded,
        about: &[(String, String)],
    ) -> Result<Settlement> {
        let (depot, exchange) = (&self.way.depot.name, Some(self.trial.exchange.id));
        let transfer = cft::prepare(ctx, depot, cft::Way::Out, about, exchange)?;
        count("sent");
        let (now, id) = (ctx.clock.now(), self.trial.row.id);
        let awaits = self.awaits();
        let deadline = awaits.then(|| jobs::later(ctx, self.way.out.ack_deadline));
        let entry = self
            .trial
            .entry(ctx, Kind::ReturnSent, self.told(uploaded, deadline))?;
        let mut over = self.over(ctx)?;
        over.extend_from_slice(&self.troubles);
        let wait = deadline.map(|at| self.wait(ctx, at)).transpose()?;
        let proof = (!awaits && !self.trial.was_delivered()).then(|| self.proof(ctx));
        let proof = proof.transpose()?;
        let (attempt, redelivery) = (self.trial.recorded(None), self.trial.row.redelivery_id);
        let tried = settled(self.state_after());
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
        tracing::warn!(reconciliation_id = %self.trial.exchange.id, depot = self.way.depot.name, %fault, "a return could not be left on its depot");
        let outlet = ctx.project(&self.trial.row.project)?.returns.tries;
        let pause = schedule::pause_of(outlet.attempts, outlet.over, self.trial.made, &ctx.entropy);
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
            "returnId": self.trial.row.id, "depot": self.way.depot.name, "reason": why, "nextAttemptAt": next,
        });
        let entry = self.trial.entry(ctx, Kind::ReturnAttempted, detail)?;
        let ticket = self.depot_ticket(ctx, why)?;
        let attempt = self.trial.recorded(Some(why.to_owned()));
        let tried = self.trial.postponed(next);
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
        let attempt = self.trial.recorded(Some(why.to_owned()));
        let (ending, tried) = self.trial.given_up(ctx, why)?;
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

    fn state_after(&self) -> ReturnState {
        match self.trial.was_delivered() {
            true => ReturnState::Delivered,
            false => ReturnState::Sent,
        }
    }

    fn told(&self, uploaded: Uploaded, deadline: Option<Timestamp>) -> Json {
        json!({
            "returnId": self.trial.row.id, "redeliveryId": self.trial.row.redelivery_id,
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
            self.trial.row.id,
            &self.trial.row.owner,
            at,
        )?;
        Ok(job_rows::queue(&job, ctx.clock.now()))
    }

    /// That the depot has it, where nothing else will ever tell that it arrived.
    fn proof(&self, ctx: &Context) -> Result<Acknowledging> {
        let detail = json!({ "depot": self.way.depot.name, "flow": self.way.flow.name });
        Acknowledging::new(
            ctx,
            &self.trial.key,
            &self.trial.exchange,
            &self.trial.row,
            Proof::bare(detail),
        )
    }

    /// The incidents that end with it: the depot's, whichever return it did not take; and its own, which a first try that succeeds
    /// has none of behind it.
    fn over(&self, ctx: &Context) -> Result<Vec<Clearing>> {
        let own = Cause::of_exchange(Anomaly::Undelivered, &self.trial.exchange);
        let own = (self.trial.row.attempts > 0).then_some(own);
        let causes = [Some(self.depot_cause(ctx)), own].into_iter().flatten();
        causes.map(|cause| incidents::clear(ctx, &cause)).collect()
    }

    fn depot_ticket(&self, ctx: &Context, why: &str) -> Result<Option<Ticket>> {
        if self.trial.made < self.way.depot.failures_before_incident {
            return Ok(None);
        }
        let detail = json!({
            "depot": self.way.depot.name, "transport": self.way.depot.transport.name(),
            "fault": why, "failures": self.trial.made,
        });
        incidents::prepare(ctx, self.depot_cause(ctx), detail).map(Some)
    }

    fn depot_cause(&self, ctx: &Context) -> Cause {
        Cause {
            code: Anomaly::ReturnStuck,
            project: Some(self.trial.row.project.clone()),
            owner: ctx.owner(&self.way.depot.partner),
            exchange_id: None,
            subject: format!("{}:{}", self.way.depot.name, self.way.flow.name),
        }
    }
}
