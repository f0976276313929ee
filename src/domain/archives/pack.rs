//! A folder made an archive: its files found, hashed, declared in a manifest, written in one pass.
//!
//! # The way through
//! [`plan`] reads the given metadata and the folder and completes the manifest: what the metadata leave out is found
//! (`complete`). [`Plan::write`] writes manifest and files in the order of the manifest; what changes meanwhile is an error.
//! The same folder and metadata make the same archive, byte for byte.
//!
//! What the metadata may leave out:
//! - `pieces` of the one dossier: then each file of the folder is a piece;
//! - `pieces` of a dossier among `dossiers`: then each file of the sub-folder named like the dossier is;
//! - a piece's `uid`: then it is told from the file's name and content, so that the same file has the same uid again;
//! - a file's `mediaType`, `size` and `hash`.

mod complete;
mod files;

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::manifest::{self, Manifest};
use crate::{
    codec::{Format, Refusal, Writer, stream::Effort},
    kernel::{
        digest::Hasher,
        fault::{Code, Fault, Result},
    },
};

pub use files::media_type;

/// An archive that is about to be written.
#[derive(Debug)]
pub struct Plan {
    /// The manifest as it will be read.
    pub manifest: Manifest,
    /// Its text.
    pub text: Vec<u8>,
    /// What goes in, in the order of the manifest.
    pub files: Vec<Planned>,
}

/// A file that goes in.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its name in the archive.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size when it was hashed.
    pub size: u64,
    sha256: [u8; 32],
}

/// Who watches.
pub trait Progress {
    /// Work begins, over so many bytes: hashing, then writing.
    fn begin(&self, what: Step, bytes: u64);
    /// So many bytes more.
    fn advance(&self, bytes: u64);
}

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Files are read and hashed.
    Hash,
    /// The archive is written.
    Write,
}

/// Completes `metadata` with what `folder` holds; files of `skip` are left out. Blocks. Fails with `usage`, every fault of
/// the manifest together.
pub fn plan(
    folder: &Path,
    skip: &[PathBuf],
    metadata: Map<String, Value>,
    progress: &dyn Progress,
) -> Result<Plan> {
    let (object, files) = complete::manifest(folder, skip, metadata, progress)?;
    let mut text = serde_json::to_vec_pretty(&Value::Object(object)).map_err(Fault::internal)?;
    text.push(b'\n');
    let manifest = Manifest::parse(&text[..]).map_err(|refusal| match refusal {
        Refusal::Unsafe(findings) => {
            let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
            Fault::new(
                Code::Usage,
                format!("the metadata are not complete:\n  {}", told.join("\n  ")),
            )
        }
        Refusal::Unreadable(error) => Fault::internal(error),
    })?;
    Ok(Plan {
        manifest,
        text,
        files,
    })
}

impl Plan {
    /// Writes the archive to `sink`. A `gz` takes one file, and its manifest does not go in: it belongs beside it. Blocks.
    /// Fails with `usage` where a file has changed since, or is not one alone; with `unavailable` where the disk refuses.
    pub fn write(&self, format: Format, sink: impl Write, progress: &dyn Progress) -> Result<()> {
        if format == Format::Gz && self.files.len() != 1 {
            let detail = format!(
                "a gz holds one file, not {}: use zip or tar.gz",
                self.files.len()
            );
            return Err(Fault::new(Code::Usage, detail));
        }
        progress.begin(Step::Write, self.files.iter().map(|file| file.size).sum());
        let mut writer = Writer::new(format, BufWriter::with_capacity(1 << 18, sink));
        if format != Format::Gz {
            let size = self.text.len() as u64;
            writer
                .add(manifest::JSON, size, Effort::Well, &self.text[..])
                .map_err(refused)?;
        }
        for file in &self.files {
            file.write(&mut writer, progress)?;
        }
        writer
            .finish()
            .and_then(|mut sink| sink.flush())
            .map_err(refused)
    }
}

impl Planned {
    fn write(&self, writer: &mut Writer<impl Write>, progress: &dyn Progress) -> Result<()> {
        let failed = |error: io::Error| files::unreadable(&self.path, &error);
        let mut watched = Watched {
            inner: File::open(&self.path).map_err(failed)?,
            hasher: Hasher::new(false),
            progress,
        };
        writer
            .add(
                &self.name,
                self.size,
                files::effort(&self.name),
                &mut watched,
            )
            .map_err(failed)?;
        match watched.hasher.finish().sha256 == self.sha256 {
            true => Ok(()),
            false => Err(files::unreadable(
                &self.path,
                &io::Error::other("it changed meanwhile"),
            )),
        }
    }
}

/// A file that is hashed again while it is written.
struct Watched<'p, R> {
    inner: R,
    hasher: Hasher,
    progress: &'p dyn Progress,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(into)?;
        self.hasher.update(&into[..bytes]);
        self.progress.advance(bytes as u64);
        Ok(bytes)
    }
}

fn refused(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Fault::new(Code::StorageFull, "no room left for the archive").because(error)
        }
        _ => Fault::unavailable(error),
    }
}
