//! What the sender of a piece is told once it is durable.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    kernel::fault::{Fault, Result},
    storage::exchanges::{ExchangeRow, ReceiptRow},
};

/// How a sending ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new piece of the dossier's initial deposit.
    Accepted,
    /// A new piece of a complementary deposit.
    NewIteration,
    /// A known piece: its first receipt again, and nothing runs twice.
    Duplicate,
}

impl Outcome {
    /// Every outcome there is.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::NewIteration, Self::Duplicate];

    /// That of a piece which came under `iteration` for the first time.
    pub fn of_new(iteration: u32) -> Self {
        match iteration {
            0 | 1 => Self::Accepted,
            _ => Self::NewIteration,
        }
    }

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NewIteration => "newIteration",
            Self::Duplicate => "duplicate",
        }
    }

    /// Reads the word back; fails (code `internal`) on any other.
    pub fn parse(text: &str) -> Result<Self> {
        let mut all = Self::ALL.into_iter();
        let found = all.find(|outcome| outcome.as_str() == text);
        found.ok_or_else(|| Fault::internal(format!("{text} is no outcome")))
    }
}

/// What the sender is told.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// New or known.
    pub outcome: Outcome,
    /// Whether this is the answer of an earlier request under the same idempotency key.
    pub replayed: bool,
    /// The reconciliation id (API-5).
    pub reconciliation_id: Uuid,
    /// When its last byte was read.
    pub received_at: Timestamp,
    /// Whether an earlier iteration of its dossier was missing when it came.
    pub earlier_missing: bool,
    /// The receipt as signed.
    pub receipt: ReceiptRow,
}

impl Acknowledged {
    /// What is told of a piece that is kept.
    pub(super) fn of(outcome: Outcome, exchange: &ExchangeRow, receipt: ReceiptRow) -> Self {
        Self {
            outcome,
            replayed: false,
            reconciliation_id: exchange.id,
            received_at: exchange.received_at,
            earlier_missing: exchange.earlier_missing,
            receipt,
        }
    }
}
