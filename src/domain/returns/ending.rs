//! The end of a delivery that was given up: after its last attempt, at its partner's word (410), or at the end of its span.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::{
        Context,
        exchanges::{ReturnState, Status},
        incidents::{self, Cause, Code as Anomaly},
        jobs::{Effects, End},
        journal::{self, Kind, Subject},
    },
    kernel::fault::{Code, Result},
    storage::{
        exchanges::{self, ExchangeRow},
        journal::{self as journal_rows, EntryRow},
        redeliveries,
        returns::ReturnRow,
    },
};

/// The end of a delivery that was given up.
pub(in crate::domain) struct Ending {
    /// Where the return stands then: one that was acknowledged before stays delivered.
    pub(in crate::domain) state: ReturnState,
    exchange: Uuid,
    redelivery: Option<Uuid>,
    at: Timestamp,
    entry: EntryRow,
    ticket: incidents::Ticket,
}

impl Ending {
    /// Makes the end of a return's delivery after `attempts` of them.
    pub(in crate::domain) fn new(
        ctx: &Context,
        row: &ReturnRow,
        exchange: &ExchangeRow,
        why: &str,
        attempts: u32,
    ) -> Result<Self> {
        metrics::counter!("navette_deliveries_total", "outcome" => "undelivered").increment(1);
        tracing::error!(reconciliation_id = %exchange.id, why, code = %Code::PartnerRefused,
            "a return stays undelivered; replay it with `navette return redeliver`");
        let detail = json!({
            "returnId": row.id, "redeliveryId": row.redelivery_id, "reason": why, "attempts": attempts,
        });
        let was_delivered = row.state == ReturnState::Delivered.as_str();
        let kind = Kind::ReturnUndelivered;
        let cause = Cause::of_exchange(Anomaly::Undelivered, exchange);
        Ok(Self {
            state: match was_delivered {
                true => ReturnState::Delivered,
                false => ReturnState::Undelivered,
            },
            exchange: exchange.id,
            redelivery: row.redelivery_id,
            at: ctx.clock.now(),
            entry: journal::entry(
                &ctx.clock,
                &ctx.entropy,
                kind,
                subject(exchange),
                detail.clone(),
            )?,
            ticket: incidents::prepare(ctx, cause, detail)?,
        })
    }

    /// How the job ends: where the return is undelivered it stays, for an operator to replay.
    pub(in crate::domain) fn end(&self, why: String) -> End {
        match self.state {
            ReturnState::Delivered => End::Done,
            _ => End::Fail { why },
        }
    }

    /// What is written besides the return's own row.
    pub(in crate::domain) fn effects(self) -> Effects {
        Box::new(move |tx| {
            if self.state == ReturnState::Undelivered {
                exchanges::set_status(tx, self.exchange, Status::Undelivered.as_str())?;
            }
            if let Some(redelivery) = self.redelivery {
                let state = ReturnState::Undelivered.as_str();
                redeliveries::settle(tx, redelivery, state, self.at)?;
            }
            self.ticket.open(tx)?;
            journal_rows::append(tx, &self.entry)
        })
    }
}

/// Where the journal files what happens to a return.
pub(in crate::domain) fn subject(exchange: &ExchangeRow) -> Subject {
    Subject {
        exchange_id: Some(exchange.id),
        project: Some(exchange.project.clone()),
        owner: exchange.owner.clone(),
    }
}
