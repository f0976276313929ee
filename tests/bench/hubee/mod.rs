//! The hub's figures: télédossiers a second, the queue of notifications as it grows, an attachment of a gigabyte, tokens.
//!
//! The antivirus is off, as everywhere here; the rest is the gateway's defaults.

pub mod attachment;
pub mod folders;
mod large;
pub mod notifications;
mod office;
pub mod tokens;
