//! A tar, header by header: ustar, pax, GNU and v7, of whose words only those count that two readers read alike.
//!
//! `header` reads one block; `extension` reads what stands before a header and speaks of it (pax records, GNU long names);
//! the walk here goes from one to the next, and demands two zero blocks and nothing but zeros at the end. Links, devices,
//! holes, other volumes are refused; so is a size that two headers tell differently.

mod extension;
mod header;

use std::io::{Read, Seek};

use extension::Extension;
use header::Header;

use super::{
    directory::{Directory, Gathering},
    entry::{Entry, Method, Place},
    finding::{Finding, FindingCode, Refusal},
    window::Window,
};

/// The length of a block, in bytes.
pub(super) const BLOCK: usize = 512;

/// Runs as its owner or group, or sticks.
const PRIVILEGES: u64 = 0o7000;

/// Whether a tar begins so: a header whose checksum is right.
pub(super) fn is_header(prefix: &[u8]) -> bool {
    prefix
        .first_chunk()
        .is_some_and(|block| Header::read(block).is_some())
}

/// Walks a whole tar.
pub(super) fn walk<R: Read + Seek>(
    source: &mut Window<R>,
    found: Gathering<'_>,
) -> Result<Directory, Refusal> {
    source.go(0);
    let length = source.length();
    let mut walk = Walk {
        source,
        found,
        before: Extension::default(),
    };
    while walk.step()? {}
    walk.found.finish(length)
}

struct Walk<'a, 'l, R> {
    source: &'a mut Window<R>,
    found: Gathering<'l>,
    /// What was said of the next entry.
    before: Extension,
}

impl<R: Read + Seek> Walk<'_, '_, R> {
    /// One entry, or one extension; `false` at the end.
    fn step(&mut self) -> Result<bool, Refusal> {
        let mut block = [0; BLOCK];
        if !self.source.read_whole(&mut block)? {
            return Err(self.stop(
                FindingCode::Truncated,
                "L'archive se termine sans sa marque de fin.",
            ));
        }
        if block == [0; BLOCK] {
            self.end()?;
            return Ok(false);
        }
        let Some(header) = Header::read(&block) else {
            return Err(self.stop(FindingCode::Malformed, "Un en-tête d'entrée est illisible."));
        };
        if extension::is_one(header.kind()) && header.is_old() {
            return Err(self.stop(
                FindingCode::Malformed,
                "Un en-tête étendu dans un format qui n'en a pas.",
            ));
        }
        if extension::is_one(header.kind()) {
            self.extend(&header)?;
        } else {
            if let Err(finding) = self.found.count() {
                return Err(self.found.stop(finding));
            }
            self.entry(&header)?;
        }
        Ok(true)
    }

    fn stop(&mut self, code: FindingCode, detail: &str) -> Refusal {
        self.found.stop(Finding::new(code, detail))
    }

    /// Reads what stands before a header and speaks of it.
    fn extend(&mut self, header: &Header<'_>) -> Result<(), Refusal> {
        let size = header.size().unwrap_or(u64::MAX);
        if let Err(finding) = extension::fits(header.kind(), size, self.found.limits) {
            return Err(self.found.stop(finding));
        }
        let mut text = vec![0; size as usize];
        let whole = self.source.read_whole(&mut text)?;
        self.skip_to(self.source.position().next_multiple_of(BLOCK as u64), whole)?;
        match self.before.add(header.kind(), text) {
            Ok(()) => Ok(()),
            Err(finding) => Err(self.found.stop(finding)),
        }
    }

