//! A reader that seeks for nothing within what it has read, and reads little after a jump and much in a row.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes after a jump.
const LEAST: usize = 4 << 10;
/// Bytes once it is clear that everything is wanted.
const MOST: usize = 256 << 10;

/// A buffered reader over a source of known length. Seeking moves a number; the source is asked at the next read.
pub struct Window<R> {
    inner: R,
    length: u64,
    /// Where the buffer begins in the source, and where the source itself stands behind it.
    start: u64,
    buffer: Vec<u8>,
    position: u64,
    next: usize,
}

impl<R: Read + Seek> Window<R> {
    /// A window at the beginning of `inner`.
    pub fn new(mut inner: R) -> io::Result<Self> {
        let length = inner.seek(SeekFrom::End(0))?;
        // Wherever the source stands, the first read jumps.
        Ok(Self {
            inner,
            length,
            start: u64::MAX,
            buffer: Vec::new(),
            position: 0,
            next: LEAST,
        })
    }

    /// The source's length, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where the next byte comes from.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Moves to `position`, counted from the beginning.
    pub fn go(&mut self, position: u64) {
        self.position = position;
    }

    /// The bytes at hand from the position on; empty at the end of the source.
    pub fn fill(&mut self) -> io::Result<&[u8]> {
        if self.at_hand().is_none() {
            self.refill()?;
        }
        let from = self.at_hand().unwrap_or(self.buffer.len());
        Ok(&self.buffer[from..])
    }

    /// Moves on by `bytes`, which [`Window::fill`] gave.
    pub fn consume(&mut self, bytes: usize) {
        self.position += bytes as u64;
    }

    /// Reads `into` whole; `false` where fewer bytes are left.
    pub fn read_whole(&mut self, into: &mut [u8]) -> io::Result<bool> {
        if self.length.saturating_sub(self.position) < into.len() as u64 {
            return Ok(false);
        }
        self.read_exact(into)?;
        Ok(true)
    }

    /// The position's place in the buffer, where there is a byte.
    fn at_hand(&self) -> Option<usize> {
        let from = usize::try_from(self.position.checked_sub(self.start)?).ok()?;
        (from < self.buffer.len()).then_some(from)
    }

    fn refill(&mut self) -> io::Result<()> {
        let end = self.start.checked_add(self.buffer.len() as u64);
        if end == Some(self.position) {
            self.next = (self.next * 2).min(MOST);
        } else {
            self.next = LEAST;
            self.inner.seek(SeekFrom::Start(self.position))?;
        }
        // Until the read has succeeded, nothing is at hand.
        self.start = u64::MAX;
        let left = self.length.saturating_sub(self.position);
        let wanted = left.min(self.next as u64);
        self.buffer.clear();
        self.inner
            .by_ref()
            .take(wanted)
            .read_to_end(&mut self.buffer)?;
        if (self.buffer.len() as u64) < wanted {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.start = self.position;
        Ok(())
    }
}

impl<R: Read + Seek> Read for Window<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let at_hand = self.fill()?;
        let bytes = at_hand.len().min(into.len());
        into[..bytes].copy_from_slice(&at_hand[..bytes]);
        self.consume(bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn bytes_come_from_where_one_went_however_one_jumps() {
        let text: Vec<u8> = (0..700_000_u32).map(|at| (at / 7) as u8).collect();
        let mut window = Window::new(Cursor::new(text.clone())).unwrap();
        for (at, size) in [
            (0, 10),
            (500_000, 150_000),
            (499_990, 20),
            (3, 600_000),
            (699_999, 1),
        ] {
            window.go(at as u64);
            let mut bytes = vec![0; size];
            assert!(window.read_whole(&mut bytes).unwrap());
            assert!(bytes == text[at..at + size], "at {at}");
        }
        assert!(!window.read_whole(&mut [0]).unwrap());
        assert_eq!(window.fill().unwrap(), [0_u8; 0]);
    }
}
