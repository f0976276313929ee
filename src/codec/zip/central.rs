//! The directory of a zip, record by record.

use std::io::{Read, Seek};

use super::{
    super::{
        directory::{Gathering, Name},
        entry::{Entry, Method, Place},
        finding::{Finding, FindingCode, Refusal},
        window::Window,
    },
    ENCRYPTED, Record, UTF8,
    end::{End, MARK},
    extra, malformed, u16_at, u32_at,
};

const RECORD: usize = 46;
/// Flag: the content is a patch of another one.
const PATCH: u16 = 1 << 5;
/// The method that stands for encryption by AES.
const AES: u16 = 99;

/// The kinds of files in the mode of Unix.
const KIND: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const SOCKET: u32 = 0o140_000;
const PIPE: u32 = 0o010_000;
const CHARACTERS: u32 = 0o020_000;
const BLOCKS: u32 = 0o060_000;
/// Runs as its owner or group, or sticks.
const PRIVILEGES: u32 = 0o7000;
/// The attribute of a link of Windows.
const REPARSE: u32 = 0x400;

/// Reads as many records as the end says, which must fill the directory.
pub(super) fn read<R: Read + Seek>(
    source: &mut Window<R>,
    end: &End,
    found: &mut Gathering<'_>,
) -> Result<Vec<Record>, Refusal> {
    if end.entries.saturating_mul(RECORD as u64) > end.stop - end.start {
        return Err(malformed(
            "Le répertoire est plus court que le nombre de ses entrées.",
        ));
    }
    source.go(end.start);
    let mut records = Vec::with_capacity(end.entries as usize);
    for _ in 0..end.entries {
        records.push(record(source, end, found)?);
    }
    match source.position() == end.stop {
        true => Ok(records),
        false => Err(malformed(
            "Le répertoire contient plus que ses entrées déclarées.",
        )),
    }
}

fn record<R: Read + Seek>(
    source: &mut Window<R>,
    end: &End,
    found: &mut Gathering<'_>,
) -> Result<Record, Refusal> {
    let mut head = [0; RECORD];
    let lengths = |head: &[u8]| [28, 30, 32].map(|at| usize::from(u16_at(head, at)));
    let mut rest = Vec::new();
    let whole = source.read_whole(&mut head)? && head.starts_with(&MARK) && {
        let [name, extra, comment] = lengths(&head);
        rest.resize(name + extra + comment, 0);
        source.read_whole(&mut rest)? && source.position() <= end.stop
    };
    if !whole {
        return Err(malformed("Le répertoire de l'archive est incohérent."));
    }
    found.count()?;
    let [name, extra, _] = lengths(&head);
    let (name, extra) = (&rest[..name], &rest[name..name + extra]);
    parsed(&head, name, extra, found)
}

fn parsed(
    head: &[u8],
    raw: &[u8],
    extra: &[u8],
    found: &mut Gathering<'_>,
) -> Result<Record, Refusal> {
    let told = [24, 20, 42].map(|at| u64::from(u32_at(head, at)));
    let at = |detail: &str| {
        Finding::at(
            FindingCode::Malformed,
            &String::from_utf8_lossy(raw),
            detail,
        )
    };
    let extra = extra::read(extra, raw)
        .ok_or_else(|| at("Les champs annexes de l'entrée sont incohérents."))?;
    let [size, packed, header] = extra::long(extra.zip64, told)
        .ok_or_else(|| at("Les tailles longues (zip64) de l'entrée manquent."))?;
    if u16_at(head, 34) != 0 && u16_at(head, 34) != u16::MAX {
        return Err(Refusal::one(
            FindingCode::MultiVolume,
            "L'archive est en plusieurs volumes.",
        ));
    }
    let flags = u16_at(head, 8);
    let mut record = Record {
        header,
        flags,
        method: u16_at(head, 10),
        crc32: u32_at(head, 16),
        packed,
        size,
        file: None,
        name: raw.into(),
    };
    let name = match extra.name {
        Some(unicode) if flags & UTF8 == 0 => found.name(unicode, true)?,
        _ => found.name(raw, flags & UTF8 != 0)?,
    };
    if let Some(name) = name {
        admit(&mut record, name, u32_at(head, 38), found)?;
    }
    Ok(record)
}

/// Makes a file or a folder of a record, with what is wrong with it.
fn admit(
    record: &mut Record,
    name: Name,
    attributes: u32,
    found: &mut Gathering<'_>,
) -> Result<(), Refusal> {
    let wrong = wrong(record, &name, attributes);
    for (code, detail) in &wrong {
        found.add(Finding::at(*code, &name.text, *detail))?;
    }
    if name.text.is_empty() || name.text.ends_with('/') {
        return found.folder(&name);
    }
    let method = match record.method {
        0 => Method::Stored,
        _ => Method::Deflate,
    };
    // A name that was decoded from other bytes than the header's keeps those.
    let raw = (name.text.as_bytes() != &*record.name).then(|| std::mem::take(&mut record.name));
    record.name = Box::default();
    record.file = Some(Entry {
        name: name.text,
        raw,
        size: record.size,
        place: Place {
            offset: record.header,
            length: record.packed,
            method,
        },
        crc32: Some(record.crc32),
    });
    Ok(())
}

fn wrong(record: &Record, name: &Name, attributes: u32) -> Vec<(FindingCode, &'static str)> {
    let folder = name.text.is_empty() || name.text.ends_with('/');
    let mut wrong = Vec::new();
    if record.flags & ENCRYPTED != 0 || record.method == AES {
        wrong.push((
            FindingCode::EncryptedEntry,
            "Une entrée chiffrée n'est pas lisible.",
        ));
    } else if !matches!(record.method, 0 | 8) || record.flags & PATCH != 0 {
        wrong.push((
            FindingCode::MethodUnsupported,
            "Seules les méthodes « stored » et « deflate » sont admises.",
        ));
    } else if record.method == 0 && record.packed != record.size {
        wrong.push((
            FindingCode::FalseSize,
            "La taille annoncée n'est pas celle du contenu stocké.",
        ));
    }
    if folder && (record.size > 0 || record.packed > 2) {
        wrong.push((FindingCode::SpecialEntry, "Un dossier n'a pas de contenu."));
    }
    wrong.extend(kind(attributes, folder));
    wrong
}

/// What the attributes tell: those of Unix stand in the upper half, whatever system is named.
fn kind(attributes: u32, folder: bool) -> Option<(FindingCode, &'static str)> {
    let mode = attributes >> 16;
    let found = match mode & KIND {
        LINK => (FindingCode::LinkEntry, "Un lien n'est pas admis."),
        SOCKET | PIPE | CHARACTERS | BLOCKS => {
            (FindingCode::DeviceEntry, "Un périphérique n'est pas admis.")
        }
        FOLDER if !folder => (
            FindingCode::SpecialEntry,
            "Un dossier dont le nom est celui d'un fichier.",
        ),
        FILE if folder => (
            FindingCode::SpecialEntry,
            "Un fichier dont le nom est celui d'un dossier.",
        ),
        0 | FILE | FOLDER if attributes & REPARSE != 0 => {
            (FindingCode::LinkEntry, "Un lien n'est pas admis.")
        }
        0 | FILE if mode & PRIVILEGES != 0 && !folder => (
            FindingCode::SetuidEntry,
            "Un fichier à privilèges (setuid, setgid) n'est pas admis.",
        ),
        0 | FILE | FOLDER => return None,
        _ => (
            FindingCode::SpecialEntry,
            "Une entrée qui n'est ni un fichier ni un dossier.",
        ),
    };
    Some(found)
}