    fn entry(&mut self, header: &Header<'_>) -> Result<(), Refusal> {
        let said = std::mem::take(&mut self.before);
        let raw = said.name.unwrap_or_else(|| header.name());
        let shown = String::from_utf8_lossy(&raw).into_owned();
        let at = |code, detail: &str| Finding::at(code, &shown, detail);
        let Some(size) = header.size() else {
            return Err(self.found.stop(at(
                FindingCode::Malformed,
                "La taille de l'entrée est illisible.",
            )));
        };
        let size = match said.size {
            // Over 8 GiB the header has no room for it, and writers leave there what they want.
            Some(long) if long != size && long < 1 << 33 => {
                let detail = "Deux en-têtes donnent deux tailles à cette entrée.";
                return Err(self.found.stop(at(FindingCode::FalseSize, detail)));
            }
            Some(long) => long,
            None => size,
        };
        if said.sparse || header.kind() == b'S' {
            // What follows such a header is not what its size says.
            return Err(self.found.stop(at(
                FindingCode::SparseEntry,
                "Un fichier à trous n'est pas admis.",
            )));
        }
        let refused = refused(header, size, raw.ends_with(b"/"), said.links);
        if let Some((code, detail)) = refused {
            self.found.add(at(code, detail))?;
        }
        let offset = self.source.position();
        let end = offset
            .checked_add(size)
            .and_then(|end| end.checked_next_multiple_of(BLOCK as u64));
        self.skip_to(end.unwrap_or(u64::MAX), true)?;
        if refused.is_some() {
            return Ok(());
        }
        // A tar says nothing of its names' bytes; where they are UTF-8, they were meant so, whatever the flow's page.
        let utf8 = said.utf8 || str::from_utf8(&raw).is_ok();
        let Some(name) = self.found.name(&raw, utf8)? else {
            return Ok(());
        };
        if header.kind() == b'5' || name.text.is_empty() || name.text.ends_with('/') {
            return self.found.folder(&name);
        }
        self.found.file(Entry {
            name: name.text,
            raw: name.raw,
            size,
            place: Place {
                offset,
                length: size,
                method: Method::Stored,
            },
            crc32: None,
        })
    }

    /// Goes on to `end`, where what was begun must end within the archive.
    fn skip_to(&mut self, end: u64, whole: bool) -> Result<(), Refusal> {
        if !whole || end > self.source.length() {
            return Err(self.stop(
                FindingCode::Truncated,
                "L'archive se termine au milieu d'une entrée.",
            ));
        }
        self.source.go(end);
        Ok(())
    }

    /// After the first zero block: another one, then zeros only.
    fn end(&mut self) -> Result<(), Refusal> {
        let start = self.source.position();
        if !self.before.is_empty() {
            return Err(self.stop(
                FindingCode::Malformed,
                "Un en-tête annonce une entrée qui manque.",
            ));
        }
        loop {
            let bytes = self.source.fill()?;
            if bytes.is_empty() {
                break;
            }
            if bytes.iter().any(|byte| *byte != 0) {
                return Err(self.stop(
                    FindingCode::TrailingBytes,
                    "Des octets suivent la marque de fin de l'archive.",
                ));
            }
            let all = bytes.len();
            self.source.consume(all);
        }
        match self.source.position() - start >= BLOCK as u64 {
            true => Ok(()),
            false => Err(self.stop(
                FindingCode::Truncated,
                "La marque de fin de l'archive est coupée.",
            )),
        }
    }
}

/// What is wrong with an entry by its kind.
fn refused(
    header: &Header<'_>,
    size: u64,
    folder: bool,
    links: bool,
) -> Option<(FindingCode, &'static str)> {
    let found = match header.kind() {
        b'1' | b'2' => (FindingCode::LinkEntry, "Un lien n'est pas admis."),
        b'3' | b'4' | b'6' => (FindingCode::DeviceEntry, "Un périphérique n'est pas admis."),
        b'5' if size > 0 => (FindingCode::SpecialEntry, "Un dossier n'a pas de contenu."),
        b'0' | 0 if folder && size > 0 => {
            (FindingCode::SpecialEntry, "Un dossier n'a pas de contenu.")
        }
        b'0' | 0 if !folder && header.mode() & PRIVILEGES != 0 => (
            FindingCode::SetuidEntry,
            "Un fichier à privilèges (setuid, setgid) n'est pas admis.",
        ),
        b'0' | 0 | b'5' if links => (FindingCode::LinkEntry, "Un lien n'est pas admis."),
        b'0' | 0 | b'5' => return None,
        b'M' => (
            FindingCode::MultiVolume,
            "L'archive est en plusieurs volumes.",
        ),
        _ => (
            FindingCode::SpecialEntry,
            "Une entrée qui n'est ni un fichier ni un dossier.",
        ),
    };
    Some(found)
}
