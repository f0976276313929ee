//! Where an attachment's file stands.

use crate::{
    domain::exchanges::status::words,
    kernel::fault::{Fault, Result},
};

words! {
    /// Where an attachment's file stands.
    Status {
        /// It is awaited.
        Pending = "PENDING",
        /// It is here, and the antivirus has yet to speak. No word of the contract: see [`Status::on_the_wire`].
        Scanning = "SCANNING",
        /// It is stored.
        Received = "RECEIVED",
        /// The antivirus found a signature in it.
        Corrupted = "CORRUPTED",
        /// What was sent is not what was announced.
        Rejected = "REJECTED",
        /// It was purged.
        Deleted = "DELETED",
    }
}

impl Status {
    /// The word that callers read: what waits for the antivirus is not theirs yet.
    pub fn on_the_wire(self) -> &'static str {
        match self {
            Self::Scanning => Self::Pending.as_str(),
            other => other.as_str(),
        }
    }

    /// Whether a file is still to be sent before its folder can be completed (R15): an infected one does not stop it, nor
    /// does one that waits for the antivirus (R15b).
    pub fn is_missing(self) -> bool {
        matches!(self, Self::Pending | Self::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R15, R15b: only a file that was not sent, or not the announced one, is missing.
    #[test]
    fn what_the_antivirus_refuses_or_has_not_seen_yet_is_not_missing() {
        let missing = [Status::Pending, Status::Rejected];
        for status in Status::ALL {
            assert_eq!(status.is_missing(), missing.contains(status), "{status:?}");
        }
        assert_eq!(Status::Scanning.on_the_wire(), "PENDING");
        assert_eq!(Status::Corrupted.on_the_wire(), "CORRUPTED");
    }
}
