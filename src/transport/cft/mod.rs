//! Axway's Transfer CFT: a monitor that keeps its own network, met where it meets other software.
//!
//! | file | gives |
//! |---|---|
//! | `sidecar` | what is known of one transfer, in a small file beside its own |
//! | `spool` | what came: put there by `navette cft received`, or by a procedure of the monitor's |
//! | `work` | what waits for the monitor to have sent it |
//! | `handover` | a whole file gets its name and is handed to the monitor, or is put aside in the spool |
//! | `submit` | the request to send: by `CFTUTIL`, without a shell, or by the REST API |
//! | `cftutil`, `rest` | the two ways of it |
//!
//! To the rest of the house it is a depot like the others. `in/PART/IDF` lies in the spool: a file is listed there once its
//! sidecar is whole. `out/PART/IDF` lies in the work folder, on the monitor's volume: what is written there under a temporary
//! name is sent when it is *renamed*, under an id of ours (`IDA`) that stays the same however often that is tried; a file that
//! was handed to the monitor counts as being there, one that was not does not. It is removed by `navette cft sent`.
//!
//! Between a request that the monitor took and our note of it a crash makes us ask again: the partner may get the file twice,
//! under one `IDA` and one name.

mod cftutil;
mod handover;
mod rest;
pub mod sidecar;
pub mod spool;
mod submit;
pub mod work;

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use self::{handover::make_folder, sidecar::Sidecar, submit::Submitter};
use super::{Listed, Session, Sink, check, folder::Folder, path};
use crate::{
    config::depots::Cft as Settings,
    kernel::{
        clock::Clock,
        digest::{hex, sha256},
        fault::{Code, Fault, Result},
    },
};

/// The first part of the paths of files that leave.
const OUT: &str = "out";

/// The most bytes of a name in the work folder: those of its sidecar, and of both on their way, are longer.
const LONGEST: usize = 240;
/// How many bytes of the end of a name that is longer stay.
const TAIL: usize = 24;
/// How many digits of its hash stand for what lies between.
const DIGITS: usize = 16;

/// A monitor that is met.
pub struct Cft {
    spool: Folder,
    work: Folder,
    work_root: PathBuf,
    spool_root: PathBuf,
    submitter: Submitter,
    clock: Clock,
    /// What this session had sent, by path: the monitor may be done with it before anybody asks.
    sent: HashMap<String, Sidecar>,
}

/// Opens spool and work folder; no request to send takes longer than `patience`.
///
/// Fails with `depot-unreachable` where one of them is no folder.
pub fn connect(settings: &Settings, patience: Duration, clock: &Clock) -> Result<Cft> {
    let open = |path: &Path| {
        super::folder::open(&crate::config::depots::Folder {
            path: path.to_owned(),
        })
    };
    Ok(Cft {
        spool: open(&settings.spool)?,
        work: open(&settings.work)?,
        work_root: settings.work.clone(),
        spool_root: settings.spool.clone(),
        submitter: Submitter::new(&settings.send, patience),
        clock: clock.clone(),
        sent: HashMap::new(),
    })
}

/// Where a path lies.
enum Place {
    /// In the spool.
    Spool(String),
    /// In the work folder.
    Work(String),
}

/// The name that a file has in the work folder: what a command of the monitor would read as its own (quotes, commas, `&`,
/// `%`…) is written as `~` and two hexadecimal digits. Of one that is too long then, both ends stay, with 16 digits of its SHA-256
/// between.
fn plain(name: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let spelt = |byte: u8| match keep(byte) {
        true => char::from(byte).to_string(),
        false => format!("~{byte:02X}"),
    };
    let spelt: String = name.bytes().map(spelt).collect();
    if spelt.len() <= LONGEST {
        return spelt;
    }
    let digest = hex(&sha256(name.as_bytes()));
    let (head, _) = spelt.split_at(LONGEST - TAIL - DIGITS - 2);
    let (_, tail) = spelt.split_at(spelt.len() - TAIL);
    format!("{head}-{}-{tail}", &digest[..DIGITS])
}

fn place(path: &str) -> Place {
    let path = path.trim_start_matches('/');
    match path.split_once('/') {
        Some((OUT, rest)) => {
            let (folder, name) = path::split(rest);
            Place::Work(match folder {
                "" => plain(name),
                folder => format!("{folder}/{}", plain(name)),
            })
        }
        _ => Place::Spool(path.to_owned()),
    }
}

