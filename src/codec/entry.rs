//! One file of an archive: where it lies, and reading it while holding it to what the archive says of it.

use std::io::{self, Read, Seek};

use flate2::{Crc, Decompress, FlushDecompress, Status};
use serde::{Deserialize, Serialize};

use super::{
    finding::{Finding, FindingCode},
    window::Window,
};

/// How a file's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// As they are.
    Stored,
    /// One raw deflate stream.
    Deflate,
}

impl Method {
    /// Its name in the database: `stored`, `deflate`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Deflate => "deflate",
        }
    }

    /// Reads [`Method::as_str`].
    pub fn named(name: &str) -> Option<Self> {
        [Self::Stored, Self::Deflate]
            .into_iter()
            .find(|method| method.as_str() == name)
    }
}

/// Where a file's bytes lie in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first stored byte, from the beginning of the archive.
    pub offset: u64,
    /// How many bytes are stored.
    pub length: u64,
    /// How.
    pub method: Method,
}

/// One file of an archive. Folders are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name: a safe relative path.
    pub name: Box<str>,
    /// The name's bytes in the archive, where they are not those of `name`.
    pub raw: Option<Box<[u8]>>,
    /// The size that the archive tells; reading holds it to that.
    pub size: u64,
    /// Where it lies.
    pub place: Place,
    /// The checksum that the archive tells; reading holds it to that.
    pub crc32: Option<u32>,
}

impl Entry {
    /// The name's bytes as they stand in the archive.
    pub fn raw_name(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or(self.name.as_bytes())
    }

    /// Reads the file from `source`, an open reader of the archive. Reading fails with a [`Finding`] (see [`Finding::of`])
    /// at the first byte over the size, at an end before it, at a checksum that differs, at stored bytes that are left
    /// over. What was read before the end is not to be trusted before the end was reached.
    pub fn open<'a, R: Read + Seek>(&'a self, source: &'a mut Window<R>) -> EntryReader<'a, R> {
        source.go(self.place.offset);
        EntryReader {
            entry: self,
            source,
            progress: Progress::new(self.place.method),
        }
    }

    fn fault(&self, code: FindingCode, detail: &str) -> io::Error {
        Finding::at(code, &self.name, detail).into()
    }
}

/// A file being read.
pub struct EntryReader<'a, R> {
    entry: &'a Entry,
    source: &'a mut Window<R>,
    progress: Progress,
}

impl<R: Read + Seek> Read for EntryReader<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.progress.read(self.entry, self.source, into)
    }
}

/// How far the reading of a file is: for those who read many files in turns, each from a window of its own that stands
/// where the last turn left it.
pub(crate) struct Progress {
    inflater: Option<Inflater>,
    crc: Crc,
    /// Stored bytes read.
    taken: u64,
    made: u64,
    over: bool,
}

struct Inflater {
    state: Decompress,
    ended: bool,
}

impl Progress {
    pub(crate) fn new(method: Method) -> Self {
        let inflater = || Inflater {
            state: Decompress::new(false),
            ended: false,
        };
        Self {
            inflater: (method == Method::Deflate).then(inflater),
            crc: Crc::new(),
            taken: 0,
            made: 0,
            over: false,
        }
    }

    /// The next bytes of `entry`; 0 at its proven end, or where `into` has no room.
    pub(crate) fn read<R: Read + Seek>(
        &mut self,
        entry: &Entry,
        source: &mut Window<R>,
        into: &mut [u8],
    ) -> io::Result<usize> {
        if self.over || into.is_empty() {
            return Ok(0);
        }
        let bytes = match self.inflater {
            Some(_) => self.inflate(entry, source, into)?,
            None => self.copy(entry, source, into)?,
        };
        self.made += bytes as u64;
        if self.made > entry.size {
            return Err(entry.fault(
                FindingCode::FalseSize,
                "Le contenu est plus long que la taille annoncée.",
            ));
        }
        if entry.crc32.is_some() {
            self.crc.update(&into[..bytes]);
        }
        if bytes == 0 {
            self.end(entry)?;
        }
        Ok(bytes)
    }

    fn copy<R: Read + Seek>(
        &mut self,
        entry: &Entry,
        source: &mut Window<R>,
        into: &mut [u8],
    ) -> io::Result<usize> {
        let left = entry.place.length - self.taken;
        let room = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let bytes = source.read(&mut into[..room])?;
        if bytes == 0 && left > 0 {
            return Err(entry.fault(
                FindingCode::Truncated,
                "L'archive se termine avant la fin du fichier.",
            ));
        }
        self.taken += bytes as u64;
        Ok(bytes)
    }

    fn inflate<R: Read + Seek>(
        &mut self,
        entry: &Entry,
        source: &mut Window<R>,
        into: &mut [u8],
    ) -> io::Result<usize> {
        let damaged = || {
            entry.fault(
                FindingCode::DamagedContent,
                "Le contenu compressé est illisible.",
            )
        };
        let Some(inflater) = &mut self.inflater else {
            return Ok(0);
        };
        while !inflater.ended {
            let left = entry.place.length - self.taken;
            let at_hand = source.fill()?;
            let most = at_hand
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let (read, made) = (inflater.state.total_in(), inflater.state.total_out());
            let status = inflater
                .state
                .decompress(&at_hand[..most], into, FlushDecompress::None)
                .map_err(|_| damaged())?;
            let read = (inflater.state.total_in() - read) as usize;
            let made = (inflater.state.total_out() - made) as usize;
            source.consume(read);
            self.taken += read as u64;
            inflater.ended = status == Status::StreamEnd;
            if made > 0 {
                return Ok(made);
            }
            // Neither taken nor made: it wants bytes that it does not have.
            if read == 0 && !inflater.ended {
                return Err(damaged());
            }
        }
        Ok(0)
    }

    /// What must hold once there is nothing more.
    fn end(&mut self, entry: &Entry) -> io::Result<()> {
        self.over = true;
        if self.made < entry.size {
            return Err(entry.fault(
                FindingCode::FalseSize,
                "Le contenu est plus court que la taille annoncée.",
            ));
        }
        if self.taken < entry.place.length {
            return Err(entry.fault(
                FindingCode::FalseSize,
                "Des octets restent après la fin du contenu compressé.",
            ));
        }
        match entry.crc32 {
            Some(told) if told != self.crc.sum() => Err(entry.fault(
                FindingCode::FalseCrc,
                "La somme de contrôle (CRC) du contenu n'est pas celle de l'archive.",
            )),
            _ => Ok(()),
        }
    }
}
