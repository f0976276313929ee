//! Files and folders: where a blob lies, how it becomes durable, and what the disk's refusals mean.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    num::NonZeroU64,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
};

use rustix::fs::{Advice, fadvise};
use uuid::Uuid;

use crate::kernel::{
    digest::{Hasher, Sha256},
    failpoint,
    fault::{Code, Fault, Result},
};

/// How many folders the blobs are spread over. Measured on ext4 with 64 writers of 100 KB: 256 folders dirty more blocks
/// per commit of its journal and cost a third more processor time than 64 or 16.
pub const FAN_OUT: u8 = 64;
/// How many bytes of a file gather before the disk is asked to begin with them. Left to the sync at the end, a large file's
/// bytes would reach the disk only then, and hold up every other sync meanwhile: ext4 writes them all before any commit.
const AHEAD: u64 = 1024 * 1024;
/// How many threads remove files at once. Measured on ext4: freeing a file's blocks waits for the disk's journal, and four
/// threads remove half as many files again as one; eight, no more.
const LANES: u8 = 4;
/// How many bytes of a file are copied at once.
const CHUNK: usize = 256 * 1024;
/// What the name of an unpublished file ends with.
pub const PART: &str = "part";

/// The folders of a vault.
pub struct Layout {
    blobs: PathBuf,
}

impl Layout {
    /// Makes what is missing under `root`, durably: a blob's own sync covers its folder, not the folders above.
    pub fn prepare(root: &Path) -> Result<Self> {
        let blobs = root.join("blobs");
        // The folder above is only ours to open where the root was made just now.
        let to_sync = if root.is_dir() { 2 } else { 3 };
        private_folder(&blobs)?;
        let layout = Self { blobs };
        for number in 0..FAN_OUT {
            private_folder(&layout.folder(number))?;
        }
        for parent in layout.blobs.ancestors().take(to_sync) {
            sync_folder(parent)?;
        }
        Ok(layout)
    }

    /// The folders under `root` as they are: nothing is made, and nothing need be there.
    pub fn existing(root: &Path) -> Self {
        Self {
            blobs: root.join("blobs"),
        }
    }

    /// The folder of that number, in `0..FAN_OUT`.
    pub fn folder(&self, number: u8) -> PathBuf {
        self.blobs.join(format!("{number:02x}"))
    }

    /// The file of a blob.
    pub fn blob(&self, id: Uuid) -> PathBuf {
        self.home(id).join(id.simple().to_string())
    }

    /// Removes blobs and syncs their folders, each once, in lanes of their own folders; answers those that are gone. A file
    /// that the disk does not give up is not among them.
    pub fn remove_all(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        let lane = |number: u8| {
            let own = ids.iter().copied();
            own.filter(move |id| Self::place(*id) % LANES == number)
        };
        thread::scope(|scope| {
            let lanes =
                (0..LANES).map(|number| scope.spawn(move || self.remove_some(lane(number))));
            let lanes: Vec<_> = lanes.collect();
            let mut gone = Vec::with_capacity(ids.len());
            for lane in lanes {
                gone.extend(
                    lane.join()
                        .map_err(|_| Fault::internal("a removal panicked"))??,
                );
            }
            Ok(gone)
        })
    }

    fn remove_some(&self, ids: impl Iterator<Item = Uuid>) -> Result<Vec<Uuid>> {
        let gone: Vec<_> = ids.filter(|id| remove(&self.blob(*id)).is_ok()).collect();
        let homes: BTreeSet<_> = gone.iter().map(|id| self.home(*id)).collect();
        homes.iter().try_for_each(|home| sync_folder(home))?;
        Ok(gone)
    }

    fn home(&self, id: Uuid) -> PathBuf {
        self.folder(Self::place(id))
    }

    /// The number of a blob's folder. The last byte is random, where the first ones are the date: concurrent blobs spread.
    fn place(id: Uuid) -> u8 {
        id.as_bytes()[15] % FAN_OUT
    }
}

/// A file on its way to its final name; dropped before that, it is removed.
pub struct Part {
    home: PathBuf,
    blob: PathBuf,
    /// The name that the file now has.
    path: PathBuf,
    file: Option<File>,
    /// The handle of the folder, where the file bears its final name from the start.
    folder: Option<File>,
    written: u64,
    /// Bytes that the disk was asked to begin with.
    begun: u64,
    published: bool,
}

impl Part {
    /// The part of blob `id`. Its file appears at the first write, beside its final name, so that one folder's sync is enough.
    pub fn new(layout: &Layout, id: Uuid) -> Self {
        let blob = layout.blob(id);
        Self {
            home: layout.home(id),
            path: blob.with_extension(PART),
            blob,
            file: None,
            folder: None,
            written: 0,
            begun: 0,
            published: false,
        }
    }