impl Session for Cft {
    fn list(&mut self, folder: &str) -> Result<Vec<Listed>> {
        match place(folder) {
            Place::Spool(folder) => spool::list(&mut self.spool, &self.spool_root, &folder),
            Place::Work(_) => Ok(Vec::new()),
        }
    }

    fn stat(&mut self, path: &str) -> Result<Option<Listed>> {
        let found = match place(path) {
            Place::Spool(at) => self.spool.stat(&at)?,
            Place::Work(at) if self.is_pending(&at)? => None,
            Place::Work(at) => self.work.stat(&at)?,
        };
        let name = path::split(path).1;
        Ok(found.map(|found| Listed {
            name: name.to_owned(),
            ..found
        }))
    }

    fn read(&mut self, path: &str, from: u64, sink: Sink<'_>) -> Result<u64> {
        match place(path) {
            Place::Spool(at) => self.spool.read(&at, from, sink),
            Place::Work(at) => self.work.read(&at, from, sink),
        }
    }

    fn write(&mut self, path: &str, from: u64, source: &mut dyn io::Read) -> Result<u64> {
        let (root, folder, at) = match place(path) {
            Place::Spool(at) => (&self.spool_root, &mut self.spool, at),
            Place::Work(at) => (&self.work_root, &mut self.work, at),
        };
        make_folder(&root.join(&at))?;
        folder.write(&at, from, source)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        match (place(from), place(to)) {
            (Place::Spool(from), Place::Spool(to)) => self.move_aside(&from, &to),
            (Place::Work(from), Place::Work(at)) => self.send(&from, &at, to),
            _ => {
                let detail = "Un fichier reçu ne peut être renvoyé par un changement de nom.";
                Err(Fault::new(Code::DepotRefused, detail))
            }
        }
    }

    fn remove(&mut self, path: &str) -> Result<()> {
        match place(path) {
            Place::Spool(at) => {
                // Its sidecar first: a namesake that comes as soon as the name is free brings its own.
                sidecar::remove(&sidecar::beside(&self.spool_root.join(&at)))?;
                self.spool.remove(&at)
            }
            Place::Work(at) => {
                // Its sidecar last: without it the file would count as handed over.
                self.work.remove(&at)?;
                sidecar::remove(&sidecar::beside(&self.work_root.join(&at)))
            }
        }
    }

    fn agreed(&self) -> Vec<(String, String)> {
        let told = [
            ("spool", self.spool_root.display().to_string()),
            ("work", self.work_root.display().to_string()),
            ("send", self.submitter.to_string()),
        ];
        told.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// What is renamed in the work folder is sent: a file that is written and removed there must do.
    fn probe(&mut self, folder: &str, name: &str) -> Result<()> {
        match place(folder) {
            Place::Spool(_) => check::probe(self, folder, name),
            Place::Work(_) => {
                let half = path::join(folder, &path::temporary(name))?;
                self.write(&half, 0, &mut &b"navette depot check\n"[..])?;
                self.remove(&half)
            }
        }
    }

    fn about(&mut self, path: &str) -> Result<Vec<(String, String)>> {
        let (file, sent) = match place(path) {
            Place::Spool(at) => (self.spool_root.join(at), None),
            Place::Work(at) => (self.work_root.join(&at), self.sent.get(&at).cloned()),
        };
        let known = match sent {
            Some(known) => Some(known),
            None => sidecar::read(&sidecar::beside(&file))?,
        };
        Ok(known.map(|known| known.labels()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_nothing_that_a_command_of_the_monitor_would_read() {
        let name = "l'été, EXEC=/tmp/x&IDF%A ~.zip";
        let spelt = plain(name);
        assert_eq!(
            spelt,
            "l~27~C3~A9t~C3~A9~2C~20EXEC~3D~2Ftmp~2Fx~26IDF~25A~20~7E.zip"
        );
        assert_eq!(plain("LOT42.zip.ack.json"), "LOT42.zip.ack.json");
    }

    #[test]
    fn a_name_fits_however_long_it_is_when_it_is_spelt() {
        let long = format!("{}.zip.ack.json", "é".repeat(80));
        let spelt = plain(&long);
        assert_eq!(spelt.len(), LONGEST);
        assert!(
            spelt.starts_with("~C3~A9") && spelt.ends_with(".zip.ack.json"),
            "{spelt}"
        );
        assert_ne!(plain(&long.replacen("é", "è", 60)), spelt);
        assert!(plain(&path::temporary(&long)).starts_with('.'));
    }
}
