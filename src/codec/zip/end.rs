//! The end of a zip: one end record that ends with the archive, the zip64 one before it where there is one.

use std::io::{Read, Seek};

use super::{
    super::{
        finding::{FindingCode, Refusal},
        limits::is_filled_up,
        window::Window,
    },
    malformed, u16_at, u32_at, u64_at,
};

/// What a record of the directory begins with.
pub(super) const MARK: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR: [u8; 4] = *b"PK\x06\x07";

const END_BYTES: usize = 22;
const END64_BYTES: usize = 56;
const LOCATOR_BYTES: usize = 20;
const COMMENT_MOST: usize = 65_535;

/// Where the directory is.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// How many records it is said to hold.
    pub entries: u64,
    /// Its first byte, and the byte after its last.
    pub start: u64,
    pub stop: u64,
}

/// The end record's own words.
struct Told {
    entries: u64,
    bytes: u64,
    start: u64,
}

/// Finds the directory. The directory must end where the end records begin: what the archive says of itself then leaves
/// no byte over.
pub(super) fn find<R: Read + Seek>(source: &mut Window<R>) -> Result<End, Refusal> {
    let length = whole(source)?;
    let tail = tail(source, length)?;
    let at = record(&tail)?;
    let place = length - (tail.len() - at) as u64;
    let record = &tail[at..];
    if u16_at(record, 4) != u16_at(record, 6) && u16_at(record, 4) != u16::MAX {
        return Err(Refusal::one(
            FindingCode::MultiVolume,
            "L'archive est en plusieurs volumes.",
        ));
    }
    let (told, stop) = match located(source, place)? {
        Some(at64) => (zip64(source, record, at64, place)?, at64),
        None => (zip32(record)?, place),
    };
    placed(source, &told, stop)
}

/// The archive's length without the zeros that fill up a record behind it.
fn whole<R: Read + Seek>(source: &mut Window<R>) -> Result<u64, Refusal> {
    let length = source.length();
    if !is_filled_up(length, 0) {
        return Ok(length);
    }
    let tail = tail(source, length)?;
    let zeros = tail.iter().rev().take_while(|byte| **byte == 0).count();
    // The end record itself may end with zeros, those of an empty comment among them.
    let Some(mark) = tail.windows(4).rposition(|bytes| bytes == END) else {
        return Ok(length);
    };
    let after = (tail.len() - mark).saturating_sub(END_BYTES);
    let commented = after > 0 && u16_at(&tail[mark..], 20) != 0;
    let zeros = zeros.min(after) as u64;
    match is_filled_up(length, zeros) && zeros == after as u64 && !commented {
        true => Ok(length - zeros),
        false => Ok(length),
    }
}

fn tail<R: Read + Seek>(source: &mut Window<R>, length: u64) -> Result<Vec<u8>, Refusal> {
    let bytes = length.min((END_BYTES + COMMENT_MOST) as u64);
    let mut tail = vec![0; bytes as usize];
    source.go(length - bytes);
    source.read_exact(&mut tail)?;
    Ok(tail)
}

/// The place of the end record in the tail: the last mark of one, whose comment ends with the archive.
fn record(tail: &[u8]) -> Result<usize, Refusal> {
    let mut marks = (0..tail.len().saturating_sub(3)).filter(|at| tail[*at..].starts_with(&END));
    let Some(last) = marks.next_back() else {
        return Err(Refusal::one(
            FindingCode::Truncated,
            "La fin de l'archive manque.",
        ));
    };
    if tail.len() - last < END_BYTES {
        return Err(Refusal::one(
            FindingCode::Truncated,
            "La fin de l'archive est coupée.",
        ));
    }
    let end = |at: usize| at + END_BYTES + usize::from(u16_at(tail, at + 20));
    match end(last).cmp(&tail.len()) {
        std::cmp::Ordering::Equal => {}
        std::cmp::Ordering::Greater => {
            return Err(Refusal::one(
                FindingCode::Truncated,
                "Le commentaire de l'archive est coupé.",
            ));
        }
        std::cmp::Ordering::Less => {
            return Err(Refusal::one(
                FindingCode::TrailingBytes,
                "Des octets suivent la fin de l'archive.",
            ));
        }
    }
    let whole = |at: &usize| tail.len() - at >= END_BYTES && end(*at) == tail.len();
    match marks.any(|at| whole(&at)) {
        true => Err(malformed("L'archive a deux fins possibles.")),
        false => Ok(last),
    }
}

