//! A zip, walked so that every byte of it belongs to exactly one thing.
//!
//! `end` finds the end record and with it the directory; `central` reads the directory's records; `local` then goes
//! through the files in the order in which they lie and demands that they cover the archive from its first byte to the
//! directory, each behind a header that says the same. So there is no prefix, no gap, no overlap, no file that one reader
//! sees and another does not. Sizes and checksums are held at reading ([`super::Entry::open`]).

mod central;
mod end;
mod extra;
mod local;

use std::io::{Read, Seek};

use super::{
    directory::{Directory, Gathering},
    entry::Entry,
    finding::{Finding, FindingCode, Refusal},
    window::Window,
};

/// Flag: a data descriptor follows the content.
const DESCRIPTOR: u16 = 1 << 3;
/// Flag: name and comment are UTF-8.
const UTF8: u16 = 1 << 11;
/// Flags of encryption: of the content, strong, of the directory.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// A file or folder of the directory, before its own header was read.
struct Record {
    /// Where its own header is.
    header: u64,
    flags: u16,
    method: u16,
    crc32: u32,
    packed: u64,
    size: u64,
    /// The file, its place still without offset; none for a folder, and for what was found wrong already.
    file: Option<Entry>,
    /// The name's bytes, where there is no file to hold them.
    name: Box<[u8]>,
}

impl Record {
    fn raw_name(&self) -> &[u8] {
        match &self.file {
            Some(file) => file.raw_name(),
            None => &self.name,
        }
    }

    fn fault(&self, code: FindingCode, detail: &str) -> Finding {
        match &self.file {
            Some(file) => Finding::at(code, &file.name, detail),
            None => Finding::at(code, &String::from_utf8_lossy(&self.name), detail),
        }
    }
}

/// Walks a whole zip.
pub(super) fn walk<R: Read + Seek>(
    source: &mut Window<R>,
    mut found: Gathering<'_>,
) -> Result<Directory, Refusal> {
    let end = end::find(source)?;
    if end.entries > found.limits.entries {
        return Err(found.too_many().into());
    }
    let mut records = central::read(source, &end, &mut found)?;
    // Files mostly lie as the directory lists them; where they do not, readers in a row are still the cheapest.
    records.sort_by_key(|record| record.header);
    local::check(source, &end, &mut records, &mut found)?;
    for file in records.into_iter().filter_map(|record| record.file) {
        found.file(file)?;
    }
    found.finish(source.length())
}

fn malformed(detail: &str) -> Refusal {
    Refusal::one(FindingCode::Malformed, detail)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
