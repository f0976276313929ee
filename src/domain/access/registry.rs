//! The clients as this process knows them: a snapshot of the table, read again twice a second, so that a revocation made
//! anywhere is felt everywhere within a second, and no request waits for a look-up.
//!
//! A snapshot that could not be renewed for long is not believed any more: better no answer than a revoked client served.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use super::{Client, Scopes};
use crate::{
    kernel::fault::{Code, Fault, Result},
    storage::{
        Store,
        clients::{self, ClientRow},
        is_text,
    },
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
            snapshot: Arc::new(RwLock::new(Snapshot {
                clients: HashMap::new(),
                read_at: None,
            })),
        }
    }

    /// Reads the table again.
    pub async fn refresh(&self) -> Result<()> {
        let read_at = Some(Instant::now());
        let rows = self.store.read(clients::all).await?;
        let mine = rows
            .into_iter()
            .filter(|row| *row.environment == *self.environment);
        let clients: HashMap<_, _> = mine
            .map(|row| client(row).map(|client| (client.client_id.clone(), Arc::new(client))))
            .collect::<Result<_>>()?;
        *self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Snapshot { clients, read_at };
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

    /// The client of that id, revoked or not. Fails with `unavailable` where the snapshot is too old to be believed.
    fn find(&self, id: &str) -> Result<Option<Arc<Client>>> {
        let snapshot = self.snapshot.read().unwrap_or_else(PoisonError::into_inner);
        match snapshot.read_at {
            Some(read_at) if read_at.elapsed() < STALE => Ok(snapshot.clients.get(id).cloned()),
            _ => Err(Fault::unavailable(
                "the clients could not be read for a while",
            )),
        }
    }

    /// The client that a checked token names, revoked or not. One that the snapshot does not know yet is looked up in the table.
    /// Fails with `client-revoked` where it is gone.
    pub async fn named(&self, id: &str) -> Result<Arc<Client>> {
        let client = match self.find(id)? {
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
