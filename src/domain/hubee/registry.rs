//! The clients of the hub as this process knows them: a snapshot of the table, read again every 400 ms, so that neither a
//! token nor a call waits for the database, and a revocation made anywhere is felt everywhere within a second.
//!
//! A snapshot that could not be renewed for long is not believed any more, as with [`crate::domain::access::registry`].

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use super::Client;
use crate::{
    kernel::fault::{Fault, Result},
    storage::{Store, hubee::clients, is_text},
};

/// How often the table is read.
pub const PERIOD: Duration = Duration::from_millis(400);
/// How old a snapshot may be before nobody is let in on its word.
const STALE: Duration = Duration::from_secs(30);

/// A cheap handle on the snapshot.
#[derive(Clone)]
pub struct Registry {
    store: Store,
    environment: Arc<str>,
    snapshot: Arc<RwLock<Snapshot>>,
}

#[derive(Default)]
struct Snapshot {
    clients: HashMap<String, Arc<Client>>,
    read_at: Option<Instant>,
}

impl Registry {
    /// An empty registry of the clients of `environment`; [`Registry::refresh`] fills it.
    pub fn new(store: Store, environment: &str) -> Self {
        Self {
            store,
            environment: environment.into(),
            snapshot: Arc::default(),
        }
    }

    /// Reads the table again.
    pub async fn refresh(&self) -> Result<()> {
        let read_at = Some(Instant::now());
        let environment = Arc::clone(&self.environment);
        let rows = self.store.read(move |tx| clients::all(tx, &environment));
        let rows = rows.await?.into_iter();
        let clients: HashMap<_, _> = rows
            .map(|row| Client::of(row).map(|client| (client.id.clone(), Arc::new(client))))
            .collect::<Result<_>>()?;
        *self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Snapshot { clients, read_at };
        Ok(())
    }

    /// The client of that id, revoked or not. One that the snapshot does not know yet is looked up in the table: its first
    /// call may follow its adding at once. Fails with `unavailable` where the snapshot is too old to be believed.
    pub async fn find(&self, id: &str) -> Result<Option<Arc<Client>>> {
        match self.known(id)? {
            Some(client) => Ok(Some(client)),
            None => self.look_up(id).await,
        }
    }

    /// The same, where it is active.
    pub async fn active(&self, id: &str) -> Result<Option<Arc<Client>>> {
        let client = self.find(id).await?;
        Ok(client.filter(|client| client.is_active()))
    }

    fn known(&self, id: &str) -> Result<Option<Arc<Client>>> {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        match snapshot.read_at {
            Some(read_at) if read_at.elapsed() < STALE => Ok(snapshot.clients.get(id).cloned()),
            _ => Err(Fault::unavailable(
                "the clients of the hub could not be read for a while",
            )),
        }
    }

    async fn look_up(&self, id: &str) -> Result<Option<Arc<Client>>> {
        // No id of ours is longer.
        if id.len() > 64 || !is_text(id) {
            return Ok(None);
        }
        let (wanted, environment) = (id.to_owned(), Arc::clone(&self.environment));
        let row = self
            .store
            .read(move |tx| clients::find(tx, &environment, &wanted));
        let client = row.await?.map(Client::of).transpose()?;
        Ok(client.map(Arc::new))
    }
}
