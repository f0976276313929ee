//! Upkeep: what is in the vault, for the comparison with the database, and the removal of what crashes left.

use std::{
    ffi::OsStr,
    fs::{self, DirEntry},
    io::{self, ErrorKind},
    path::Path,
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Vault, blocking,
    disk::{self, FAN_OUT, Layout, PART, refused},
    frame,
};
use crate::kernel::{clock::instant, fault::Result};

/// A published blob, as the disk knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// Its size in bytes of text, told from the file's length; `None` where no blob has such a length.
    pub size: Option<u64>,
    /// When it was begun, to the millisecond: the id says so, and unlike a file's date it survives a copy.
    pub created: Timestamp,
}

impl Vault {
    /// Every published blob, folder by folder, in no order. Blocks at each step, and holds one folder's handle at a time.
    /// A blob that is published or removed meanwhile may be in it or not, and a small one that is being written may be in it with
    /// another size; foreign files are not. Fails with `unavailable`.
    pub fn list(&self) -> impl Iterator<Item = Result<Entry>> + Send + use<> {
        files(&self.layout)
            .filter_map(|file| file.and_then(|file| published(&file)).transpose())
            .map(|entry| entry.map_err(refused("list blobs")))
    }

    /// The blobs of the unfinished files that were begun before `before`.
    pub async fn parts(&self, before: Timestamp) -> Result<Vec<Uuid>> {
        let layout = self.layout.clone();
        blocking(move || {
            let mut parts = Vec::new();
            for file in files(&layout) {
                let path = file.map_err(refused("list parts"))?.path();
                parts.extend(part_id(&path).filter(|id| created(*id) < before));
            }
            Ok(parts)
        })
        .await
    }

    /// Removes the unfinished files of those blobs, and counts those that were there. One that is still being written
    /// is lost.
    pub async fn remove_parts(&self, ids: Vec<Uuid>) -> Result<u64> {
        let layout = self.layout.clone();
        blocking(move || {
            let mut removed = 0;
            for id in ids {
                let part = layout.blob(id).with_extension(PART);
                removed += u64::from(disk::remove(&part)?);
            }
            Ok(removed)
        })
        .await
    }
}

/// Every file in every folder.
fn files(layout: &Layout) -> impl Iterator<Item = io::Result<DirEntry>> + Send + use<> {
    let folders: Vec<_> = (0..FAN_OUT).map(|number| layout.folder(number)).collect();
    folders.into_iter().flat_map(|folder| {
        let (files, error) = match fs::read_dir(folder) {
            Ok(files) => (Some(files), None),
            Err(error) => (None, Some(Err(error))),
        };
        error.into_iter().chain(files.into_iter().flatten())
    })
}

/// The blob in `file`; `None` for a part, a foreign file, or one that has just been removed.
fn published(file: &DirEntry) -> io::Result<Option<Entry>> {
    let Some(id) = id_in(&file.file_name()) else {
        return Ok(None);
    };
    let length = match file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(Entry {
        id,
        size: frame::blob_size(length),
        created: created(id),
    }))
}

fn part_id(path: &Path) -> Option<Uuid> {
    (path.extension()? == PART)
        .then_some(path.file_stem()?)
        .and_then(id_in)
}

fn id_in(name: &OsStr) -> Option<Uuid> {
    Uuid::try_parse(name.to_str()?).ok()
}

/// The instant in a UUIDv7; another kind of id counts as very old.
fn created(id: Uuid) -> Timestamp {
    let seconds = id.get_timestamp().map_or((0, 0), |stamp| stamp.to_unix());
    let micros = seconds.0 * 1_000_000 + u64::from(seconds.1 / 1_000);
    instant(i64::try_from(micros).unwrap_or(0))
}
