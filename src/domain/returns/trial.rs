//! One try to hand a return over, by callback or through a depot: what both ways record of it.
//!
//! A redelivery is a try like any other, under the same id. Where the return was acknowledged before, it stays so, with its
//! first proof; how the redelivery ends stands in its own row.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use super::ending::{Ending, subject};
use crate::{
    domain::{
        Context,
        exchanges::{ReturnState, Status},
        journal::{self, Kind},
    },
    kernel::{fault::Result, secret::Key},
    storage::{
        exchanges::ExchangeRow,
        journal::EntryRow,
        returns::{AttemptRow, ReturnRow, Tried},
    },
};

/// A try that was made.
pub(in crate::domain) struct Trial {
    pub(in crate::domain) row: ReturnRow,
    pub(in crate::domain) exchange: ExchangeRow,
    pub(in crate::domain) key: Key,
    /// How many tries its job has made, this one included.
    pub(in crate::domain) made: u32,
    pub(in crate::domain) id: Uuid,
    pub(in crate::domain) at: Timestamp,
    pub(in crate::domain) took: Duration,
}

/// Whether there is nothing to try: it was acknowledged and nobody has asked for it again, or it was purged, however it came to
/// have a job.
pub(in crate::domain) fn is_done(row: &ReturnRow, exchange: &ExchangeRow) -> bool {
    let delivered = row.state == ReturnState::Delivered.as_str();
    let purged = exchange.status == Status::Purged.as_str();
    purged || (delivered && row.redelivery_id.is_none())
}

impl Trial {
    /// Whether this is the redelivery of a return that was acknowledged before.
    pub(in crate::domain) fn was_delivered(&self) -> bool {
        self.row.state == ReturnState::Delivered.as_str()
    }

    /// Where the return stands until its next try, at `next`: what was delivered, or stands on a depot, stays so meanwhile.
    pub(in crate::domain) fn postponed(&self, next: Timestamp) -> Tried {
        let state = match self.row.state.as_str() {
            "delivered" => ReturnState::Delivered,
            "sent" => ReturnState::Sent,
            _ => ReturnState::Pending,
        };
        Tried {
            state: state.as_str(),
            next_attempt_at: Some(next),
            acknowledged_at: None,
            redelivery_id: self.row.redelivery_id,
        }
    }

    /// The end of its delivery, and where the return stands then.
    pub(in crate::domain) fn given_up(&self, ctx: &Context, why: &str) -> Result<(Ending, Tried)> {
        let tries = self.row.attempts + 1;
        let ending = Ending::new(ctx, &self.row, &self.exchange, why, tries)?;
        let tried = settled(ending.state);
        Ok((ending, tried))
    }

    /// A journal entry about its exchange.
    pub(in crate::domain) fn entry(
        &self,
        ctx: &Context,
        kind: Kind,
        detail: Json,
    ) -> Result<EntryRow> {
        let about = subject(&self.exchange);
        journal::entry(&ctx.clock, &ctx.entropy, kind, about, detail)
    }

    /// Its row; what it was answered, where that is kept, is for the caller to add.
    pub(in crate::domain) fn recorded(&self, failure: Option<String>) -> AttemptRow {
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

/// A return that is not tried again.
pub(in crate::domain) fn settled(state: ReturnState) -> Tried {
    Tried {
        state: state.as_str(),
        next_attempt_at: None,
        acknowledged_at: None,
        redelivery_id: None,
    }
}

/// Counts a try by its outcome.
pub(in crate::domain) fn count(outcome: &'static str) {
    metrics::counter!("navette_deliveries_total", "outcome" => outcome).increment(1);
}
