//! What an archive holds: the safe names of its files, and where each lies; how a walker gathers it.

use std::{borrow::Cow, collections::HashSet};

use super::{
    entry::Entry,
    finding::{Finding, FindingCode, Findings, Refusal},
    limits::Limits,
    names::{self, CodePage},
};

/// The files of an archive, in its own order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// The files; no two of them have a name that some system takes for the other's.
    pub entries: Vec<Entry>,
    /// How many entries were folders.
    pub folders: u64,
    /// The sizes of all files together.
    pub bytes: u64,
}

/// An entry's name, as it stands and as it is read.
pub(super) struct Name {
    pub text: Box<str>,
    pub raw: Option<Box<[u8]>>,
}

/// What a walk has found so far.
pub(super) struct Gathering<'l> {
    pub limits: &'l Limits,
    pub findings: Findings,
    code_page: CodePage,
    directory: Directory,
    folders: Vec<Box<str>>,
    count: u64,
}

impl<'l> Gathering<'l> {
    pub fn new(limits: &'l Limits, code_page: CodePage) -> Self {
        Self {
            limits,
            findings: Findings::default(),
            code_page,
            directory: Directory::default(),
            folders: Vec::new(),
            count: 0,
        }
    }

    /// Makes room for so many files, which were read already.
    pub fn reserve(&mut self, files: usize) {
        self.directory.entries.reserve_exact(files);
    }

    /// One entry more; fails once there are too many of them.
    pub fn count(&mut self) -> Result<(), Finding> {
        self.count += 1;
        match self.count > self.limits.entries {
            true => Err(self.too_many()),
            false => Ok(()),
        }
    }

    pub fn too_many(&self) -> Finding {
        let detail = format!("Plus de {} entrées.", self.limits.entries);
        Finding::new(FindingCode::TooManyEntries, detail)
    }

    /// Adds a finding; fails where there are too many to go on.
    pub fn add(&mut self, finding: Finding) -> Result<(), Refusal> {
        match self.findings.add(finding) {
            true => Ok(()),
            false => Err(self.end()),
        }
    }

    /// A fault after which nothing more can be told.
    pub fn stop(&mut self, finding: impl Into<Finding>) -> Refusal {
        self.findings.add(finding.into());
        self.end()
    }

    fn end(&mut self) -> Refusal {
        match std::mem::take(&mut self.findings).none(()) {
            Err(refusal) => refusal,
            Ok(()) => Refusal::Unsafe(Vec::new()),
        }
    }

    /// Reads a name's bytes: `utf8` where the archive says that they are. None, and a finding, where they are no text.
    pub fn name(&mut self, raw: &[u8], utf8: bool) -> Result<Option<Name>, Refusal> {
        let lossy = || String::from_utf8_lossy(raw);
        if raw.len() > self.limits.name {
            let detail = format!(
                "Un nom de {} octets ; {} au plus.",
                raw.len(),
                self.limits.name
            );
            self.add(Finding::at(FindingCode::NameTooLong, &lossy(), detail))?;
            return Ok(None);
        }
        let page = if utf8 { CodePage::Utf8 } else { self.code_page };
        let Some(text) = page.decode(raw) else {
            let detail =
                "Les octets de ce nom ne forment pas un texte dans la page de code convenue.";
            self.add(Finding::at(FindingCode::NameUnreadable, &lossy(), detail))?;
            return Ok(None);
        };
        let plain: Box<str> = names::plain(&text).into();
        let kept = (plain.as_bytes() != raw).then(|| raw.into());
        Ok(Some(Name {
            text: plain,
            raw: kept,
        }))
    }

    /// A folder of that name; the root itself is one that nobody needs.
    pub fn folder(&mut self, name: &Name) -> Result<(), Refusal> {
        self.directory.folders += 1;
        let text = name.text.strip_suffix('/').unwrap_or(&name.text);
        if name.text.is_empty() && name.raw.is_some() {
            return Ok(());
        }
        self.check_path(text)?;
        self.folders.push(names::folded(text).into());
        Ok(())
    }

    /// A file.
    pub fn file(&mut self, entry: Entry) -> Result<(), Refusal> {
        self.check_path(&entry.name)?;
        self.directory.bytes = self.directory.bytes.saturating_add(entry.size);
        if self.directory.bytes > self.limits.bytes {
            let detail = format!("Plus de {} octets une fois décompressé.", self.limits.bytes);
            return Err(self.stop(Finding::new(FindingCode::TooLarge, detail)));
        }
        if self.limits.is_bomb(entry.place.length, entry.size) {
            let finding = self.bomb(Some(&entry.name));
            self.add(finding)?;
        }
        self.directory.entries.push(entry);
        Ok(())
    }

    fn bomb(&self, entry: Option<&str>) -> Finding {
        let detail = format!(
            "Plus de {} octets pour un octet compressé.",
            self.limits.ratio
        );
        match entry {
            Some(entry) => Finding::at(FindingCode::RatioExceeded, entry, detail),
            None => Finding::new(FindingCode::RatioExceeded, detail),
        }
    }

    fn check_path(&mut self, name: &str) -> Result<(), Refusal> {
        if names::is_safe(name) {
            return Ok(());
        }
        let detail = "Un chemin relatif est attendu : ni « .. », ni « \\ », ni racine, ni caractère de contrôle ou de direction.";
        self.add(Finding::at(FindingCode::UnsafePath, name, detail))
    }

    /// The directory of an archive of `length` bytes, where nothing was found.
    pub fn finish(mut self, length: u64) -> Result<Directory, Refusal> {
        if self.limits.is_bomb(length, self.directory.bytes) && self.findings.is_empty() {
            let finding = self.bomb(None);
            self.add(finding)?;
        }
        for finding in self.same_names() {
            self.add(finding)?;
        }
        self.findings.none(self.directory)
    }

    /// Names that some system takes for one, and files that are folders elsewhere.
    fn same_names(&self) -> Vec<Finding> {
        let entries = &self.directory.entries;
        let folded = entries.iter().map(|entry| names::folded(&entry.name));
        let mut keys: Vec<(Cow<'_, str>, &str)> = folded
            .zip(entries.iter().map(|entry| &*entry.name))
            .collect();
        keys.sort_unstable();
        let twice = keys.windows(2).filter(|pair| pair[0].0 == pair[1].0);
        let mut found: Vec<_> = twice.map(|pair| same(pair[0].1, pair[1].1)).collect();
        let folders = self.folders.iter().map(|name| &**name);
        let above = keys.iter().map(|(key, _)| &**key).chain(folders.clone());
        let folders: HashSet<&str> = above.flat_map(ancestors).chain(folders).collect();
        let also = keys.iter().filter(|(key, _)| folders.contains(&**key));
        found.extend(also.map(|(_, name)| {
            Finding::at(
                FindingCode::DuplicateName,
                name,
                "Ce fichier est aussi un dossier de l'archive.",
            )
        }));
        found
    }
}

/// The folders that a name lies in.
fn ancestors(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(|(at, _)| &name[..at])
}

fn same(one: &str, other: &str) -> Finding {
    let detail = match one == other {
        true => "Deux entrées portent ce nom.",
        false => "Une autre entrée porte ce nom, à la casse ou à la forme des accents près.",
    };
    Finding::at(FindingCode::DuplicateName, other, detail)
}
