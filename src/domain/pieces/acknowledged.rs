//! What the sender of a piece is told once it is durable.

use jiff::Timestamp;
use uuid::Uuid;

use crate::storage::exchanges::ReceiptRow;

/// How a sending ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new piece.
    Accepted,
    /// A known piece: its first receipt again, and nothing runs twice.
    Duplicate,
}

impl Outcome {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What the sender is told.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// New or known.
    pub outcome: Outcome,
    /// The reconciliation id (API-5).
    pub reconciliation_id: Uuid,
    /// When its last byte was read.
    pub received_at: Timestamp,
    /// The receipt as signed.
    pub receipt: ReceiptRow,
}
