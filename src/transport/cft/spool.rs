//! What came: `in/PART/IDF/NAME` below the spool, each with its sidecar. A file counts once both are there and whole, in
//! whichever order they came.

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::{
    super::{Listed, Session, folder::Folder, path},
    handover::make_folder,
    sidecar::{self, Sidecar},
};
use crate::{
    config::depots::cft::incoming,
    kernel::fault::{Code, Fault, Result},
};

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
/// waits there is left alone: the new one gets the transfer's id before its name.
///
/// Fails with `depot-file-missing` where there is no such file, `invalid` where its name is none.
pub fn receive(root: &Path, received: &Received<'_>) -> Result<PathBuf> {
    let own = received.file.file_name().and_then(|name| name.to_str());
    let given = received.name.filter(|name| !name.is_empty());
    let name = given.or(own).unwrap_or_default();
    let folder = incoming(received.part, received.idf);
    let mut target = root.join(path::join(&folder, name)?);
    if target.exists() {
        let name = format!("{}-{name}", received.idtu);
        target = root.join(path::join(&folder, &name)?);
    }
    make_folder(&target)?;
    sidecar::write(&sidecar::beside(&target), &described(received))?;
    moved(received.file, &target).map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            let detail = "Le fichier reçu n'est pas là où la commande le dit.";
            Fault::new(Code::DepotFileMissing, detail).because(error)
        }
        _ => {
            let detail = "Le fichier reçu n'a pas pu être mis dans le dossier de dépôt.";
            Fault::new(Code::DepotDenied, detail).because(error)
        }
    })?;
    Ok(target)
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
    File::open(from)?.sync_all()?;
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::CrossesDevices => copied(from, to),
        renamed => renamed.and_then(|()| sync_folder(to)),
    }
}

fn copied(from: &Path, to: &Path) -> io::Result<()> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let half = to.with_file_name(path::temporary(&name));
    let mut source = File::open(from)?;
    let mut target = File::create(&half)?;
    io::copy(&mut source, &mut target)?;
    target.sync_all()?;
    fs::rename(&half, to)?;
    sync_folder(to)?;
    fs::remove_file(from)
}

fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
