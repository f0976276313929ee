//! Writing an archive into anything that takes bytes, from contents that are read: the entries of [`stream`](super::stream), or
//! one file as `gz`.

use std::io::{self, Read, Write};

use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;

use super::{
    format::Format,
    stream::{self, Effort, Form},
};
use crate::kernel::fault::Result as Made;

/// An archive being written. Two archives of the same files are the same bytes: every date is the same, nobody owns them.
pub struct Writer<W: Write> {
    body: Body,
    sink: W,
}

enum Body {
    Several(stream::Writer),
    One(GzEncoder<Vec<u8>>),
}

/// The first instant that a zip can tell: 1980-01-01T00:00:00Z.
const DATE: Timestamp = Timestamp::constant(315_532_800, 0);
/// Copied at once.
const CHUNK: usize = 256 << 10;

impl<W: Write> Writer<W> {
    /// Begins an archive of `format` in `sink`.
    pub fn new(format: Format, sink: W) -> Self {
        let several = |form| Body::Several(stream::Writer::new(form, DATE));
        let body = match format {
            Format::Zip => several(Form::Zip),
            Format::Tar => several(Form::Tar),
            Format::TarGz => several(Form::TarGz),
            Format::Gz => Body::One(GzEncoder::new(Vec::new(), Compression::default())),
        };
        Self { body, sink }
    }

    /// Adds a file of exactly `size` bytes under a safe name (see [`super::is_safe_name`]); `effort` is how well it is
    /// compressed, as far as the format does so file by file. A `gz` takes one file, and keeps no name. Fails with
    /// `InvalidData` where the content is not of that size.
    pub fn add(
        &mut self,
        name: &str,
        size: u64,
        effort: Effort,
        content: impl Read,
    ) -> io::Result<()> {
        let mut content = Exact {
            content,
            left: size,
        };
        self.several(|writer| writer.begin(name, size, effort))?;
        let mut buffer = vec![0; CHUNK];
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                bytes => self.put(&buffer[..bytes])?,
            }
        }
        content.end()?;
        self.several(stream::Writer::end)
    }

    /// Ends the archive and gives the sink back.
    pub fn finish(mut self) -> io::Result<W> {
        let rest = match self.body {
            Body::Several(writer) => writer.finish().map_err(io::Error::other)?,
            Body::One(gzip) => gzip.finish()?,
        };
        self.sink.write_all(&rest)?;
        Ok(self.sink)
    }

    /// Does what only an archive of several files knows.
    fn several(&mut self, act: impl FnOnce(&mut stream::Writer) -> Made<()>) -> io::Result<()> {
        match &mut self.body {
            Body::Several(writer) => act(writer).map_err(io::Error::other),
            Body::One(_) => Ok(()),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let made = match &mut self.body {
            Body::Several(writer) => {
                let written = writer.write(bytes).and_then(|()| writer.take());
                written.map_err(io::Error::other)?
            }
            Body::One(gzip) => {
                gzip.write_all(bytes)?;
                std::mem::take(gzip.get_mut())
            }
        };
        self.sink.write_all(&made)
    }
}

/// A content that is neither shorter nor longer than it was said to be.
struct Exact<R> {
    content: R,
    left: u64,
}

impl<R: Read> Exact<R> {
    fn end(&mut self) -> io::Result<()> {
        let more = self.content.read(&mut [0])?;
        match (self.left, more) {
            (0, 0) => Ok(()),
            _ => Err(changed()),
        }
    }
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let room = into
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if room == 0 {
            return Ok(0);
        }
        let bytes = self.content.read(&mut into[..room])?;
        self.left -= bytes as u64;
        match bytes {
            0 => Err(changed()),
            _ => Ok(bytes),
        }
    }
}

fn changed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the content is not of the size that was told",
    )
}
