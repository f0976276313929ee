//! The files of a zip where they lie: each behind a header that says what the directory says, one right after the other.

use std::io::{Read, Seek};

use super::{
    super::{
        directory::Gathering,
        finding::{Finding, FindingCode, Refusal},
        window::Window,
    },
    DESCRIPTOR, ENCRYPTED, Record, UTF8,
    end::End,
    extra, u16_at, u32_at, u64_at,
};

const MARK: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR_MARK: [u8; 4] = *b"PK\x07\x08";
const HEADER: usize = 30;
/// The longest data descriptor.
const DESCRIPTOR_MOST: usize = 24;

/// Goes through `records`, which stand in the order of their headers, and writes where each content lies.
pub(super) fn check<R: Read + Seek>(
    source: &mut Window<R>,
    end: &End,
    records: &mut [Record],
    found: &mut Gathering<'_>,
) -> Result<(), Refusal> {
    let mut expected = 0;
    for at in 0..records.len() {
        let next = records.get(at + 1).map_or(end.start, |next| next.header);
        let record = &mut records[at];
        if let Some(finding) = border(record, expected) {
            found.add(finding)?;
        }
        match content(source, record, next)? {
            Ok(stop) => expected = stop,
            Err(finding) => {
                found.add(finding)?;
                // Where its end is not known, it is taken to be where the next one begins.
                expected = next;
            }
        }
    }
    if expected == end.start {
        return Ok(());
    }
    let code = match records.is_empty() {
        true => FindingCode::PrefixBytes,
        false if expected > end.start => FindingCode::OverlappingEntries,
        false => FindingCode::HiddenBytes,
    };
    found.add(Finding::new(
        code,
        "Des octets de l'archive n'appartiennent pas à une seule entrée.",
    ))
}

/// Whether a record begins where the one before ended.
fn border(record: &Record, expected: u64) -> Option<Finding> {
    let (code, detail) = match record.header.cmp(&expected) {
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Less => (
            FindingCode::OverlappingEntries,
            "Cette entrée en recouvre une autre.",
        ),
        std::cmp::Ordering::Greater if expected == 0 => (
            FindingCode::PrefixBytes,
            "Des octets précèdent la première entrée.",
        ),
        std::cmp::Ordering::Greater => (
            FindingCode::HiddenBytes,
            "Des octets qui n'appartiennent à aucune entrée précèdent celle-ci.",
        ),
    };
    Some(record.fault(code, detail))
}

/// Reads a record's own header; where the entry ends, the descriptor behind its content included.
fn content<R: Read + Seek>(
    source: &mut Window<R>,
    record: &mut Record,
    next: u64,
) -> Result<Result<u64, Finding>, Refusal> {
    let mut head = [0; HEADER];
    source.go(record.header);
    if !source.read_whole(&mut head)? || !head.starts_with(&MARK) {
        let detail = "L'en-tête de l'entrée n'est pas à sa place.";
        return Ok(Err(record.fault(FindingCode::FalseHeader, detail)));
    }
    let name = usize::from(u16_at(&head, 26));
    let mut rest = vec![0; name + usize::from(u16_at(&head, 28))];
    if !source.read_whole(&mut rest)? {
        return Ok(Err(
            record.fault(FindingCode::Truncated, "L'entrée est coupée.")
        ));
    }
    if !same(record, &head, &rest[..name], &rest[name..]) {
        let detail = "L'en-tête de l'entrée contredit le répertoire de l'archive.";
        return Ok(Err(record.fault(FindingCode::FalseHeader, detail)));
    }
    let start = source.position();
    let stop = start.checked_add(record.packed);
    let Some(stop) = stop.filter(|stop| *stop <= source.length()) else {
        return Ok(Err(record.fault(
            FindingCode::FalseSize,
            "L'entrée est plus longue que l'archive.",
        )));
    };
    if let Some(file) = &mut record.file {
        file.place.offset = start;
    }
    if record.flags & DESCRIPTOR == 0 {
        return Ok(Ok(stop));
    }
    Ok(match descriptor(source, record, stop, next)? {
        Some(bytes) => Ok(stop + bytes),
        None => Err(record.fault(
            FindingCode::FalseHeader,
            "Le descripteur qui suit l'entrée contredit le répertoire.",
        )),
    })
}

/// Whether the header says what the directory says. With a descriptor, sizes and checksum may be left open.
fn same(record: &Record, head: &[u8], name: &[u8], extra: &[u8]) -> bool {
    let flags = u16_at(head, 6);
    let telling = ENCRYPTED | DESCRIPTOR | UTF8;
    let told = [u64::from(u32_at(head, 22)), u64::from(u32_at(head, 18)), 0];
    let Some(extra) = extra::read(extra, name) else {
        return false;
    };
    // Some writers announce the long field though they then need none.
    let open = record.flags & DESCRIPTOR != 0;
    let Some([size, packed, _]) = extra::long(extra.zip64, told).or(open.then_some([0; 3])) else {
        return false;
    };
    let is = |told: u64, true_one: u64| told == true_one || (open && told == 0);
    (flags ^ record.flags) & telling == 0
        && u16_at(head, 8) == record.method
        && name == record.raw_name()
        && is(u32_at(head, 14).into(), record.crc32.into())
        && is(size, record.size)
        && is(packed, record.packed)
}

/// The length of the data descriptor at `stop`, with which the entry ends at `next`; none where there is no true one.
fn descriptor<R: Read + Seek>(
    source: &mut Window<R>,
    record: &Record,
    stop: u64,
    next: u64,
) -> Result<Option<u64>, Refusal> {
    let mut bytes = [0; DESCRIPTOR_MOST];
    source.go(stop);
    let left = source
        .length()
        .saturating_sub(stop)
        .min(DESCRIPTOR_MOST as u64) as usize;
    source.read_exact(&mut bytes[..left])?;
    let forms = [(16, true), (24, true), (12, false), (20, false)];
    let mut fits = forms
        .into_iter()
        .filter(|(length, mark)| *length <= left && is_true(&bytes[..*length], *mark, record));
    let there = next.checked_sub(stop);
    let exact = fits
        .clone()
        .find(|(length, _)| there == Some(*length as u64));
    Ok(exact
        .or_else(|| fits.next())
        .map(|(length, _)| length as u64))
}

fn is_true(bytes: &[u8], mark: bool, record: &Record) -> bool {
    let (marked, rest) = match mark {
        true => (bytes.starts_with(&DESCRIPTOR_MARK), &bytes[4..]),
        false => (true, bytes),
    };
    let (packed, size) = match rest.len() {
        12 => (u64::from(u32_at(rest, 4)), u64::from(u32_at(rest, 8))),
        _ => (u64_at(rest, 4), u64_at(rest, 12)),
    };
    marked && u32_at(rest, 0) == record.crc32 && packed == record.packed && size == record.size
}