/// Where the zip64 end record is, if the mark of one stands before the end record at `place`.
fn located<R: Read + Seek>(source: &mut Window<R>, place: u64) -> Result<Option<u64>, Refusal> {
    let Some(at) = place.checked_sub(LOCATOR_BYTES as u64) else {
        return Ok(None);
    };
    let mut locator = [0; LOCATOR_BYTES];
    source.go(at);
    source.read_exact(&mut locator)?;
    if !locator.starts_with(&LOCATOR) {
        return Ok(None);
    }
    if u32_at(&locator, 4) != 0 || u32_at(&locator, 16) > 1 {
        return Err(Refusal::one(
            FindingCode::MultiVolume,
            "L'archive est en plusieurs volumes.",
        ));
    }
    Ok(Some(u64_at(&locator, 8)))
}

fn zip64<R: Read + Seek>(
    source: &mut Window<R>,
    record: &[u8],
    at: u64,
    place: u64,
) -> Result<Told, Refusal> {
    let stands = at.checked_add((END64_BYTES + LOCATOR_BYTES) as u64) == Some(place);
    let mut end64 = [0; END64_BYTES];
    source.go(at);
    let read = stands && source.read_whole(&mut end64)?;
    if !read || !end64.starts_with(&END64) || u64_at(&end64, 4) != END64_BYTES as u64 - 12 {
        return Err(malformed("La fin zip64 de l'archive n'est pas à sa place."));
    }
    if u64_at(&end64, 24) != u64_at(&end64, 32)
        || u32_at(&end64, 16) != 0
        || u32_at(&end64, 20) != 0
    {
        return Err(Refusal::one(
            FindingCode::MultiVolume,
            "L'archive est en plusieurs volumes.",
        ));
    }
    let told = Told {
        entries: u64_at(&end64, 32),
        bytes: u64_at(&end64, 40),
        start: u64_at(&end64, 48),
    };
    let short = |at| u64::from(u16_at(record, at));
    let long = |at| u64::from(u32_at(record, at));
    let agrees = |one: u64, most: u64, other: u64| one == most || one == other;
    let all = agrees(short(8), u16::MAX.into(), told.entries)
        && agrees(short(10), u16::MAX.into(), told.entries)
        && agrees(long(12), u32::MAX.into(), told.bytes)
        && agrees(long(16), u32::MAX.into(), told.start);
    match all {
        true => Ok(told),
        false => Err(malformed("Les deux fins de l'archive se contredisent.")),
    }
}

fn zip32(record: &[u8]) -> Result<Told, Refusal> {
    if u16_at(record, 4) != 0 || u16_at(record, 8) != u16_at(record, 10) {
        return Err(Refusal::one(
            FindingCode::MultiVolume,
            "L'archive est en plusieurs volumes.",
        ));
    }
    Ok(Told {
        entries: u16_at(record, 10).into(),
        bytes: u32_at(record, 12).into(),
        start: u32_at(record, 16).into(),
    })
}

fn placed<R: Read + Seek>(source: &mut Window<R>, told: &Told, stop: u64) -> Result<End, Refusal> {
    let said = told.start.checked_add(told.bytes);
    if said == Some(stop) {
        return Ok(End {
            entries: told.entries,
            start: told.start,
            stop,
        });
    }
    // A directory that lies further down than it says, by whole: something was put before the archive.
    let moved = stop.checked_sub(told.bytes).filter(|at| *at > told.start);
    if let Some(at) = moved {
        let mut mark = [0; 4];
        source.go(at);
        if told.bytes == 0 || (source.read_whole(&mut mark)? && mark == MARK) {
            return Err(Refusal::one(
                FindingCode::PrefixBytes,
                "Des octets précèdent l'archive.",
            ));
        }
    }
    Err(malformed(
        "Le répertoire de l'archive n'est pas là où sa fin le dit.",
    ))
}
