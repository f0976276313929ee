//! A tar: ustar headers, with pax records for what they do not hold.

use jiff::Timestamp;
use tar::{EntryType, Header};

use crate::kernel::fault::{Fault, Result};

/// The unit of a tar.
const BLOCK: usize = 512;
/// The longest name of a ustar header, without its prefix.
const NAME: usize = 100;
/// The first size that a ustar header does not hold: eleven octal digits.
const LARGE: u64 = 1 << 33;

pub(super) struct Tar {
    out: Vec<u8>,
    at: u64,
    /// Bytes of the open entry beyond its last full block.
    beyond: usize,
}

impl Tar {
    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            out: Vec::new(),
            at: u64::try_from(at.as_second()).unwrap_or(0),
            beyond: 0,
        }
    }

    pub(super) fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        let mut records = Vec::new();
        let fits = name.len() <= NAME && name.is_ascii();
        if !fits {
            records.extend(record("path", name));
        }
        if size >= LARGE {
            records.extend(record("size", &size.to_string()));
        }
        if !records.is_empty() {
            self.header("navette/pax", records.len() as u64, EntryType::XHeader)?;
            self.write(&records);
            self.end();
        }
        let shown = if fits { name } else { "navette/entry" };
        let shown_size = if size < LARGE { size } else { 0 };
        self.header(shown, shown_size, EntryType::Regular)
    }

    fn header(&mut self, name: &str, size: u64, kind: EntryType) -> Result<()> {
        let mut header = Header::new_ustar();
        header.set_path(name).map_err(Fault::internal)?;
        header.set_size(size);
        header.set_mode(0o644);
        header.set_mtime(self.at);
        header.set_entry_type(kind);
        header.set_cksum();
        self.out.extend_from_slice(header.as_bytes());
        self.beyond = 0;
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.beyond = (self.beyond + bytes.len()) % BLOCK;
    }

    pub(super) fn end(&mut self) {
        let padding = (BLOCK - self.beyond) % BLOCK;
        self.out.resize(self.out.len() + padding, 0);
        self.beyond = 0;
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Two empty blocks.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.resize(self.out.len() + 2 * BLOCK, 0);
        self.out
    }
}

/// A pax record, which begins with its own length: `LENGTH KEY=VALUE\n`.
fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    // The digits of the length count too, and there may be one more of them for it.
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}").into_bytes()
}
