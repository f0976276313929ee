//! The keys of each project: one that wraps the keys of exchanges and blobs, one under which hashes are made.
//!
//! They are made at the project's first use, kept wrapped by the master key, and cached here. Everything personal of an
//! exchange is sealed under a key of its own, so that destroying that key is the deletion, backups included.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use uuid::Uuid;

use crate::{
    kernel::{
        clock::Clock,
        digest::{Sha256, from_hex, hmac_sha256, keyed},
        entropy::Entropy,
        fault::{Code, Fault, Result},
        seal,
        secret::Key,
    },
    storage::{Store, keys},
};

/// The context under which an exchange's or a blob's key is wrapped.
const DATA_KEY: &[u8] = b"navette data key";

/// What a project's two keys are for: to wrap other keys, to hash under.
const PURPOSES: [&str; 2] = ["wrap", "hash"];

/// One project's keys.
pub struct ProjectKeys {
    /// The id of the wrapping key, which every sealed row names.
    pub id: Uuid,
    wrapping: Key,
    hashing: Key,
}

impl ProjectKeys {
    /// A fresh data key, and itself wrapped, for a row.
    pub fn fresh(&self, entropy: &Entropy) -> Result<(Key, Vec<u8>)> {
        seal::fresh_key(&self.wrapping, entropy, DATA_KEY)
    }

    /// A data key of a row.
    pub fn unwrap(&self, wrapped: &[u8]) -> Result<Key> {
        seal::unwrap_key(&self.wrapping, DATA_KEY, wrapped)
    }

    /// The keyed hash of one value, as receipts and the journal show it in its stead.
    pub fn hash(&self, value: &str) -> Sha256 {
        hmac_sha256(&self.hashing, value.as_bytes())
    }

    /// The keyed hash of several fields that cannot run into each other.
    pub fn hash_fields(&self, fields: &[&[u8]]) -> Sha256 {
        keyed(&self.hashing, fields)
    }
}

/// Every project's keys: a cheap handle.
#[derive(Clone)]
pub struct Keyring {
    master: Arc<Key>,
    store: Store,
    clock: Clock,
    entropy: Entropy,
    cache: Arc<Mutex<HashMap<String, Arc<ProjectKeys>>>>,
}

impl Keyring {
    /// Opens the keyring with the master key in `file`: 64 hexadecimal digits. Fails with code `configuration`.
    pub fn open(file: &Path, store: Store, clock: Clock, entropy: Entropy) -> Result<Self> {
        Ok(Self {
            master: Arc::new(master_key(file)?),
            store,
            clock,
            entropy,
            cache: Arc::default(),
        })
    }

    /// The keys of `project`, made now if it has none.
    pub async fn project(&self, project: &str) -> Result<Arc<ProjectKeys>> {
        if let Some(keys) = self.held(project).await? {
            return Ok(keys);
        }
        for purpose in PURPOSES {
            self.make(project, purpose).await?;
        }
        let keys = self.held(project).await?;
        keys.ok_or_else(|| Fault::internal("a project key vanished"))
    }

    /// The keys of `project`, where it has them: nothing is made. Fails with `corrupt` where the master key is another.
    pub async fn held(&self, project: &str) -> Result<Option<Arc<ProjectKeys>>> {
        if let Some(keys) = self.cached(project) {
            return Ok(Some(keys));
        }
        let name = project.to_owned();
        let [wrap, hash] = PURPOSES;
        let found = self
            .store
            .read(move |tx| Ok(keys::find(tx, &name, wrap)?.zip(keys::find(tx, &name, hash)?)));
        let Some(((id, wrapping), (_, hashing))) = found.await? else {
            return Ok(None);
        };
        let keys = Arc::new(ProjectKeys {
            id,
            wrapping: seal::unwrap_key(&self.master, &context(project, wrap), &wrapping)?,
            hashing: seal::unwrap_key(&self.master, &context(project, hash), &hashing)?,
        });
        self.lock().insert(project.to_owned(), keys.clone());
        Ok(Some(keys))
    }

    /// The hash of several fields under a key that the gateway derives for `purpose`: for what belongs to no project.
    pub fn hash_fields(&self, purpose: &str, fields: &[&[u8]]) -> Sha256 {
        let derived = keyed(&self.master, &[b"navette gateway hash", purpose.as_bytes()]);
        keyed(&Key::new(derived), fields)
    }

    fn cached(&self, project: &str) -> Option<Arc<ProjectKeys>> {
        self.lock().get(project).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<ProjectKeys>>> {
        // A map of finished entries is sound whatever happened to the thread that held it.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a key, unless another process was faster.
    async fn make(&self, project: &str, purpose: &'static str) -> Result<()> {
        let (_, wrapped) =
            seal::fresh_key(&self.master, &self.entropy, &context(project, purpose))?;
        let (id, now) = (self.entropy.uuid(&self.clock)?, self.clock.now());
        let name = project.to_owned();
        self.store
            .write(move |tx| keys::insert(tx, id, &name, purpose, &wrapped, now))
            .await
    }
}

/// The context under which a project's key is wrapped.
fn context(project: &str, purpose: &str) -> Vec<u8> {
    format!("navette project key {project} {purpose}").into_bytes()
}

fn master_key(file: &Path) -> Result<Key> {
    let refused = |why: &str| Fault::new(Code::Configuration, format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| refused(&error.to_string()))?;
    let bytes = from_hex(text.trim()).and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(Key::new)
        .ok_or_else(|| refused("expected 64 hexadecimal digits"))
}
