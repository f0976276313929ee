//! What is known of one transfer: lines `key=value` in a file `NAME.cft` beside its own, which a shell can write, too.
//!
//! `part`, `idf` and `idtu` are what the monitor calls it; `ida` is ours. Other keys are passed over. It is whole once it has an
//! `idtu` or an `ida` and its last line is ended: a half-written one is none.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::super::{path, plain};
use crate::kernel::fault::{Code, Fault, Result};

/// What its name ends with.
pub const SUFFIX: &str = ".cft";

/// The most bytes of one: it holds five short words.
const LARGEST: u64 = 4096;

/// What is known of a transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sidecar {
    /// The partner.
    pub part: String,
    /// The model.
    pub idf: String,
    /// The monitor's own id of the transfer, where it told it.
    pub idtu: Option<String>,
    /// Our id of it, where it is one that leaves.
    pub ida: Option<String>,
    /// Whether the monitor has taken the request to send it.
    pub submitted: bool,
}

impl Sidecar {
    /// What is known as names and values, for who keeps it.
    pub fn labels(&self) -> Vec<(String, String)> {
        let known = [
            ("part", Some(&self.part)),
            ("idf", Some(&self.idf)),
            ("idtu", self.idtu.as_ref()),
            ("ida", self.ida.as_ref()),
        ];
        known
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
            .collect()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in self.labels() {
            text.push_str(&format!("{name}={value}\n"));
        }
        if self.submitted {
            text.push_str("submitted=yes\n");
        }
        text
    }

    /// What a text says; `None` where it is not whole.
    fn parse(text: &str) -> Option<Self> {
        let mut known = Self::default();
        if !text.ends_with('\n') {
            return None;
        }
        for line in text.lines() {
            let (name, value) = line.trim().split_once('=').unwrap_or_default();
            let value = value.trim().trim_matches('"').to_owned();
            match name.trim() {
                "part" => known.part = value,
                "idf" => known.idf = value,
                "idtu" => known.idtu = Some(value).filter(|value| !value.is_empty()),
                "ida" => known.ida = Some(value).filter(|value| !value.is_empty()),
                "submitted" => known.submitted = value == "yes",
                _ => {}
            }
        }
        (known.idtu.is_some() || known.ida.is_some()).then_some(known)
    }
}

/// The sidecar of a file.
pub fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}

/// What a sidecar says; `None` where there is none, or half of one.
pub fn read(path: &Path) -> Result<Option<Sidecar>> {
    let mut text = String::new();
    let read = plain::read(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(Sidecar::parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(denied(error)),
    }
}

/// Writes a sidecar, durable when this comes back.
pub fn write(path: &Path, known: &Sidecar) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let half = PathBuf::from(name);
    let written = put(&half, known).and_then(|()| fs::rename(&half, path));
    written
        .and_then(|()| plain::sync_folder_of(path))
        .map_err(denied)
}

/// The same where there is none yet; `false`, and nothing, where there is one. `by` tells those apart who do so at once.
pub fn claim(path: &Path, by: &str, known: &Sidecar) -> Result<bool> {
    let half = path.with_file_name(path::temporary(&format!("{by}{SUFFIX}")));
    match put(&half, known).and_then(|()| plain::rename(&half, path)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => remove(&half).map(|()| false),
        claimed => claimed
            .and_then(|()| plain::sync_folder_of(path))
            .map(|()| true)
            .map_err(denied),
    }
}

fn put(half: &Path, known: &Sidecar) -> io::Result<()> {
    let mut file = plain::anew(half)?;
    file.write_all(known.text().as_bytes())?;
    file.sync_all()
}

/// Removes a sidecar, if there is one.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(denied(error)),
        _ => Ok(()),
    }
}

fn denied(error: io::Error) -> Fault {
    let detail = "Le dépôt ne permet pas cette opération.";
    Fault::new(Code::DepotDenied, detail).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_writes_is_read_and_half_of_it_is_nothing() {
        let text = "part=ASP\nidf = NAVLOT\r\nidtu=\"A0000004\"\ncolour=red\n";
        let known = Sidecar::parse(text).unwrap();
        assert_eq!((known.part.as_str(), known.idf.as_str()), ("ASP", "NAVLOT"));
        assert_eq!(known.idtu.as_deref(), Some("A0000004"));
        assert_eq!(Sidecar::parse(&text[..text.len() - 1]), None);
        assert_eq!(Sidecar::parse("part=ASP\nidf=NAVLOT\n"), None);
        assert_eq!(Sidecar::parse(&known.text()), Some(known));
    }
}
