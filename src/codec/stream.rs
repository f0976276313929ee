//! Writes an archive as a stream of bytes: entry after entry, in constant memory but for the list of entries that a zip ends
//! with (about a hundred bytes each). Nothing is sought back to, so that the bytes may go straight to an encrypted blob.
//!
//! **The way through.** [`Writer::begin`] an entry with its name and size, [`Writer::write`] its bytes, [`Writer::end`] it;
//! [`Writer::take`] what was made meanwhile, as often as wanted; [`Writer::finish`] gives the rest.
//!
//! | file | what it writes |
//! |---|---|
//! | `zip` | deflated entries with their data descriptors, zip64 where sizes or counts ask for it, names in UTF-8 |
//! | `tar` | ustar, with pax records for names and sizes that it does not hold |
//!
//! To add a form: a variant of [`Form`], and a file here.

mod tar;
#[cfg(test)]
mod tests;
mod zip;

use std::io::Write;

use flate2::{Compression, GzBuilder, write::GzEncoder};
use jiff::Timestamp;

use crate::kernel::fault::{Fault, Result};

/// What an archive is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `.zip`
    Zip,
    /// `.tar`
    Tar,
    /// `.tar.gz`
    TarGz,
}

/// How well an entry is compressed, where each is by itself: in a zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Fast: for what hardly shrinks.
    Fast,
    /// Well.
    Well,
}

/// An archive that is being written.
pub struct Writer {
    body: Body,
    open: Option<Open>,
}

/// The entry that is open.
struct Open {
    size: u64,
    written: u64,
}

enum Body {
    Zip(zip::Zip),
    Tar(tar::Tar),
    TarGz(tar::Tar, GzEncoder<Vec<u8>>),
}

impl Writer {
    /// An archive whose entries bear the date `at`.
    pub fn new(form: Form, at: Timestamp) -> Self {
        let body = match form {
            Form::Zip => Body::Zip(zip::Zip::new(at)),
            Form::Tar => Body::Tar(tar::Tar::new(at)),
            Form::TarGz => Body::TarGz(tar::Tar::new(at), squeezed(at)),
        };
        Self { body, open: None }
    }

    /// Begins an entry of `size` bytes. Fails with `internal` while another is open, or where the name cannot be written.
    pub fn begin(&mut self, name: &str, size: u64, effort: Effort) -> Result<()> {
        if self.open.is_some() || name.is_empty() || name.len() > usize::from(u16::MAX) {
            return Err(Fault::internal(
                "an entry of an archive begins out of turn, or without a name",
            ));
        }
        self.open = Some(Open { size, written: 0 });
        match &mut self.body {
            Body::Zip(zip) => zip.begin(name, size, effort),
            Body::Tar(tar) | Body::TarGz(tar, _) => tar.begin(name, size),
        }
    }

    /// Adds bytes to the open entry. Fails with `internal` beyond its size.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let open = self.open.as_mut();
        let open = open.ok_or_else(|| Fault::internal("no entry of the archive is open"))?;
        open.written += bytes.len() as u64;
        if open.written > open.size {
            return Err(Fault::internal(
                "an entry of an archive is longer than was said",
            ));
        }
        match &mut self.body {
            Body::Zip(zip) => zip.write(bytes),
            Body::Tar(tar) | Body::TarGz(tar, _) => {
                tar.write(bytes);
                Ok(())
            }
        }
    }

    /// Ends the open entry. Fails with `internal` where it is shorter than was said.
    pub fn end(&mut self) -> Result<()> {
        let open = self.open.take();
        if open.is_none_or(|open| open.written != open.size) {
            return Err(Fault::internal(
                "an entry of an archive is shorter than was said",
            ));
        }
        match &mut self.body {
            Body::Zip(zip) => zip.end(),
            Body::Tar(tar) | Body::TarGz(tar, _) => {
                tar.end();
                Ok(())
            }
        }
    }

    /// What was made since the last time.
    pub fn take(&mut self) -> Result<Vec<u8>> {
        match &mut self.body {
            Body::Zip(zip) => Ok(zip.take()),
            Body::Tar(tar) => Ok(tar.take()),
            Body::TarGz(tar, gz) => {
                gz.write_all(&tar.take()).map_err(Fault::internal)?;
                Ok(std::mem::take(gz.get_mut()))
            }
        }
    }

    /// Ends the archive: what was made since the last time, and its end.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        if self.open.is_some() {
            return Err(Fault::internal("an entry of the archive is still open"));
        }
        let mut rest = self.take()?;
        let end = match self.body {
            Body::Zip(zip) => zip.finish(),
            Body::Tar(tar) => tar.finish(),
            Body::TarGz(tar, mut gz) => {
                gz.write_all(&tar.finish()).map_err(Fault::internal)?;
                gz.finish().map_err(Fault::internal)?
            }
        };
        rest.extend(end);
        Ok(rest)
    }
}

fn squeezed(at: Timestamp) -> GzEncoder<Vec<u8>> {
    let seconds = u32::try_from(at.as_second()).unwrap_or(0);
    GzBuilder::new()
        .mtime(seconds)
        .write(Vec::new(), Compression::default())
}
