//! The clients as this process knows them: a [`Snapshot`] of the table, read again twice a second.

use std::{sync::Arc, time::Instant};

use super::{Client, Scopes, Snapshot};
use crate::{
    kernel::fault::{Code, Fault, Result},
    storage::{
        Store,
        clients::{self, ClientRow},
        is_text,
    },
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
        let rows = self.store.read(clients::all).await?.into_iter();
        let mine = rows.filter(|row| *row.environment == *self.environment);
        let mine: Vec<Client> = mine.map(client).collect::<Result<_>>()?;
        let by_id = mine
            .into_iter()
            .map(|client| (client.client_id.clone(), client));
        self.snapshot.replace(by_id, at);
        Ok(())
    }

    /// The client of that id as the table has it now: for the grant of a token, which may follow its adding at once.
    pub async fn look_up(&self, id: &str) -> Result<Option<Client>> {
        if !is_text(id) {
            return Ok(None);
        }
        let wanted = id.to_owned();
        let row = self
            .store
            .read(move |tx| clients::find(tx, &wanted))
            .await?;
        let mine = row.filter(|row| *row.environment == *self.environment);
        mine.map(client).transpose()
    }

    /// The client that a checked token names, revoked or not. One that the snapshot does not know yet is looked up in the table.
    /// Fails with `client-revoked` where it is gone, with `unavailable` where the snapshot is too old to be believed.
    pub async fn named(&self, id: &str) -> Result<Arc<Client>> {
        let client = match self.snapshot.find(id)? {
            Some(client) => Some(client),
            None => self.look_up(id).await?.map(Arc::new),
        };
        let gone = || Fault::new(Code::ClientRevoked, "Ce client n'existe plus.");
        client.ok_or_else(gone)
    }
}

/// A row as a client. A scope that this release does not know is left out: an older process denies what it cannot judge.
pub fn client(row: ClientRow) -> Result<Client> {
    let known = row.scopes.iter().filter_map(|scope| scope.parse().ok());
    Ok(Client {
        client_id: row.id,
        name: row.name,
        partner: row.partner,
        environment: row.environment,
        scopes: known.collect::<Scopes>(),
        projects: row.projects.into_iter().collect(),
        source_applications: row.source_applications.into_iter().collect(),
        certificate_sha256: row.certificate_sha256,
        secret_sha256: row.secret_sha256,
        created_at: row.created_at,
        revoked_at: row.revoked_at,
    })
}
