//! Events: what somebody did with a case, and says to the other side (R30 to R36).
//!
//! **The way in.** [`create`] reads the body ([`posted`]), holds it to the process, to its author's list of statuses and to the
//! rules of its action, every fault at once, and one transaction writes the event, its announced attachments and what follows
//! from it. An `ATTACH_DEPOSIT` waits at `IN_PROGRESS` for its files ([`super::attachments`]); any other is `SENT` at once.
//!
//! **What follows** once an event is `SENT` ([`follow`]): the case moves where the event says, the other side is notified, a
//! mail is queued; all in the transaction that made it so.
//!
//! [`change`] is what may still happen to an event: sent, acknowledged, withdrawn. [`view`] shows it; a comment is for SIs.
//!
//! To add an action: a word of [`Action`]; whether it has files is [`Action::has_files`].

pub mod change;
pub mod create;
mod follow;
mod posted;
pub mod view;

use crate::{
    domain::exchanges::status::words,
    kernel::fault::{Fault, Result},
};

words! {
    /// Where an event stands.
    Status {
        /// Its files are awaited.
        InProgress = "IN_PROGRESS",
        /// The other side has it.
        Sent = "SENT",
        /// The other side has taken note of it.
        Received = "RECEIVED",
    }
}

words! {
    /// What was done (R30).
    Action {
        /// The case has a new status.
        StatusUpdate = "STATUS_UPDATE",
        /// Files are deposited.
        Deposit = "ATTACH_DEPOSIT",
        /// A file was fetched.
        Download = "ATTACH_DL",
        /// All files were fetched.
        DownloadAll = "ATTACH_DL_ALL",
        /// A comment was made.
        Comment = "COM_ADD",
        /// A message is sent.
        Message = "SENDING_MESSAGE",
    }
}

impl Action {
    /// Whether files come with it: one at least, where they do.
    pub fn has_files(self) -> bool {
        self == Self::Deposit
    }

    /// Where an event of this action begins (R31).
    pub fn beginning(self) -> Status {
        match self.has_files() {
            true => Status::InProgress,
            false => Status::Sent,
        }
    }
}
