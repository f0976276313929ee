//! The keys of each project: one of each day that wraps the keys of exchanges and blobs, one under which hashes are made.
//!
//! They are made at their first use, kept wrapped by the master key, and cached here. Everything personal of an exchange is
//! sealed under a key of its own; that key's wrapped form begins with the id of the day's key that opens it
//! ([`super::epochs`]). Destroying both is the deletion: the first in the database, the second in its file, which no
//! backup of the database holds. What was wrapped before there were daily keys opens under the project's first key.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use uuid::Uuid;

use super::epochs::{self, Epochs};
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

/// The length of a data key as it was wrapped before there were daily keys: nonce, key, tag.
const WRAPPED_BEFORE: usize = 12 + 32 + 16;

/// One project's keys.
pub struct ProjectKeys {
    /// The id of the wrapping key, which every sealed row names: today's, or the project's first where nothing is written.
    pub id: Uuid,
    today: Option<(i64, Key)>,
    first: Key,
    hashing: Key,
    epochs: Epochs,
}

impl ProjectKeys {
    /// A fresh data key, and itself wrapped, for a row.
    pub fn fresh(&self, entropy: &Entropy) -> Result<(Key, Vec<u8>)> {
        let (key, wrapped) = seal::fresh_key(self.writing()?, entropy, DATA_KEY)?;
        Ok((key, [self.id.as_bytes(), &wrapped[..]].concat()))
    }

    /// A fresh data key that lasts as long as the project, and itself wrapped: for rows that outlive every day's key, such as
    /// subscriptions. [`ProjectKeys::unwrap`] opens it like the others.
    pub fn fresh_lasting(&self, entropy: &Entropy) -> Result<(Key, Vec<u8>)> {
        seal::fresh_key(&self.first, entropy, DATA_KEY)
    }

    /// A data key of a row, wrapped anew.
    pub fn wrap(&self, entropy: &Entropy, key: &Key) -> Result<Vec<u8>> {
        let wrapped = seal::seal(self.writing()?, entropy, DATA_KEY, key.expose())?;
        Ok([self.id.as_bytes(), &wrapped[..]].concat())
    }

    /// A data key of a row. Fails with `corrupt` where the key of its day is gone.
    pub fn unwrap(&self, wrapped: &[u8]) -> Result<Key> {
        if wrapped.len() == WRAPPED_BEFORE {
            return seal::unwrap_key(&self.first, DATA_KEY, wrapped);
        }
        let (id, wrapped) = wrapped
            .split_first_chunk::<16>()
            .ok_or_else(|| Fault::new(Code::Corrupt, "Une clé enregistrée est tronquée."))?;
        let day = self.epochs.open(Uuid::from_bytes(*id))?;
        seal::unwrap_key(&day, DATA_KEY, wrapped)
    }

    fn writing(&self) -> Result<&Key> {
        let today = self.today.as_ref().map(|(_, key)| key);
        let why = "keys that were opened for reading cannot wrap another";
        today.ok_or_else(|| Fault::internal(why))
    }

    fn is_of(&self, day: i64) -> bool {
        self.today.as_ref().is_some_and(|(of, _)| *of == day)
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
    epochs: Epochs,
    store: Store,
    clock: Clock,
    entropy: Entropy,
    cache: Arc<Mutex<HashMap<String, Arc<ProjectKeys>>>>,
    /// The day of what is cached.
    day: Arc<AtomicI64>,
}

impl Keyring {
    /// Opens the keyring with the master key in `file`: 64 hexadecimal digits, and the daily keys below `data`. Fails with
    /// code `configuration`.
    pub fn open(
        file: &Path,
        data: &Path,
        store: Store,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self> {
        let master = Arc::new(master_key(file)?);
        Ok(Self {
            day: Arc::new(AtomicI64::new(epochs::day_of(clock.now()))),
            epochs: Epochs::new(data.join(epochs::FOLDER), master.clone()),
            master,
            store,
            clock,
            entropy,
            cache: Arc::default(),
        })
    }

    /// Whether `file` holds a master key. Fails with code `configuration`.
    pub fn check(file: &Path) -> Result<()> {
        master_key(file).map(drop)
    }

    /// The keys of `project`, made now if it has none, today's among them.
    pub async fn project(&self, project: &str) -> Result<Arc<ProjectKeys>> {
        let day = self.turn();
        if let Some(keys) = self.cached(project).filter(|keys| keys.is_of(day)) {
            return Ok(keys);
        }
        for purpose in PURPOSES {
            self.make(project, purpose).await?;
        }
        let drawn = (&self.clock, &self.entropy);
        let today = self.epochs.of_day(&self.store, drawn, project, day).await?;
        let keys = self.read(project, Some((day, today))).await?;
        let keys = keys.ok_or_else(|| Fault::internal("a project key vanished"))?;
        self.lock().insert(project.to_owned(), keys.clone());
        Ok(keys)
    }

    /// The keys of `project`, where it has them: nothing is made, and nothing can be wrapped under them. Fails with
    /// `corrupt` where the master key is another.
    pub async fn held(&self, project: &str) -> Result<Option<Arc<ProjectKeys>>> {
        self.turn();
        if let Some(keys) = self.cached(project) {
            return Ok(Some(keys));
        }
        let keys = self.read(project, None).await?;
        if let Some(keys) = &keys {
            self.lock().insert(project.to_owned(), keys.clone());
        }
        Ok(keys)
    }

    /// Answers the number of today, and with each new day forgets what was opened before: a key that another process has
    /// destroyed stays in no memory for longer.
    pub fn turn(&self) -> i64 {
        let day = epochs::day_of(self.clock.now());
        if self.day.swap(day, Ordering::Relaxed) != day {
            self.epochs.forget();
            self.lock().clear();
        }
        day
    }

    /// The files of the daily keys.
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    async fn read(
        &self,
        project: &str,
        today: Option<(i64, (Uuid, Key))>,
    ) -> Result<Option<Arc<ProjectKeys>>> {
        let (name, [wrap, hash]) = (project.to_owned(), PURPOSES);
        let found = self
            .store
            .read(move |tx| Ok(keys::find(tx, &name, wrap)?.zip(keys::find(tx, &name, hash)?)));
        let Some(((first_id, first), (_, hashing))) = found.await? else {
            return Ok(None);
        };
        let id = today.as_ref().map_or(first_id, |(_, (id, _))| *id);
        Ok(Some(Arc::new(ProjectKeys {
            id,
            today: today.map(|(day, (_, key))| (day, key)),
            first: seal::unwrap_key(&self.master, &context(project, wrap), &first)?,
            hashing: seal::unwrap_key(&self.master, &context(project, hash), &hashing)?,
            epochs: self.epochs.clone(),
        })))
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
