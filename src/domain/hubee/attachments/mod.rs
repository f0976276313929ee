//! Attachments: what was announced of a file, the file itself, the antivirus, and who may have it (R13 to R15b).
//!
//! **The way in.** A folder or an event announces its attachments ([`announced`]), which begin as `PENDING`. Each file is
//! then sent on its own: [`target`] finds what its caller may fill, [`upload`] streams it into a blob while it is hashed and sealed, compares it with what was announced,
//! has it looked at ([`scanner`]), and one transaction writes document, status, verdict and journal entry. Sent again, it takes
//! the place of the first.
//!
//! **Without a verdict** the attachment is [`Status::Scanning`] within the house, and `PENDING` for everybody else; the job of
//! [`verdict`] asks the antivirus until it speaks, and what waited for it goes on in the transaction of the verdict; [`unjudged`] holds
//! the incidents about such files.
//!
//! **The way out.** [`download`] finds the file of an attachment that is `RECEIVED`, for a caller whose case sees it; all else
//! is no file.
//!
//! To add a check of a file: its line in `upload::Upload::faults`, so that it is told with the others.

pub mod announced;
pub mod download;
pub mod scanner;
mod status;
pub mod target;
pub mod unjudged;
pub mod upload;
pub mod verdict;
mod written;

pub use self::{announced::Announced, scanner::Scanner, status::Status};

/// The longest file of an attachment, in bytes (R14): 1 GiB.
pub use crate::config::LARGEST_ATTACHMENT as LARGEST;
