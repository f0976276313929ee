//! The return: the one and only answer to an exchange (ARC-6), and its delivery to ASP (API-10, TRC-1).
//!
//! | file | what it does |
//! |---|---|
//! | [`make`] | the work of a `process` job: runs the processors |
//! | `settling` | what follows: the return kept and queued, or the exchange held |
//! | [`conformity`] | whether it is what was agreed with the project, before it leaves (TRC-3) |
//! | [`document`] | the return as JSON: what is sent, kept and shown, byte for byte the same |
//! | [`produced`] | the files that were produced, in the return of a piece or of an archive |
//! | [`deliver`] | the work of a `deliver` job: one attempt |
//! | `attempt`, `trial`, `ending` | what follows from it: an acknowledgment, a later attempt, the end |
//! | `pace` | how often a partner is called that fails again and again |
//! | [`history`] | what every attempt came to |
//! | [`redelivery`] | the same return again, where a client or an operator asks for it |
//! | `told` | what a partner says beside an acknowledgment's body, sealed |
//! | [`schedule`] | when the next attempt is made |
//! | [`courier`] | each project's way out |
//!
//! *Exactly one*: `return_once` has one row per exchange, written with the return in the transaction that ends the job.
//! *At least once*: an attempt whose outcome was not recorded is made again, under the same return id.

mod attempt;
pub mod conformity;
pub mod courier;
pub mod deliver;
pub mod document;
pub(in crate::domain) mod ending;
pub mod history;
pub mod make;
mod pace;
pub mod produced;
pub mod redelivery;
pub mod schedule;
mod settling;
pub(in crate::domain) mod told;
pub(in crate::domain) mod trial;

pub use courier::Couriers;
