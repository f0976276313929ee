//! Somebody who acts on the house by a command, and what that takes: the database, and a name and a reason for the journal
//! (TRC-4). What may be done so stands in the rooms: jobs and archives tried again, returns sent again, incidents closed.

use crate::{
    kernel::{clock::Clock, entropy::Entropy},
    storage::Store,
};

/// Who acts, and with what.
#[derive(Clone)]
pub struct Operator {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// The name that the journal keeps.
    pub name: String,
    /// Why, where it was said.
    pub reason: Option<String>,
}
