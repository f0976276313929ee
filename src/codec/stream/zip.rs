//! A zip, written without ever going back: each entry is deflated and followed by its data descriptor (APPNOTE 4.4.4, bit 3).

use std::io::Write;

use flate2::{Compression, Crc, write::DeflateEncoder};
use jiff::{Timestamp, tz::TimeZone};

use super::Effort;
use crate::kernel::fault::{Fault, Result};

const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR: u32 = 0x0706_4b50;
/// Sizes follow the entry; its name is UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
const DEFLATED: u16 = 8;
/// Version 4.5 of the specification, which has zip64; made on Unix, where a mode stands in the upper half of the attributes.
const VERSION: u16 = 45;
const MADE_BY: u16 = 3 << 8 | VERSION;
const MODE: u32 = 0o100_644 << 16;
/// From this size on an entry is written with sizes of 64 bits: what deflate adds to bytes that do not shrink still fits below.
const LARGE: u64 = 0xf000_0000;

pub(super) struct Zip {
    out: Vec<u8>,
    /// How many bytes were written, `out` included.
    length: u64,
    date: (u16, u16),
    entries: u64,
    central: Vec<u8>,
    open: Option<Entry>,
}

struct Entry {
    name: String,
    offset: u64,
    large: bool,
    crc: Crc,
    deflater: DeflateEncoder<Vec<u8>>,
}

impl Zip {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            out: Vec::new(),
            length: 0,
            date: dos(at),
            entries: 0,
            central: Vec::new(),
            open: None,
        }
    }

    pub(super) fn begin(&mut self, name: &str, size: u64, effort: Effort) -> Result<()> {
        let (offset, large) = (self.length, size >= LARGE);
        let mut header = Fields::default();
        header.u32(LOCAL).u16(VERSION).u16(FLAGS).u16(DEFLATED);
        header.u16(self.date.0).u16(self.date.1).u32(0);
        // Unknown yet: zero, or all bits where the true ones have 64.
        let unknown = if large { u32::MAX } else { 0 };
        header.u32(unknown).u32(unknown).u16(name.len() as u16);
        header.u16(if large { 20 } else { 0 });
        header.bytes(name.as_bytes());
        if large {
            header.u16(1).u16(16).u64(0).u64(0);
        }
        self.put(&header.0);
        self.open = Some(Entry {
            name: name.to_owned(),
            offset,
            large,
            crc: Crc::new(),
            deflater: DeflateEncoder::new(Vec::new(), level(effort)),
        });
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let entry = self.open.as_mut().ok_or_else(none_open)?;
        entry.crc.update(bytes);
        entry.deflater.write_all(bytes).map_err(Fault::internal)?;
        let made = std::mem::take(entry.deflater.get_mut());
        self.put(&made);
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<()> {
        let mut entry = self.open.take().ok_or_else(none_open)?;
        entry.deflater.try_finish().map_err(Fault::internal)?;
        let made = std::mem::take(entry.deflater.get_mut());
        self.put(&made);
        let (size, packed) = (entry.deflater.total_in(), entry.deflater.total_out());
        let crc = crc_of(&entry.crc, size);
        let mut descriptor = Fields::default();
        descriptor.u32(DESCRIPTOR).u32(crc);
        match entry.large {
            true => descriptor.u64(packed).u64(size),
            false => descriptor.u32(packed as u32).u32(size as u32),
        };
        self.put(&descriptor.0);
        self.list(&entry, crc, packed, size);
        Ok(())
    }

    /// The entry's line in the directory.
    fn list(&mut self, entry: &Entry, crc: u32, packed: u64, size: u64) {
        let mut extra = Fields::default();
        let short = |value: u64, extra: &mut Fields| match u32::try_from(value) {
            Ok(short) if short != u32::MAX && !entry.large => short,
            _ => {
                extra.u64(value);
                u32::MAX
            }
        };
        let (size, packed) = (short(size, &mut extra), short(packed, &mut extra));
        let offset = short(entry.offset, &mut extra);
        let extra = extra.0;
        let mut line = Fields(std::mem::take(&mut self.central));
        line.u32(CENTRAL)
            .u16(MADE_BY)
            .u16(VERSION)
            .u16(FLAGS)
            .u16(DEFLATED);
        line.u16(self.date.0)
            .u16(self.date.1)
            .u32(crc)
            .u32(packed)
            .u32(size);
        line.u16(entry.name.len() as u16);
        line.u16(if extra.is_empty() {
            0
        } else {
            extra.len() as u16 + 4
        });
        line.u16(0).u16(0).u16(0).u32(MODE).u32(offset);
        line.bytes(entry.name.as_bytes());
        if !extra.is_empty() {
            line.u16(1).u16(extra.len() as u16).bytes(&extra);
        }
        self.central = line.0;
        self.entries += 1;
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// The directory and its end.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let (offset, central) = (self.length, std::mem::take(&mut self.central));
        let size = central.len() as u64;
        self.put(&central);
        let mut end = Fields::default();
        let limit = u64::from(u32::MAX);
        if self.entries >= u64::from(u16::MAX) || size >= limit || offset >= limit {
            let at = self.length;
            end.u32(END64)
                .u64(44)
                .u16(MADE_BY)
                .u16(VERSION)
                .u32(0)
                .u32(0);
            end.u64(self.entries)
                .u64(self.entries)
                .u64(size)
                .u64(offset);
            end.u32(LOCATOR).u32(0).u64(at).u32(1);
        }
        let entries = u16::try_from(self.entries).unwrap_or(u16::MAX);
        end.u32(END).u16(0).u16(0).u16(entries).u16(entries);
        end.u32(size.min(limit) as u32)
            .u32(offset.min(limit) as u32)
            .u16(0);
        self.put(&end.0);
        self.out
    }

    fn put(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.out.extend_from_slice(bytes);
    }
}

fn level(effort: Effort) -> Compression {
    match effort {
        Effort::Fast => Compression::fast(),
        Effort::Well => Compression::default(),
    }
}

fn none_open() -> Fault {
    Fault::internal("no entry of the zip is open")
}

/// The checksum of nothing is zero.
fn crc_of(crc: &Crc, size: u64) -> u32 {
    if size == 0 { 0 } else { crc.sum() }
}

/// Time and date as MS-DOS writes them, in UTC: seconds in steps of two, years from 1980 on.
fn dos(at: Timestamp) -> (u16, u16) {
    let at = at.to_zoned(TimeZone::UTC);
    let part = |value: i8| u16::from(value.unsigned_abs());
    let year = u16::try_from(at.year() - 1980).unwrap_or(0).min(127);
    let time = part(at.hour()) << 11 | part(at.minute()) << 5 | (part(at.second()) / 2);
    (time, year << 9 | part(at.month()) << 5 | part(at.day()))
}

/// Little-endian fields, one after the other.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
}
