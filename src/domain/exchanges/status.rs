//! Where an exchange and its return stand, by the words of the contract.

use crate::kernel::fault::{Fault, Result};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every value there is.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The word on the wire and in the database.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// Reads the word back; fails (code `internal`) on any other.
            pub fn parse(text: &str) -> Result<Self> {
                let found = Self::ALL.iter().copied().find(|value| value.as_str() == text);
                found.ok_or_else(|| Fault::internal(format!("{text} is no {}", stringify!($name))))
            }
        }
    };
}

pub(crate) use words;

words! {
    /// Where an exchange stands.
    Status {
        /// Durable and acknowledged; its processing waits or runs.
        Received = "received",
        /// Durable and acknowledged; its content waits for an antivirus that answers, and goes nowhere before.
        AwaitingScan = "awaiting-scan",
        /// What its processing found is not what was agreed with the project: no return leaves, until an operator has it tried
        /// again.
        Nonconforming = "nonconforming",
        /// Its one return exists and is on its way.
        Returned = "returned",
        /// ASP has acknowledged the return.
        Acknowledged = "acknowledged",
        /// Every attempt to deliver the return has failed; an operator may replay it.
        Undelivered = "undelivered",
        /// An archive that was refused whole: its negative receipt is its one return.
        Refused = "refused",
        /// Its term is over: content, metadata and results are destroyed, ids, digests, sizes and dates remain.
        Purged = "purged",
    }
}

words! {
    /// Where a return stands.
    ReturnState {
        /// To be delivered.
        Pending = "pending",
        /// Left on the project's depot; its acknowledgment is awaited.
        Sent = "sent",
        /// Acknowledged by the partner.
        Delivered = "delivered",
        /// Given up after the last attempt.
        Undelivered = "undelivered",
    }
}

/// Where a télédossier stands as an exchange, until it is purged: its own states are the hub's
/// ([`crate::domain::hubee::status`]).
pub const LODGED: &str = "lodged";
