//! Incidents (TRC-2): every anomaly of an exchange, in or out, opens a ticket that people are told of.
//!
//! **One row per cause, not per occurrence.** A [`Cause`] is a [`Code`], a project, an environment and a subject: what makes
//! two occurrences the same. It gives the incident's id, so that an occurrence opens the row, counts in it, or opens it
//! again.
//!
//! **The way through.** [`prepare`] draws what is random; [`Ticket::open`] writes within the transaction of what failed, with
//! the journal entry. Where the cause is gone, [`clear`] and [`Clearing::close`] resolve it in the same two steps; without an
//! open incident they do nothing. An operator's own steps are in [`operator`].
//!
//! **Who is told.** What opens or changes an incident queues its news in the same transaction: a mail to the project's contacts
//! (at most one an hour for each cause, none once somebody has taken note), a push to its ticketing tool. [`tell`] is the work
//! of these jobs, [`again`] that of the mails to whom a server refused for a moment, [`unsent`] what follows where they do not leave, [`herald`] holds the ways out, [`letter`] writes the mail, [`view`] is what everybody is shown.
//! [`trouble`] has the faults of the house that jobs meet, [`unserved`] the lanes that the settings no longer name.
//!
//! To add a code: its line in [`code`], its [`prepare`] where the anomaly shows, and its [`clear`] where it ends.

pub mod again;
mod cause;
pub mod code;
pub mod herald;
mod intake;
pub mod letter;
mod news;
pub mod operator;
pub mod tell;
mod ticket;
pub mod trouble;
pub mod unsent;
pub mod unserved;
pub mod view;

pub use cause::Cause;
pub use code::{Code, State};
pub use herald::Herald;
pub use intake::Intake;
pub use ticket::{Clearing, Ticket, clear, prepare, standing};
