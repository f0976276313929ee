//! A local or mounted directory as a depot. What is written there is synced before it bears its name. Others write there, too:
//! a link or a pipe under a name of ours is neither followed nor waited for.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Listed, MOST_LISTED, Session, Sink, path, plain};
use crate::{
    config::depots,
    kernel::fault::{Code, Fault, Result},
};

/// Bytes that are read or written at once.
const BLOCK: usize = 1024 * 1024;

/// A directory that is open.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
}

/// Opens a directory. Fails with `depot-unreachable` where it is none.
pub fn open(settings: &depots::Folder) -> Result<Folder> {
    match fs::metadata(&settings.path) {
        Ok(found) if found.is_dir() => Ok(Folder {
            root: settings.path.clone(),
        }),
        Ok(_) => Err(unreachable(&settings.path, "not a directory")),
        Err(error) => Err(unreachable(&settings.path, &error.to_string())),
    }
}

fn unreachable(path: &Path, cause: &str) -> Fault {
    let detail = format!(
        "Le dossier du dépôt n'est pas accessible : {}",
        path.display()
    );
    Fault::new(Code::DepotUnreachable, detail).because(cause)
}

impl Session for Folder {
    fn list(&mut self, folder: &str) -> Result<Vec<Listed>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.at(folder)).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            if let Some(file) = listed(&entry) {
                files.push(file);
            }
            if files.len() == MOST_LISTED {
                break;
            }
        }
        Ok(files)
    }

    fn stat(&mut self, path: &str) -> Result<Option<Listed>> {
        let (_, name) = path::split(path);
        match fs::symlink_metadata(self.at(path)) {
            Ok(found) if found.is_file() => Ok(Some(described(name, &found))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    fn read(&mut self, path: &str, from: u64, sink: Sink<'_>) -> Result<u64> {
        let mut file = plain::read(&self.at(path)).map_err(fault)?;
        file.seek(SeekFrom::Start(from)).map_err(fault)?;
        let (mut block, mut total) = (vec![0; BLOCK], 0);
        loop {
            match file.read(&mut block).map_err(fault)? {
                0 => return Ok(total),
                count => {
                    sink(&block[..count])?;
                    total += count as u64;
                }
            }
        }
    }

    fn write(&mut self, path: &str, from: u64, source: &mut dyn Read) -> Result<u64> {
        let at = self.at(path);
        let opened = match from {
            0 => plain::anew(&at),
            _ => plain::extend(&at),
        };
        let mut file = opened.map_err(fault)?;
        file.seek(SeekFrom::Start(from)).map_err(fault)?;
        let (mut block, mut total) = (vec![0; BLOCK], 0);
        loop {
            match source.read(&mut block).map_err(Fault::internal)? {
                0 => break,
                count => {
                    file.write_all(&block[..count]).map_err(fault)?;
                    total += count as u64;
                }
            }
        }
        file.sync_all().map_err(fault)?;
        Ok(total)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let (source, target) = (self.at(from), self.at(to));
        plain::rename(&source, &target).map_err(fault)?;
        self.sync_folder_of(to)?;
        if path::split(from).0 != path::split(to).0 {
            self.sync_folder_of(from)?;
        }
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<()> {
        fs::remove_file(self.at(path)).map_err(fault)?;
        self.sync_folder_of(path)
    }

    fn agreed(&self) -> Vec<(String, String)> {
        vec![("folder".to_owned(), self.root.display().to_string())]
    }
}

impl Folder {
    /// A leading `/` is the depot's root, not the machine's.
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    fn sync_folder_of(&self, path: &str) -> Result<()> {
        let folder = File::open(self.at(path::split(path).0)).map_err(fault)?;
        match folder.sync_all() {
            // Some network file systems cannot sync a directory; it is theirs to keep it.
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(()),
            synced => synced.map_err(fault),
        }
    }
}

/// A plain file with a name that concerns us, and by which it can be asked for.
fn listed(entry: &fs::DirEntry) -> Option<Listed> {
    let name = entry.file_name().into_string().ok()?;
    // A file that vanished meanwhile was taken by somebody else.
    let found = entry.metadata().ok()?;
    let concerns = found.is_file() && !path::is_hidden(&name);
    (concerns && path::join("", &name).is_ok()).then(|| described(&name, &found))
}

fn described(name: &str, found: &fs::Metadata) -> Listed {
    Listed {
        name: name.to_owned(),
        size: found.len(),
        modified: found.mtime() * 1_000_000 + found.mtime_nsec() / 1000,
    }
}

fn fault(error: io::Error) -> Fault {
    let (code, detail) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => (
            Code::DepotFileMissing,
            "Ce chemin n'existe pas sur le dépôt.",
        ),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            (Code::DepotDenied, "Le dépôt ne permet pas cette opération.")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            (Code::DepotFull, "Plus de place sur le dépôt.")
        }
        ErrorKind::AlreadyExists => (
            Code::DepotFileExists,
            "Un autre fichier porte déjà ce nom sur le dépôt.",
        ),
        // A mount whose server is gone.
        ErrorKind::StaleNetworkFileHandle | ErrorKind::TimedOut | ErrorKind::NotConnected => {
            return super::pace::cut(error);
        }
        _ => (Code::DepotRefused, "Le dépôt refuse l'opération."),
    };
    Fault::new(code, detail).because(error)
}