    /// Has the file bear its final name from the start: for a blob that is written at once, and not over a sender's time. To be
    /// called before the first write. Its row is what makes a blob one: whatever a crash leaves is swept, under either name.
    /// Measured with files of 100 KB: the other name and the renaming are a fifth of the processor time of a durable file.
    pub fn name_at_once(&mut self) -> Result<()> {
        self.folder = Some(self.open_folder()?);
        self.path.clone_from(&self.blob);
        Ok(())
    }

    /// A handle of its own, opened before the final name is made: whoever has a shared one, or a later one, may not be told of
    /// the folder's failed writing, which is told once to each that was open by then.
    fn open_folder(&self) -> Result<File> {
        File::open(&self.home).map_err(refused("open a folder"))
    }

    /// Whether there is a file to remove.
    pub fn exists(&self) -> bool {
        self.file.is_some()
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(create(&self.path)?),
        };
        file.write_all(bytes).map_err(refused("write a blob"))?;
        self.written += bytes.len() as u64;
        if self.written - self.begun >= AHEAD {
            begin_writing(file, self.begun, self.written);
            self.begun = self.written;
        }
        Ok(())
    }

    /// Brings what was written to the disk.
    pub fn sync(&self) -> Result<()> {
        match &self.file {
            Some(file) => file.sync_all().map_err(refused("sync a blob")),
            None => Ok(()),
        }
    }

    /// Makes the file durable under its final name.
    pub fn publish(mut self) -> Result<()> {
        let home = match self.folder.take() {
            Some(opened) => opened,
            None => self.open_folder()?,
        };
        failpoint::hit("vault.before-sync");
        self.sync()?;
        if self.path != self.blob {
            failpoint::hit("vault.before-rename");
            fs::rename(&self.path, &self.blob).map_err(refused("rename a blob"))?;
            self.path.clone_from(&self.blob);
        }
        failpoint::hit("vault.before-dirsync");
        home.sync_all().map_err(refused("sync a folder"))?;
        failpoint::hit("vault.after-dirsync");
        self.published = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.exists() && !self.published {
            // A file that cannot be removed now is one that a sweep finds later.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Copies a file to a new one and answers the digest of its bytes; nothing where there is none.
pub fn copy(from: &Path, to: &Path) -> Result<Option<Sha256>> {
    let mut input = match File::open(from) {
        Ok(input) => input,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused("read a blob")(error)),
    };
    let mut output = create(to)?;
    let (mut hasher, mut chunk) = (Hasher::new(false), vec![0; CHUNK]);
    loop {
        match input.read(&mut chunk).map_err(refused("read a blob"))? {
            0 => return Ok(Some(hasher.finish().sha256)),
            read => {
                hasher.update(&chunk[..read]);
                let written = output.write_all(&chunk[..read]);
                written.map_err(refused("copy a blob"))?;
            }
        }
    }
}

/// Makes the file `from` the blob `id`, durably, in the place of whatever lay there.
pub fn take_in(layout: &Layout, id: Uuid, from: &Path) -> Result<()> {
    // What a restoration that died has left of it.
    remove(&layout.blob(id).with_extension(PART))?;
    let mut part = Part::new(layout, id);
    let mut input = File::open(from).map_err(refused("read a copy of a blob"))?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match input
            .read(&mut chunk)
            .map_err(refused("read a copy of a blob"))?
        {
            0 => return part.publish(),
            read => part.write(&chunk[..read])?,
        }
    }
}

/// Removes a file; `false` where there was none.
pub fn remove(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(refused("remove a blob")(error)),
    }
}

/// What a refusal of the disk means to the caller: no room left, or away for now.
pub fn refused(what: &'static str) -> impl Fn(io::Error) -> Fault {
    move |error| {
        let cause = format!("cannot {what}: {error}");
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => full(cause),
            _ => Fault::unavailable(cause),
        }
    }
}

fn full(cause: String) -> Fault {
    let detail = "Plus de place sur l'espace de stockage ; rien n'a été enregistré.";
    Fault::new(Code::StorageFull, detail).because(cause)
}

/// Has the system begin to write these bytes, and does not wait. It promises nothing: the sync does.
fn begin_writing(file: &File, from: u64, to: u64) {
    // Linux begins to write what is dirty in pages that it is told we do not need; those that are not yet written stay.
    let _ = fadvise(file, from, NonZeroU64::new(to - from), Advice::DontNeed);
}

fn create(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(refused("create a blob"))
}

fn private_folder(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(refused("make a folder"))
}

fn sync_folder(path: &Path) -> Result<()> {
    // The parent of a relative root of one name is the empty path: the present folder.
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(refused("sync a folder"))
}
