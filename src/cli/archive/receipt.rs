//! Waiting on a depot for the receipt of an archive that was left there.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    kernel::fault::{Code, Fault, Result},
    transport::{Line, Session, line::is_cut, path},
};

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest receipt that is read: one of an archive of 100,000 pieces is far below.
const LONGEST: usize = 64 * 1024 * 1024;

/// Which receipt is awaited.
pub(super) struct Wanted<'a> {
    /// The folder of the depot that it comes to.
    pub folder: &'a str,
    /// The archive's name there.
    pub name: &'a str,
    /// The archive's hash: an earlier archive of this name has a receipt of its own.
    pub sha256: &'a str,
    /// The folder on this machine where it is kept.
    pub keep: &'a Path,
}

/// A receipt that came.
pub(super) struct Receipt {
    file: PathBuf,
    document: Value,
}

impl Receipt {
    /// Whether it says that the archive was refused.
    pub fn is_refusal(&self) -> bool {
        self.document["outcome"] == "rejected"
    }

    pub fn shown(&self) -> Value {
        json!({ "file": self.file, "document": self.document })
    }

    pub fn text(&self) -> String {
        let outcome = self.document["outcome"].as_str().unwrap_or("?");
        format!("  receipt {} ({outcome})", self.file.display())
    }
}

/// Looks until the receipt and its signature are there, and keeps both. Fails with `unavailable` where they do not come.
pub(super) fn wait(line: &mut Line, wanted: Wanted<'_>, patience: Duration) -> Result<Receipt> {
    let end = Instant::now() + patience;
    loop {
        match line.with(|session| look(session, &wanted)) {
            Ok(Some(receipt)) => return Ok(receipt),
            Err(fault) if !is_cut(&fault) => return Err(fault),
            // A cut line is connected again at the next look.
            Ok(None) | Err(_) => {}
        }
        if Instant::now() >= end {
            let detail = format!(
                "no receipt of {} within {} s",
                wanted.name,
                patience.as_secs()
            );
            return Err(Fault::new(Code::Unavailable, detail));
        }
        thread::sleep(PAUSE);
    }
}

fn look(session: &mut dyn Session, wanted: &Wanted<'_>) -> Result<Option<Receipt>> {
    let names = ["json", "p7s"].map(|kind| format!("{}.ack.{kind}", wanted.name));
    let mut found = Vec::new();
    for name in &names {
        let path = path::join(wanted.folder, name)?;
        match session.stat(&path)? {
            Some(_) => found.push(read(session, &path)?),
            None => return Ok(None),
        }
    }
    let document: Value = serde_json::from_slice(&found[0]).unwrap_or_default();
    if document["sha256"] != wanted.sha256 {
        return Ok(None);
    }
    for (name, bytes) in names.iter().zip(&found) {
        fs::write(wanted.keep.join(name), bytes).map_err(Fault::internal)?;
    }
    Ok(Some(Receipt {
        file: wanted.keep.join(&names[0]),
        document,
    }))
}

fn read(session: &mut dyn Session, path: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    session.read(path, 0, &mut |more| {
        bytes.extend_from_slice(more);
        match bytes.len() > LONGEST {
            true => Err(Fault::new(
                Code::TooLarge,
                "the receipt is too long to be one",
            )),
            false => Ok(()),
        }
    })?;
    Ok(bytes)
}
