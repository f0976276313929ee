//! Where folders and cases stand, and who may move what where (R15, R16, R21).
//!
//! A case's status must be in the list of who sets it; the order is not enforced: real systems go from `HUBEE_NOTIFIED`
//! straight to `IN_PROGRESS`. `ARCHIVED` is final, and the hub's own.

use super::Scope;
use crate::{
    domain::exchanges::status::words,
    kernel::fault::{Fault, Result},
};

words! {
    /// Where a folder stands.
    FolderStatus {
        /// Created; its files are awaited.
        Received = "HUBEE_RECEIVED",
        /// Complete; its notifications wait for the antivirus (R15b).
        Completed = "HUBEE_COMPLETED",
        /// Its recipients are notified.
        Notified = "HUBEE_NOTIFIED",
        /// Closed by its sender.
        Closed = "CLOSED",
        /// Final: its files are gone, and nothing can be changed (R61).
        Archived = "ARCHIVED",
    }
}

words! {
    /// Where a case stands.
    CaseStatus {
        /// Created with its folder.
        Received = "HUBEE_RECEIVED",
        /// Its folder is complete, or its sender has completed it again.
        Completed = "HUBEE_COMPLETED",
        /// Its recipient is notified, or its sender has opened it again.
        Notified = "HUBEE_NOTIFIED",
        /// Sent on to the recipient's own system.
        Sent = "SENT",
        /// The recipient's system has it.
        SiReceived = "SI_RECEIVED",
        /// The recipient's system could not take it.
        SiIntegrationError = "SI_INTG_ERROR",
        /// Being worked on.
        InProgress = "IN_PROGRESS",
        /// Something more is awaited from the sender.
        AdditionAwaited = "ADD_AWAITING",
        /// Refused.
        Refused = "REFUSED",
        /// Done.
        Done = "DONE",
        /// Closed by the sender.
        Closed = "CLOSED",
        /// Final (R61).
        Archived = "ARCHIVED",
    }
}

impl FolderStatus {
    /// What a folder may be moved to by who sent it.
    pub fn asked(text: &str) -> Option<Self> {
        let list = [Self::Completed, Self::Notified, Self::Closed];
        list.into_iter().find(|status| status.as_str() == text)
    }
}

impl CaseStatus {
    /// What an SI may set.
    pub const OF_SI: &[Self] = &[
        Self::Sent,
        Self::SiReceived,
        Self::InProgress,
        Self::AdditionAwaited,
        Self::Refused,
        Self::Done,
        Self::SiIntegrationError,
    ];
    /// What an OSL may set.
    pub const OF_OSL: &[Self] = &[
        Self::Notified,
        Self::Completed,
        Self::InProgress,
        Self::Closed,
    ];

    /// What `scope` may set (R21); ADMIN may set what either side may.
    pub fn all_settable_by(scope: Scope) -> impl Iterator<Item = Self> {
        let lists: [&[Self]; 2] = match scope {
            Scope::Si => [Self::OF_SI, &[]],
            Scope::Osl => [Self::OF_OSL, &[]],
            Scope::Admin => [Self::OF_OSL, Self::OF_SI],
            Scope::Datapass => [&[], &[]],
        };
        lists.into_iter().flatten().copied()
    }

    /// The status of that name, where `scope` may set it.
    pub fn settable_by(scope: Scope, text: &str) -> Option<Self> {
        Self::all_settable_by(scope).find(|status| status.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R21: each side has its own list, the administration both, and nobody sets ARCHIVED.
    #[test]
    fn a_status_is_set_by_those_in_whose_list_it_stands() {
        let may = |scope, text| CaseStatus::settable_by(scope, text).is_some();
        for status in [
            "SENT",
            "SI_RECEIVED",
            "IN_PROGRESS",
            "ADD_AWAITING",
            "REFUSED",
            "DONE",
            "SI_INTG_ERROR",
        ] {
            assert!(may(Scope::Si, status), "{status}");
            assert_eq!(may(Scope::Osl, status), status == "IN_PROGRESS", "{status}");
            assert!(may(Scope::Admin, status), "{status}");
        }
        for status in ["HUBEE_NOTIFIED", "HUBEE_COMPLETED", "CLOSED"] {
            assert!(
                may(Scope::Osl, status) && may(Scope::Admin, status),
                "{status}"
            );
            assert!(!may(Scope::Si, status), "{status}");
        }
        for scope in Scope::ALL {
            for status in ["ARCHIVED", "HUBEE_RECEIVED", "done", "", "SCANNING"] {
                assert!(!may(*scope, status), "{scope} {status}");
            }
        }
    }

    /// R16: a status outside of the list cannot be asked for.
    #[test]
    fn a_folder_is_completed_opened_again_or_closed_and_nothing_else() {
        assert_eq!(FolderStatus::asked("HUBEE_RECEIVED"), None);
        assert_eq!(FolderStatus::asked("ARCHIVED"), None);
        assert_eq!(FolderStatus::asked("CLOSED"), Some(FolderStatus::Closed));
    }
}
