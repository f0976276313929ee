//! What came: `in/PART/IDF/NAME` below the spool, each with its sidecar. A file counts once both are there and whole, in
//! whichever order they came.
//!
//! Two files of one name may come at once: whoever made the sidecar has the name.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::{
    super::{Listed, Session, folder::Folder, path, plain},
    handover::make_folder,
    sidecar::{self, Sidecar},
};
use crate::{
    config::depots::cft::incoming,
    kernel::fault::{Code, Fault, Result},
};

/// How many files of one transfer and one name may wait.
const MOST_NAMESAKES: u32 = 100;

/// A file that the monitor has received.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    /// Where it left it.
    pub file: &'a Path,
    /// The name that it is to have here; its own where there is none.
    pub name: Option<&'a str>,
    /// The partner that it came from.
    pub part: &'a str,
    /// The model that it came by.
    pub idf: &'a str,
    /// The monitor's id of the transfer.
    pub idtu: &'a str,
}

impl Received<'_> {
    /// The name that it is to have here.
    pub fn called(&self) -> &str {
        let own = self.file.file_name().and_then(|name| name.to_str());
        let given = self.name.filter(|name| !name.is_empty());
        given.or(own).unwrap_or_default()
    }
}

/// The files of a folder that are whole.
pub(super) fn list(spool: &mut Folder, root: &Path, folder: &str) -> Result<Vec<Listed>> {
    let mut files = match spool.list(folder) {
        // Nothing came yet.
        Err(fault) if fault.code() == Code::DepotFileMissing => return Ok(Vec::new()),
        listed => listed?,
    };
    let folder = root.join(folder);
    files.retain(|file| !file.name.ends_with(sidecar::SUFFIX) && is_whole(&folder, &file.name));
    Ok(files)
}

fn is_whole(folder: &Path, name: &str) -> bool {
    matches!(
        sidecar::read(&sidecar::beside(&folder.join(name))),
        Ok(Some(_))
    )
}

/// Takes a file over into the spool, durable when this comes back; answers where it lies. One of the same name that still
/// waits there, or that comes at once, is left alone: the new one gets the transfer's id before its name,
/// where `takes` says that such a name is of use.
///
/// Fails with `depot-file-missing` where there is no such file, `invalid` where its name is none, `depot-file-exists` where too
/// many of its name and id wait.
pub fn receive(
    root: &Path,
    received: &Received<'_>,
    takes: impl Fn(&str) -> bool,
) -> Result<PathBuf> {
    let folder = incoming(received.part, received.idf);
    for name in names(received.called(), received.idtu).filter(|name| takes(name)) {
        let target = root.join(path::join(&folder, &name)?);
        make_folder(&target)?;
        if put(received, &target)? {
            return Ok(target);
        }
    }
    let detail = "Trop de fichiers de ce nom attendent dans le dossier de dépôt.";
    Err(Fault::new(Code::DepotFileExists, detail))
}

/// The names that a file may get, the best first.
fn names(name: &str, idtu: &str) -> impl Iterator<Item = String> {
    let further = (2..=MOST_NAMESAKES).map(move |number| format!("{idtu}-{number}"));
    let before = std::iter::once(idtu.to_owned()).chain(further);
    let named: Vec<_> = before.map(|before| format!("{before}-{name}")).collect();
    std::iter::once(name.to_owned()).chain(named)
}

/// Puts a file there; `false`, and nothing, where the name is another's.
fn put(received: &Received<'_>, target: &Path) -> Result<bool> {
    let beside = sidecar::beside(target);
    if is_there(target) || !is_claimed(received, &beside)? {
        return Ok(false);
    }
    let Err(error) = moved(received.file, target) else {
        return Ok(true);
    };
    let is_anothers = error.kind() == ErrorKind::AlreadyExists;
    if is_anothers || !is_there(target) {
        // Else it would keep the name from others for ever.
        sidecar::remove(&beside)?;
    }
    match error.kind() {
        ErrorKind::AlreadyExists => Ok(false),
        ErrorKind::NotFound => {
            let detail = "Le fichier reçu n'est pas là où la commande le dit.";
            Err(Fault::new(Code::DepotFileMissing, detail).because(error))
        }
        _ => {
            let detail = "Le fichier reçu n'a pas pu être mis dans le dossier de dépôt.";
            Err(Fault::new(Code::DepotDenied, detail).because(error))
        }
    }
}

fn is_there(target: &Path) -> bool {
    fs::symlink_metadata(target).is_ok()
}

/// Whether the name is this transfer's: by this run, or by an earlier one that did not come to its end.
fn is_claimed(received: &Received<'_>, beside: &Path) -> Result<bool> {
    let known = described(received);
    Ok(sidecar::claim(beside, received.idtu, &known)? || sidecar::read(beside)? == Some(known))
}

fn described(received: &Received<'_>) -> Sidecar {
    Sidecar {
        part: received.part.to_owned(),
        idf: received.idf.to_owned(),
        idtu: Some(received.idtu.to_owned()),
        ..Sidecar::default()
    }
}

/// Renames within a volume, copies to another; what it was is gone only when what it is now is durable.
fn moved(from: &Path, to: &Path) -> io::Result<()> {
    plain::read(from)?.sync_all()?;
    match plain::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => copied(from, to),
        renamed => renamed.and_then(|()| plain::sync_folder_of(to)),
    }
}

fn copied(from: &Path, to: &Path) -> io::Result<()> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let half = to.with_file_name(path::temporary(&name));
    let mut source = plain::read(from)?;
    let mut target = plain::anew(&half)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()?;
    plain::rename(&half, to)?;
    plain::sync_folder_of(to)?;
    fs::remove_file(from)
}
