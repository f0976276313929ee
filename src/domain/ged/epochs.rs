//! The daily keys: each project wraps the keys of a day's exchanges and blobs under a key of that day, which lies in a file
//! beside the database, wrapped by the master key, and is destroyed when nothing of the day is left.
//!
//! The wrapped keys of exchanges and blobs lie in the database, hence in its log, its backups and the dead bytes of its
//! files, where a purge does not reach. The key of their day does not: once its file is gone, none of those copies opens
//! any more, whoever holds the master key. So the folder of these files is backed up apart, its newest state only
//! (`navette backup --keys`).
//!
//! What is kept beyond its term, on hold for instance, moves under today's key in time ([`rewrap`](super::rewrap)), and the
//! keys of which nothing is left go ([`unused`](super::unused)).
//!
//! **Races.** A day's key is one row of `project_key`, whoever comes first; its file is durable before the row is there.
//! It is not destroyed before its day is two days gone, when no process draws on it any more. A file that a crash has left
//! without a row wraps nothing and stays: after the restoration of an older backup, a newer one's key looks just so.

use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    kernel::{
        clock::{Clock, instant},
        entropy::Entropy,
        fault::{Code, Fault, Result},
        seal,
        secret::Key,
    },
    storage::{
        Store,
        keys::{self, DayKey},
    },
};

/// The folder of the daily keys, in the data folder.
pub const FOLDER: &str = "keys";
/// What the name of a key's file ends with.
const SUFFIX: &str = "key";
/// What the purpose of a day's key begins with; the day's number since 1970 follows.
const PURPOSE: &str = "day/";
/// A day of the keys: from midnight to midnight, UTC.
const DAY_MICROS: i64 = 86_400_000_000;
/// How long after its day a key may still be drawn on, by a process or a clock that is behind.
const GRACE: SignedDuration = SignedDuration::from_hours(48);

/// The number of an instant's day.
pub fn day_of(at: Timestamp) -> i64 {
    at.as_microsecond().div_euclid(DAY_MICROS)
}

/// The files of the daily keys: a cheap handle.
#[derive(Clone)]
pub struct Epochs {
    folder: Arc<PathBuf>,
    master: Arc<Key>,
    opened: Arc<Mutex<HashMap<Uuid, Key>>>,
}

impl Epochs {
    /// The keys in `folder`, which need not be there yet.
    pub fn new(folder: PathBuf, master: Arc<Key>) -> Self {
        Self {
            folder: Arc::new(folder),
            master,
            opened: Arc::default(),
        }
    }

    /// Opens a key. Fails with `corrupt` where its file is not there, or does not open under the master key.
    pub fn open(&self, id: Uuid) -> Result<Key> {
        if let Some(key) = self.lock().get(&id) {
            return Ok(key.clone());
        }
        let wrapped = fs::read(self.file(id)).map_err(|error| lost(id, &error))?;
        let key = seal::unwrap_key(&self.master, &context(id), &wrapped)?;
        self.lock().insert(id, key.clone());
        Ok(key)
    }

    /// The key of `project` for `day`, made now if it has none.
    pub async fn of_day(
        &self,
        store: &Store,
        (clock, entropy): (&Clock, &Entropy),
        project: &str,
        day: i64,
    ) -> Result<(Uuid, Key)> {
        let purpose = format!("{PURPOSE}{day}");
        if let Some(id) = held(store, project, &purpose).await? {
            return Ok((id, self.open(id)?));
        }
        let id = entropy.uuid(clock)?;
        let (_, wrapped) = seal::fresh_key(&self.master, entropy, &context(id))?;
        let path = self.file(id);
        blocking(move || write(&path, &wrapped)).await?;
        let (name, now, wanted) = (project.to_owned(), clock.now(), purpose.clone());
        store
            .write(move |tx| keys::insert(tx, id, &name, &wanted, &[], now))
            .await?;
        let winner = held(store, project, &purpose).await?.unwrap_or(id);
        if winner != id {
            // Another process was faster: nothing was ever wrapped under ours.
            let path = self.file(id);
            blocking(move || shred(&path)).await?;
        }
        Ok((winner, self.open(winner)?))
    }

    /// Whether a key is there.
    pub fn holds(&self, id: Uuid) -> bool {
        self.file(id).exists()
    }

    /// Forgets what was opened: called with each new day ([`super::Keyring::turn`]), so that no destroyed key stays in memory
    /// for long.
    pub fn forget(&self) {
        self.lock().clear();
    }

    /// Overwrites the file of a day's key and removes it; one that is gone already is no fault.
    pub(super) async fn destroy(&self, id: Uuid) -> Result<()> {
        let path = self.file(id);
        blocking(move || shred(&path)).await
    }

    fn file(&self, id: Uuid) -> PathBuf {
        self.folder
            .join(id.simple().to_string())
            .with_extension(SUFFIX)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Key>> {
        // A map of finished entries is sound whatever happened to the thread that held it.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn held(store: &Store, project: &str, purpose: &str) -> Result<Option<Uuid>> {
    let (project, purpose) = (project.to_owned(), purpose.to_owned());
    let found = store.read(move |tx| keys::find(tx, &project, &purpose));
    Ok(found.await?.map(|(id, _)| id))
}

/// A day's key, and when its day was.
#[derive(Clone, Debug)]
pub struct Day {
    /// The key's id.
    pub id: Uuid,
    /// Its project.
    pub project: String,
    /// When it ended.
    pub end: Timestamp,
}

impl Day {
    /// The day of a key's row.
    pub(super) fn of(key: DayKey) -> Result<Self> {
        let number: Option<i64> = key
            .purpose
            .strip_prefix(PURPOSE)
            .and_then(|day| day.parse().ok());
        let number = number.ok_or_else(|| Fault::internal(format!("key {} has no day", key.id)))?;
        Ok(Self {
            id: key.id,
            project: key.project,
            end: instant((number + 1) * DAY_MICROS),
        })
    }

    /// Whether a process, or a clock that is behind, may still draw on its key.
    pub(super) fn is_drawn_on(&self, now: Timestamp) -> Result<bool> {
        let until = self.end.checked_add(GRACE).map_err(Fault::internal)?;
        Ok(until > now)
    }
}

fn context(id: Uuid) -> Vec<u8> {
    format!("navette day key {id}").into_bytes()
}

fn lost(id: Uuid, error: &io::Error) -> Fault {
    let detail = "La clé du jour de cette pièce n'est pas là.";
    Fault::new(Code::Corrupt, detail).because(format!("day key {id}: {error}"))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Fault::internal)?
        .map_err(|error| Fault::unavailable(format!("a daily key: {error}")))
}

/// Makes a key durable, under a name that nothing knows yet.
fn write(path: &Path, wrapped: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    if !folder.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        File::open(folder.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(wrapped)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

/// Overwrites a key where it lies, then removes it; one that is gone already is no fault.
pub fn shred(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    fs::remove_file(path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
