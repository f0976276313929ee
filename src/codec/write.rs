//! Writing an archive into anything that takes bytes, in one pass and without seeking.

use std::io::{self, Read, Write};

use flate2::{Compression, write::GzEncoder};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions, write::StreamWriter};

use super::format::Format;

/// An archive being written. Two archives of the same files are the same bytes: no date, no owner.
pub struct Writer<W: Write>(Kind<W>);

enum Kind<W: Write> {
    Zip(Box<ZipWriter<StreamWriter<W>>>),
    Tar(Box<tar::Builder<W>>),
    TarGz(Box<tar::Builder<GzEncoder<W>>>),
    Gz(Box<GzEncoder<W>>),
}

/// Copied at once.
const CHUNK: usize = 256 << 10;
/// Over this many bytes, a zip entry is written with long sizes.
const LONG: u64 = 0xFFFF_0000;

impl<W: Write> Writer<W> {
    /// Begins an archive of `format` in `sink`.
    pub fn new(format: Format, sink: W) -> Self {
        Self(match format {
            Format::Zip => Kind::Zip(Box::new(ZipWriter::new_stream(sink))),
            Format::Tar => Kind::Tar(Box::new(tar::Builder::new(sink))),
            Format::TarGz => Kind::TarGz(Box::new(tar::Builder::new(gzip(sink)))),
            Format::Gz => Kind::Gz(Box::new(gzip(sink))),
        })
    }

    /// Adds a file of exactly `size` bytes under a safe name (see [`super::is_safe_name`]); `press` has it compressed, as
    /// far as the format does so file by file. A `gz` takes one file, and keeps no name.
    pub fn add(
        &mut self,
        name: &str,
        size: u64,
        press: bool,
        content: impl Read,
    ) -> io::Result<()> {
        let mut content = Exact {
            content,
            left: size,
        };
        match &mut self.0 {
            Kind::Zip(zip) => {
                zip.start_file(name, options(size, press))
                    .map_err(io::Error::other)?;
                copy(&mut content, zip)?;
            }
            Kind::Tar(tar) => append(tar, name, size, &mut content)?,
            Kind::TarGz(tar) => append(tar, name, size, &mut content)?,
            Kind::Gz(gzip) => copy(&mut content, gzip)?,
        }
        content.end()
    }

    /// Ends the archive and gives the sink back.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Kind::Zip(zip) => Ok(zip.finish().map_err(io::Error::other)?.into_inner()),
            Kind::Tar(tar) => tar.into_inner(),
            Kind::TarGz(tar) => tar.into_inner()?.finish(),
            Kind::Gz(gzip) => gzip.finish(),
        }
    }
}

fn gzip<W: Write>(sink: W) -> GzEncoder<W> {
    GzEncoder::new(sink, Compression::default())
}

/// Always deflate, since its end tells itself: readers of streams do not take a stored file of unknown size.
fn options(size: u64, press: bool) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(if press { 6 } else { 0 }))
        .large_file(size > LONG)
        .unix_permissions(0o644)
}

fn append(
    tar: &mut tar::Builder<impl Write>,
    name: &str,
    size: u64,
    content: &mut impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, content)
}

fn copy(content: &mut impl Read, sink: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(()),
            bytes => sink.write_all(&buffer[..bytes])?,
        }
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
