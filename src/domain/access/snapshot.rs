//! Clients by their id as they were read last: what each registry of clients answers from, so that no request waits for a
//! look-up, and a revocation made anywhere is felt everywhere within a second.
//!
//! What could not be read again for long is not believed any more: better no answer than a revoked client served.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use crate::kernel::fault::{Fault, Result};

/// How often the table is read.
pub const PERIOD: Duration = Duration::from_millis(400);
/// How old a snapshot may be before nobody is let in on its word.
const STALE: Duration = Duration::from_secs(30);

/// A cheap handle on the clients that were read last; empty, and believed by nobody, until they were.
pub struct Snapshot<T>(Arc<RwLock<Option<Read<T>>>>);

struct Read<T> {
    clients: HashMap<String, Arc<T>>,
    at: Instant,
}

impl<T> Snapshot<T> {
    /// Takes the place of what was read before. `at` is when the reading began.
    pub fn replace(&self, clients: impl Iterator<Item = (String, T)>, at: Instant) {
        let clients = clients.map(|(id, client)| (id, Arc::new(client))).collect();
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *held = Some(Read { clients, at });
    }

    /// The client of that id, if there was one. Fails with `unavailable` where the snapshot is too old to be believed.
    pub fn find(&self, id: &str) -> Result<Option<Arc<T>>> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match &*held {
            Some(read) if read.at.elapsed() < STALE => Ok(read.clients.get(id).cloned()),
            _ => Err(Fault::unavailable(
                "the clients could not be read for a while",
            )),
        }
    }
}

impl<T> Default for Snapshot<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::fault::Code;

    fn read(at: Instant) -> Snapshot<u8> {
        let snapshot = Snapshot::default();
        snapshot.replace([("a".to_owned(), 1)].into_iter(), at);
        snapshot
    }

    #[test]
    fn what_was_read_is_found_until_it_is_read_again_without_it() {
        let snapshot = read(Instant::now());
        assert_eq!(snapshot.find("a").unwrap().as_deref(), Some(&1));
        assert_eq!(snapshot.find("b").unwrap(), None);
        snapshot.clone().replace([].into_iter(), Instant::now());
        assert_eq!(snapshot.find("a").unwrap(), None);
    }

    #[test]
    fn nobody_is_let_in_by_what_was_never_read_or_is_stale() {
        let stale = Instant::now()
            .checked_sub(STALE)
            .expect("a machine that runs for a minute");
        for snapshot in [Snapshot::default(), read(stale)] {
            let fault = snapshot.find("a").unwrap_err();
            assert_eq!(fault.code(), Code::Unavailable);
        }
    }
}
