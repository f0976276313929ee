//! A zip of whatever its headers say.

use flate2::{Compression, Crc, write::DeflateEncoder};
use std::io::Write;

/// One entry, with every word that its two headers say of it.
#[derive(Clone)]
pub struct Entry {
    /// Its name, in its own header and in the directory.
    pub local_name: Vec<u8>,
    pub name: Vec<u8>,
    pub flags: u16,
    pub local_method: u16,
    pub method: u16,
    pub crc: u32,
    /// The size that both tell.
    pub size: u32,
    /// The stored size that the directory tells.
    pub packed: u32,
    /// The stored bytes.
    pub stored: Vec<u8>,
    /// Bytes between header and content, and in the directory's record.
    pub local_extra: Vec<u8>,
    pub extra: Vec<u8>,
    pub attributes: u32,
    /// Bytes put after the content, such as a data descriptor.
    pub after: Vec<u8>,
    /// Where the directory says that it is, where not there.
    pub at: Option<u32>,
    /// Whether it stands in the directory.
    pub listed: bool,
    /// Whether its own bytes stand in the archive.
    pub written: bool,
}

impl Entry {
    /// A sound stored entry.
    pub fn stored(name: &str, text: &[u8]) -> Self {
        Self {
            local_name: name.into(),
            name: name.into(),
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            local_method: 0,
            method: 0,
            crc: crc(text),
            size: text.len() as u32,
            packed: text.len() as u32,
            stored: text.to_vec(),
            local_extra: Vec::new(),
            extra: Vec::new(),
            attributes: 0o100_644 << 16,
            after: Vec::new(),
            at: None,
            listed: true,
            written: true,
        }
    }

    /// A sound deflated entry.
    pub fn deflated(name: &str, text: &[u8]) -> Self {
        let stored = deflate(text);
        Self {
            local_method: 8,
            method: 8,
            packed: stored.len() as u32,
            stored,
            ..Self::stored(name, text)
        }
    }

    /// The same with another word.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The same under another name.
    pub fn named(self, name: &[u8]) -> Self {
        self.with(|entry| {
            entry.local_name = name.to_vec();
            entry.name = name.to_vec();
        })
    }

    /// The same with the mode of Unix.
    pub fn mode(self, mode: u32) -> Self {
        self.with(|entry| entry.attributes = mode << 16)
    }

    /// The same with a data descriptor of that form behind it.
    pub fn described(self, mark: bool, long: bool) -> Self {
        self.with(|entry| {
            entry.flags |= 1 << 3;
            let mut bytes = if mark {
                b"PK\x07\x08".to_vec()
            } else {
                Vec::new()
            };
            bytes.extend(entry.crc.to_le_bytes());
            for size in [entry.packed, entry.size] {
                match long {
                    true => bytes.extend(u64::from(size).to_le_bytes()),
                    false => bytes.extend(size.to_le_bytes()),
                }
            }
            entry.after = bytes;
        })
    }
}

/// The checksum of a text.
pub fn crc(text: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(text);
    crc.sum()
}

/// A raw deflate stream.
pub fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// The archive of these entries.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut places) = (Vec::new(), Vec::new());
    for entry in entries {
        places.push(bytes.len() as u32);
        if entry.written {
            bytes.extend(local(entry));
            bytes.extend(&entry.stored);
            bytes.extend(&entry.after);
        }
    }
    let start = bytes.len();
    let listed: Vec<_> = entries
        .iter()
        .zip(places)
        .filter(|(entry, _)| entry.listed)
        .collect();
    for (entry, place) in &listed {
        bytes.extend(central(entry, entry.at.unwrap_or(*place)));
    }
    let directory = bytes.len() - start;
    bytes.extend(end(
        listed.len() as u16,
        directory as u32,
        start as u32,
        b"",
    ));
    bytes
}

/// An end record.
pub fn end(entries: u16, directory: u32, start: u32, comment: &[u8]) -> Vec<u8> {
    let mut bytes = b"PK\x05\x06\0\0\0\0".to_vec();
    bytes.extend([entries.to_le_bytes(), entries.to_le_bytes()].concat());
    bytes.extend([directory.to_le_bytes(), start.to_le_bytes()].concat());
    bytes.extend((comment.len() as u16).to_le_bytes());
    bytes.extend(comment);
    bytes
}

/// An entry's own header.
pub fn local(entry: &Entry) -> Vec<u8> {
    let open = entry.flags & 1 << 3 != 0;
    let told = |value: u32| if open { 0 } else { value };
    let mut bytes = b"PK\x03\x04\x14\0".to_vec();
    bytes.extend([entry.flags.to_le_bytes(), entry.local_method.to_le_bytes()].concat());
    bytes.extend([0, 0, 0x21, 0]);
    for value in [told(entry.crc), told(entry.packed), told(entry.size)] {
        bytes.extend(value.to_le_bytes());
    }
    for length in [entry.local_name.len(), entry.local_extra.len()] {
        bytes.extend((length as u16).to_le_bytes());
    }
    [bytes, entry.local_name.clone(), entry.local_extra.clone()].concat()
}

/// An entry's record in the directory.
pub fn central(entry: &Entry, place: u32) -> Vec<u8> {
    let mut bytes = b"PK\x01\x02\x14\x03\x14\0".to_vec();
    bytes.extend([entry.flags.to_le_bytes(), entry.method.to_le_bytes()].concat());
    bytes.extend([0, 0, 0x21, 0]);
    for value in [entry.crc, entry.packed, entry.size] {
        bytes.extend(value.to_le_bytes());
    }
    for length in [entry.name.len(), entry.extra.len(), 0, 0, 0] {
        bytes.extend((length as u16).to_le_bytes());
    }
    bytes.extend([entry.attributes.to_le_bytes(), place.to_le_bytes()].concat());
    [bytes, entry.name.clone(), entry.extra.clone()].concat()
}
