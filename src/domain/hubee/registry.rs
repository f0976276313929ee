//! The clients of the hub as this process knows them: a [`Snapshot`] of the table, read again every 400 ms, so that neither a
//! token nor a call waits for the database.

use std::{sync::Arc, time::Instant};

use super::Client;
use crate::{
    domain::access::Snapshot,
    kernel::fault::Result,
    storage::{Store, hubee::clients, is_text},
};

/// A cheap handle on the snapshot.
#[derive(Clone)]
pub struct Registry {
    store: Store,
    environment: Arc<str>,
    snapshot: Snapshot<Client>,
}

impl Registry {
    /// An empty registry of the clients of `environment`; [`Registry::refresh`] fills it.
    pub fn new(store: Store, environment: &str) -> Self {
        Self {
            store,
            environment: environment.into(),
            snapshot: Snapshot::default(),
        }
    }

    /// Reads the table again.
    pub async fn refresh(&self) -> Result<()> {
        let at = Instant::now();
        let environment = Arc::clone(&self.environment);
        let rows = self.store.read(move |tx| clients::all(tx, &environment));
        let rows = rows.await?.into_iter();
        let all: Vec<Client> = rows.map(Client::of).collect::<Result<_>>()?;
        let by_id = all.into_iter().map(|client| (client.id.clone(), client));
        self.snapshot.replace(by_id, at);
        Ok(())
    }

    /// The client of that id, revoked or not. One that the snapshot does not know yet is looked up in the table: its first
    /// call may follow its adding at once. Fails with `unavailable` where the snapshot is too old to be believed.
    pub async fn find(&self, id: &str) -> Result<Option<Arc<Client>>> {
        match self.snapshot.find(id)? {
            Some(client) => Ok(Some(client)),
            None => self.look_up(id).await,
        }
    }

    /// The same, where it is active.
    pub async fn active(&self, id: &str) -> Result<Option<Arc<Client>>> {
        let client = self.find(id).await?;
        Ok(client.filter(|client| client.is_active()))
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
