//! What `rename` does here: a whole file in the work folder gets its name and is handed to the monitor; one in the spool is put
//! aside with its sidecar.

use std::{fs, io, path::Path};

use super::{
    Cft,
    sidecar::{self, Sidecar},
    submit::Request,
};
use crate::{
    config::depots::cft::is_identifier,
    kernel::{
        digest::{Hasher, Sha256, hex, sha256},
        fault::{Code, Fault, Result},
    },
    transport::{Session, path},
};

/// The longest path that the monitor takes.
const LONGEST_PATH: usize = 512;

impl Cft {
    /// Whether a file of the work folder was put there and not taken by the monitor.
    pub(super) fn is_pending(&self, at: &str) -> Result<bool> {
        let known = sidecar::read(&sidecar::beside(&self.work_root.join(at)))?;
        Ok(known.is_some_and(|known| !known.submitted))
    }

    pub(super) fn move_aside(&mut self, from: &str, to: &str) -> Result<()> {
        make_folder(&self.spool_root.join(to))?;
        let [old, new] = [from, to].map(|at| sidecar::beside(&self.spool_root.join(at)));
        self.spool.rename(from, to)?;
        match fs::rename(&old, &new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Fault::internal(error)),
            _ => Ok(()),
        }
    }

    /// Gives a whole file its name and has the monitor send it; where it does not take it, the name is taken back.
    pub(super) fn send(&mut self, from: &str, at: &str, told: &str) -> Result<()> {
        let target = self.work_root.join(at);
        let mut known = self.intention(at, &target, told)?;
        if known.submitted || self.is_anothers(from, at)? {
            // What was to be sent is of no use under this name. Where even this fails, the first fault is told.
            let _ = self.work.remove(from);
            let detail = "Un autre fichier porte déjà ce nom sur le dépôt.";
            return Err(Fault::new(Code::DepotFileExists, detail));
        }
        sidecar::write(&sidecar::beside(&target), &known)?;
        if self.work.stat(at)?.is_some() {
            // Of an earlier try that the monitor did not take, or that it gave up.
            self.work.remove(at)?;
        }
        self.work.rename(from, at)?;
        let request = Request {
            part: &known.part,
            idf: &known.idf,
            file: &target,
            parm: path::split(at).1,
            ida: known.ida.as_deref().unwrap_or_default(),
        };
        match self.submitter.submit(&request) {
            Ok(idtu) => {
                known.idtu = idtu;
                known.submitted = true;
                self.sent.insert(at.to_owned(), known.clone());
                self.note(&target, &known)
            }
            Err(fault) => {
                // The next try begins with a temporary name, like this one. Where even this fails, the first fault is told.
                let _ = self.work.rename(at, from);
                Err(fault)
            }
        }
    }

    /// Whether a file of another content stands there, which the monitor has not sent yet.
    fn is_anothers(&mut self, from: &str, at: &str) -> Result<bool> {
        match (self.work.stat(from)?, self.work.stat(at)?) {
            (Some(ours), Some(there)) if ours.size == there.size => {
                Ok(self.digest(from)? != self.digest(at)?)
            }
            (Some(_), Some(_)) => Ok(true),
            _ => Ok(false),
        }
    }

    fn digest(&mut self, at: &str) -> Result<Sha256> {
        let mut hasher = Hasher::new(false);
        self.work.read(at, 0, &mut |bytes| {
            hasher.update(bytes);
            Ok(())
        })?;
        Ok(hasher.finish().sha256)
    }

    /// Notes that the monitor has taken the request, unless it is done with it already.
    fn note(&self, target: &Path, known: &Sidecar) -> Result<()> {
        match target.exists() {
            true => sidecar::write(&sidecar::beside(target), known),
            false => Ok(()),
        }
    }

    /// What is to be asked of the monitor: the same at each try.
    fn intention(&self, at: &str, target: &Path, told: &str) -> Result<Sidecar> {
        // A sidecar that outlived its file is of an earlier sending.
        if let Some(known) = sidecar::read(&sidecar::beside(target))?
            && (!known.submitted || target.exists())
        {
            return Ok(known);
        }
        let mut parts = at.split('/');
        let (Some(part), Some(idf), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(misplaced());
        };
        if !is_identifier(part) || !is_identifier(idf) {
            return Err(misplaced());
        }
        if target.as_os_str().len() > LONGEST_PATH {
            let detail = "Le nom du fichier est trop long pour CFT.";
            return Err(Fault::new(Code::DepotRefused, detail));
        }
        let seed = format!("{told}\n{}", self.clock.now_micros());
        Ok(Sidecar {
            part: part.to_owned(),
            idf: idf.to_owned(),
            idtu: None,
            ida: Some(hex(&sha256(seed.as_bytes()))[..32].to_owned()),
            submitted: false,
        })
    }
}

fn misplaced() -> Fault {
    let detail = "Un fichier pour CFT se dépose sous out/PART/IDF.";
    Fault::new(Code::DepotRefused, detail)
}

/// Makes the folder that a file is to lie in.
pub(super) fn make_folder(file: &Path) -> Result<()> {
    let Some(folder) = file.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|error| {
        let detail = "Le dépôt ne permet pas cette opération.";
        Fault::new(Code::DepotDenied, detail).because(error)
    })
}
