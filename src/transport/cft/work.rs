//! The work folder: what waits there for the monitor to have sent it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::sidecar::{self, Sidecar};
use crate::kernel::fault::{Code, Fault, Result};

/// The most files of the folder that are looked at.
const MOST: usize = 100_000;

/// A file that was handed to the monitor.
#[derive(Clone, Debug)]
pub struct Waiting {
    file: PathBuf,
    /// What is known of its transfer.
    pub known: Sidecar,
}

/// The file whose transfer has these ids; ours, where it is given, is the better one.
pub fn find(root: &Path, idtu: &str, ida: Option<&str>) -> Result<Option<Waiting>> {
    let is_it = |known: &Sidecar| match (ida, &known.ida) {
        (Some(ours), Some(known)) => ours == known,
        _ => known.idtu.as_deref() == Some(idtu),
    };
    // work/PART/IDF/NAME.cft
    let mut folders = vec![root.to_owned()];
    for _ in 0..2 {
        folders = folders.iter().flat_map(|folder| entries(folder)).collect();
    }
    for path in folders.iter().flat_map(|folder| entries(folder)).take(MOST) {
        let Some(file) = path
            .to_str()
            .and_then(|path| path.strip_suffix(sidecar::SUFFIX))
        else {
            continue;
        };
        if let Some(known) = sidecar::read(&path)?
            && is_it(&known)
        {
            let file = PathBuf::from(file);
            return Ok(Some(Waiting { file, known }));
        }
    }
    Ok(None)
}

/// Notes that the monitor has given a file up by the transfer `idtu`: it may be handed over again, under the same id of ours. A
/// later transfer of it is left as it is.
pub fn given_up(waiting: &Waiting, idtu: &str) -> Result<()> {
    let mut known = waiting.known.clone();
    if !known.submitted || known.idtu.as_deref().is_some_and(|known| known != idtu) {
        return Ok(());
    }
    known.submitted = false;
    known.idtu = Some(idtu.to_owned());
    sidecar::write(&sidecar::beside(&waiting.file), &known)
}

/// Removes a file and what is known of it: the monitor needs it no more.
pub fn remove(waiting: &Waiting) -> Result<()> {
    match fs::remove_file(&waiting.file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let detail = "Le fichier envoyé n'a pas pu être retiré du dossier de travail CFT.";
            return Err(Fault::new(Code::DepotDenied, detail).because(error));
        }
        _ => {}
    }
    sidecar::remove(&sidecar::beside(&waiting.file))
}

/// What lies in a folder; nothing where it is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
