//! Archives on their way in (ARC-1, ARC-3, TRC-1): from a depot to a visible exchange and its receipt.
//!
//! **The way of an archive.** A [`Desk`] holds the depot's lease and looks at its incoming flows ([`watch`] says which files are
//! complete and due) → [`take`]: the file is spooled into a blob of its own while it is hashed ([`spool`]) → the same
//! bytes as before get the first receipt again ([`repeat`]) → [`examine`]: codec, manifest, every file, antivirus (`looked`) → what is
//! sound is staged in batches that nobody sees ([`stage`]) → [`flip`]: one short transaction makes it visible, with receipt,
//! journal entry, natural keys and first jobs; or [`refuse`] writes the negative receipt → a durable job leaves the
//! receipt on the depot and has the source leave ([`leave`]).
//!
//! **Two takers.** Every transaction of a taking asks for the token of the depot's lease ([`lease`]): a process that lost it
//! commits nothing. **A crash** leaves rows that nobody sees and blobs; the lease's next holder takes them out
//! ([`leftovers`]), and the file, which is still on its depot, is taken anew. A **cut** that outlasts a transfer's patience leaves
//! what came in this process ([`spooling::Spooling`]), and a later look goes on there if size and date are unchanged. Rows are gone before the file is taken twice:
//! a file that has not left yet has a row of its own (`depot_file`).
//!
//! To add a check of archives, see [`super::check`]; to add something that is written with an archive, see `record`.

mod conflicts;
pub mod examine;
pub mod examined;
pub mod flip;
pub mod lease;
pub mod leave;
mod leftovers;
mod looked;
mod on_depot;
mod record;
pub mod refuse;
pub mod repeat;
mod rounds;
pub mod spool;
mod spooling;
pub mod stage;
pub mod take;
pub mod taking;
mod tape;
mod troubles;
pub mod watch;
mod work;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;
use uuid::Uuid;

pub use rounds::{Round, Rounds};

use super::Lines;
use crate::{
    config::{Depot, depots::Incoming},
    domain::Context,
    outbound::clamd::Clamd,
    storage::exchanges::Owner,
};

/// How many archives one process checks at once: what a check holds in memory follows the number of files.
pub const CHECKS: usize = 2;

/// Where the archives of one depot are taken: a cheap handle.
#[derive(Clone)]
pub struct Desk {
    /// The house.
    pub ctx: Context,
    /// The depot.
    pub depot: Arc<Depot>,
    /// The connections to it.
    pub lines: Lines,
    /// The antivirus, where there is one.
    pub antivirus: Option<Clamd>,
    /// Turns for what takes memory, shared by all depots of this process.
    pub room: Arc<Semaphore>,
    /// The token of its lease, of this process and this depot.
    pub token: Uuid,
    /// The exchanges that are being taken here.
    in_hand: Arc<Mutex<HashSet<Uuid>>>,
}

impl Desk {
    /// A desk at `depot`.
    pub fn new(
        ctx: &Context,
        depot: Arc<Depot>,
        lines: &Lines,
        (antivirus, room): (Option<Clamd>, Arc<Semaphore>),
        token: Uuid,
    ) -> Self {
        Self {
            ctx: ctx.clone(),
            depot,
            lines: lines.clone(),
            antivirus,
            room,
            token,
            in_hand: Arc::default(),
        }
    }

    /// Whom what comes from here belongs to.
    pub fn owner(&self) -> Owner {
        self.ctx.owner(&self.depot.partner)
    }

    /// The client that sees what comes by a flow; where none does, a name that no client can have.
    pub fn client(&self, flow: &Incoming) -> String {
        let nobody = || format!("depot:{}", self.depot.name);
        flow.client.clone().unwrap_or_else(nobody)
    }

    fn in_hand(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        // A set of ids is sound whatever happened to the thread that held it.
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
