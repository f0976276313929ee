//! A blob as a file that can be read and sought: for those who walk through an archive on a thread that may block.
//!
//! A group of frames is opened at a time, all of it checked before a byte of it is used, and kept until another is needed:
//! whoever reads in the order of the file opens each frame once.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom},
    sync::Arc,
};

use super::{
    frame::{GROUP, TEXT},
    reader::{Blob, BlobReader},
};
use crate::kernel::fault::{Code, Fault};

/// Bytes of text in a group.
const SPAN: u64 = (GROUP * TEXT) as u64;

/// A place in a blob. A clone is another place in the same blob, with an empty memory.
pub struct Seekable {
    blob: Arc<Blob>,
    at: u64,
    /// The group that `text` is of.
    group: Option<u64>,
    sealed: Vec<u8>,
    text: Vec<u8>,
}

impl BlobReader {
    /// The blob as a file. Its reads block; one that meets damage fails with a [`Fault`] inside of the error ([`fault_of`]).
    pub fn seekable(&self) -> Seekable {
        Seekable::over(self.shared())
    }
}

impl Seekable {
    fn over(blob: Arc<Blob>) -> Self {
        Self {
            blob,
            at: 0,
            group: None,
            sealed: Vec::new(),
            text: Vec::new(),
        }
    }

    /// The blob's size, in bytes of text.
    pub fn size(&self) -> u64 {
        self.blob.size()
    }

    fn load(&mut self, group: u64) -> io::Result<()> {
        if self.group == Some(group) {
            return Ok(());
        }
        self.group = None;
        let frames = self.blob.group_at(group * GROUP as u64);
        self.blob
            .read_into(frames, &mut self.sealed, &mut self.text)
            .map_err(io::Error::other)?;
        self.group = Some(group);
        Ok(())
    }
}

impl Clone for Seekable {
    fn clone(&self) -> Self {
        let mut other = Self::over(Arc::clone(&self.blob));
        other.at = self.at;
        other
    }
}

impl BufRead for Seekable {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.blob.size() {
            return Ok(&[]);
        }
        self.load(self.at / SPAN)?;
        let within = usize::try_from(self.at % SPAN).unwrap_or(usize::MAX);
        Ok(self.text.get(within..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount as u64;
    }
}

impl Read for Seekable {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let taken = ready.len().min(into.len());
        into[..taken].copy_from_slice(&ready[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl Seek for Seekable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.blob.size().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// The fault inside of an error that reading a blob gave; another error is damage.
pub fn fault_of(error: io::Error) -> Fault {
    let text = error.to_string();
    match error
        .into_inner()
        .and_then(|inner| inner.downcast::<Fault>().ok())
    {
        Some(fault) => *fault,
        None => Fault::new(
            Code::Corrupt,
            "Le contenu enregistré est altéré ou manquant.",
        )
        .because(text),
    }
}
