//! A tar of whatever its headers say.

/// A header block; everything in it can be changed before it is sealed.
#[derive(Clone)]
pub struct Header(pub [u8; 512]);

impl Header {
    /// A header of POSIX.
    pub fn new(name: &[u8], kind: u8, size: u64) -> Self {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name);
        block[156] = kind;
        block[257..265].copy_from_slice(b"ustar\x0000");
        let mut header = Self(block);
        header.set(100, "0000644\0");
        header.set(108, "0000000\0");
        header.set(116, "0000000\0");
        header.set(124, &format!("{size:011o}\0"));
        header.set(136, "00000000000\0");
        header
    }

    /// Writes `text` at a place.
    pub fn set(&mut self, at: usize, text: &str) {
        self.0[at..at + text.len()].copy_from_slice(text.as_bytes());
    }

    /// The same with another word.
    pub fn with(mut self, at: usize, text: &str) -> Self {
        self.set(at, text);
        self
    }

    /// The block, its checksum right.
    pub fn sealed(&self) -> [u8; 512] {
        let mut block = self.0;
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }
}

/// A header with what follows it, filled up to whole blocks.
pub fn entry(header: &Header, content: &[u8]) -> Vec<u8> {
    let mut bytes = header.sealed().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// A plain file.
pub fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(
        &Header::new(name.as_bytes(), b'0', content.len() as u64),
        content,
    )
}

/// A pax header of these records.
pub fn pax(kind: u8, records: &[(&str, &str)]) -> Vec<u8> {
    let records: Vec<u8> = records
        .iter()
        .flat_map(|(key, value)| record(key, value))
        .collect();
    entry(
        &Header::new(b"PaxHeaders/x", kind, records.len() as u64),
        &records,
    )
}

fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    // The length counts its own digits.
    let length = (1..=8)
        .map(|digits| rest.len() + digits)
        .find(|length| length.to_string().len() + rest.len() == *length);
    format!("{}{rest}", length.expect("some length fits")).into_bytes()
}

/// These parts with the end mark behind them.
pub fn tar(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = parts.concat();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}
