//! An archive of the disk, opened as the gateway opens one that came.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    codec::{self, Finding, FindingCode, Format, Refusal, Source},
    domain::archives::{check::Rules, manifest},
    kernel::fault::{Code, Fault, Result},
};

/// An archive that is ready to be checked: packed ones are unpacked to a file that has no name any more.
pub(super) struct Opened {
    /// What it is, and what lies inside of a packed one.
    pub format: Format,
    /// Its text, for a check.
    pub text: Text,
    /// The archive's own size.
    pub size: u64,
}

/// A file that many read at once.
#[derive(Clone)]
pub(super) struct Text(Arc<File>);

/// A reader of its own place.
pub(super) struct Reader {
    file: Arc<File>,
    position: u64,
}

impl Source for Text {
    type Reader = Reader;

    fn reader(&self) -> io::Result<Reader> {
        Ok(Reader {
            file: Arc::clone(&self.0),
            position: 0,
        })
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.read_at(into, self.position)?;
        self.position += bytes as u64;
        Ok(bytes)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// Opens `path`; the findings of one that is no archive or none that is taken, or whose packing is not safe.
pub(super) fn open(path: &Path, rules: &Rules) -> Result<Result<Opened, Vec<Finding>>> {
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let failed = |error: io::Error| unreadable(path, &error);
    let size = file.metadata().map_err(failed)?.len();
    let Some(format) = format(&mut file).map_err(failed)? else {
        let detail = "Ni zip, ni tar, ni gzip d'après son contenu.";
        return Ok(Err(vec![Finding::new(FindingCode::FormatUnknown, detail)]));
    };
    if let Some(found) = rules.unwanted(format) {
        return Ok(Err(vec![found]));
    }
    let opened = |file| Opened {
        format,
        text: Text(Arc::new(file)),
        size,
    };
    if !format.is_packed() {
        return Ok(Ok(opened(file)));
    }
    let mut unpacked = nameless().map_err(failed)?;
    match codec::unpack(file, |text| unpacked.write_all(text), &rules.limits) {
        Ok(_) => Ok(Ok(opened(unpacked))),
        Err(Refusal::Unsafe(findings)) => Ok(Err(findings)),
        Err(Refusal::Unreadable(error)) => Err(failed(error)),
    }
}

/// What a file is, where its content tells; it is left at its beginning.
pub(super) fn format(file: &mut File) -> io::Result<Option<Format>> {
    let mut prefix = Vec::new();
    file.rewind()?;
    file.take(Format::PREFIX_BYTES as u64)
        .read_to_end(&mut prefix)?;
    file.rewind()?;
    Ok(Format::detect(&prefix))
}

/// A file in the temporary folder that goes with this process, whatever ends it.
fn nameless() -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let folder = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(
        &folder,
        flags,
        Mode::RUSR | Mode::WUSR,
    )?))
}

/// The manifest that lies beside the archive, where there is one.
pub(super) fn beside(path: &Path) -> Option<PathBuf> {
    Some(beside_as(path)?.0)
}

/// The same, with what its kind adds to the archive's name.
pub(super) fn beside_as(path: &Path) -> Option<(PathBuf, String)> {
    let name = path.file_name()?.to_str()?;
    let beside = |kind: &str| {
        let ending = format!(".{kind}");
        (path.with_file_name(format!("{name}{ending}")), ending)
    };
    [manifest::JSON, manifest::XML]
        .map(beside)
        .into_iter()
        .find(|(path, _)| path.is_file())
}

/// A file that does not read, as a fault of use.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Fault {
    Fault::new(Code::Usage, format!("{}: {error}", path.display()))
}
