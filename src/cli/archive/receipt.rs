//! Waiting on a depot for the receipt of an archive that was left there.

use std::{
    collections::HashSet,
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

/// How long the mark of a receipt is that lies beside another of its archive's name.
const MARK: usize = 12;

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
    let mut others = HashSet::new();
    loop {
        match line.with(|session| look(session, &wanted, &mut others)) {
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

/// The archive's own name is asked for first, then those of receipts that lie beside another's; `others` are known to be of
/// other archives.
fn look(
    session: &mut dyn Session,
    wanted: &Wanted<'_>,
    others: &mut HashSet<String>,
) -> Result<Option<Receipt>> {
    if let Some(Found::Ours(receipt)) = find(session, wanted, &path::receipt(wanted.name, None))? {
        return Ok(Some(receipt));
    }
    for stem in marked(session, wanted)? {
        if others.contains(&stem) {
            continue;
        }
        match find(session, wanted, &stem)? {
            Some(Found::Ours(receipt)) => return Ok(Some(receipt)),
            Some(Found::Anothers) => drop(others.insert(stem)),
            None => {}
        }
    }
    Ok(None)
}

/// The names of receipts that were left beside another of this archive's name.
fn marked(session: &mut dyn Session, wanted: &Wanted<'_>) -> Result<Vec<String>> {
    let listed = match session.list(wanted.folder) {
        Err(fault) if is_cut(&fault) => return Err(fault),
        // Who may not list can still ask for the archive's own name.
        listed => listed.unwrap_or_default(),
    };
    let stem = |name: &str| {
        let stem = name.strip_suffix(".json")?;
        let (_, mark) = stem.strip_suffix(".ack")?.rsplit_once('.')?;
        let is_mark = mark.len() == MARK && mark.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_mark && path::receipt(wanted.name, Some(mark)) == stem).then(|| stem.to_owned())
    };
    Ok(listed.iter().filter_map(|file| stem(&file.name)).collect())
}

/// Whose a receipt is.
enum Found {
    Ours(Receipt),
    Anothers,
}

/// The receipt of that name, kept if it is ours; nothing before both of its files are there.
fn find(session: &mut dyn Session, wanted: &Wanted<'_>, stem: &str) -> Result<Option<Found>> {
    let names = ["json", "p7s"].map(|kind| format!("{stem}.{kind}"));
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
        return Ok(Some(Found::Anothers));
    }
    for (name, bytes) in names.iter().zip(&found) {
        fs::write(wanted.keep.join(name), bytes).map_err(Fault::internal)?;
    }
    Ok(Some(Found::Ours(Receipt {
        file: wanted.keep.join(&names[0]),
        document,
    })))
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
