//! Files of an archive hashed many at once: one thread's lanes, each with a file, all fed and advanced together.
//!
//! A lane takes runs of files that lie one after the other, so that each lane reads in a row. Where the processor hashes one
//! stream fastest, there is one lane.

use std::{
    io::{self, Read, Seek},
    mem,
    ops::Range,
};

use crate::{
    codec::{Directory, Finding, Progress as Reading, Window},
    domain::processing::sniff::PREFIX_BYTES,
    kernel::digest::{
        Digests, Sha512,
        blocks::{BLOCK, Block, Lanes, Stream},
    },
};

/// Text of a file that is hashed at once.
const TEXT: usize = 64 << 10;

/// A file to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    /// Its place among the entries.
    pub entry: usize,
    /// Whether SHA-512 is wanted too.
    pub with_sha512: bool,
}

/// What reading a file gave.
pub(super) enum Outcome {
    /// All of it, with its first bytes.
    Whole { digests: Digests, prefix: Vec<u8> },
    /// Not what the archive says.
    False(Finding),
}

/// Who has more work, and who is told.
pub(super) trait Office {
    /// The next run of tasks.
    fn next(&self) -> Option<Range<usize>>;
    /// How many lanes one thread may fill, so that the others have some too.
    fn lanes(&self) -> usize;
    /// So many bytes were read; `false` ends the work.
    fn advance(&self, bytes: u64) -> bool;
    /// A file's outcome.
    fn tell(&mut self, task: usize, outcome: Outcome);
}

/// Works until the office has nothing more. Fails where a source does not answer.
pub(super) fn work<R: Read + Seek>(
    directory: &Directory,
    tasks: &[Task],
    open: impl Fn() -> io::Result<R>,
    office: &mut impl Office,
) -> io::Result<()> {
    let hashing = Lanes::detect();
    let mut lanes: Vec<Lane<R>> = Vec::new();
    while lanes.len() < hashing.most().min(office.lanes()) {
        let Some(run) = office.next() else { break };
        lanes.push(Lane::new(Window::new(open()?)?, run));
    }
    loop {
        for lane in &mut lanes {
            lane.ready(directory, tasks, office)?;
        }
        lanes.retain(|lane| lane.file.is_some());
        if lanes.is_empty() {
            return Ok(());
        }
        advance(hashing, &mut lanes);
    }
}

/// Takes all lanes on by as many blocks as each has at hand.
fn advance<R>(hashing: Lanes, lanes: &mut [Lane<R>]) {
    let files = lanes.iter().filter_map(|lane| lane.file.as_ref());
    let blocks = files.map(|file| file.blocks().len()).min().unwrap_or(0);
    let files = lanes.iter_mut().filter_map(|lane| lane.file.as_mut());
    let mut together: Vec<(&mut Stream, &[Block])> = files.map(|file| file.next(blocks)).collect();
    hashing.add(&mut together);
}

/// One file after the other, from a window of its own.
struct Lane<R> {
    source: Window<R>,
    run: Range<usize>,
    file: Option<File>,
}

/// A file that is being hashed.
struct File {
    task: usize,
    reading: Reading,
    stream: Stream,
    sha512: Option<Sha512>,
    prefix: Vec<u8>,
    /// Text that was read, of which `done` bytes are hashed.
    text: Vec<u8>,
    done: usize,
}

impl<R: Read + Seek> Lane<R> {
    fn new(source: Window<R>, run: Range<usize>) -> Self {
        Self {
            source,
            run,
            file: None,
        }
    }

    /// Has a file with a whole block at hand, unless there is no more work. Files that end on the way are told.
    fn ready(
        &mut self,
        directory: &Directory,
        tasks: &[Task],
        office: &mut impl Office,
    ) -> io::Result<()> {
        loop {
            if self.file.is_none() {
                let Some(task) = self.run.next() else {
                    match office.next() {
                        Some(run) => self.run = run,
                        None => return Ok(()),
                    }
                    continue;
                };
                let entry = &directory.entries[tasks[task].entry];
                self.source.go(entry.place.offset);
                self.file = Some(File::new(
                    task,
                    tasks[task],
                    Reading::new(entry.place.method),
                ));
            }
            let Some(file) = &mut self.file else {
                return Ok(());
            };
            if !file.blocks().is_empty() {
                return Ok(());
            }
            let entry = &directory.entries[tasks[file.task].entry];
            let filled = file.fill(|reading, into| reading.read(entry, &mut self.source, into));
            let outcome = match filled {
                Ok(bytes) if !office.advance(bytes as u64) => {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                Ok(_) if !file.blocks().is_empty() => return Ok(()),
                Ok(_) => None,
                Err(error) => match Finding::of(&error) {
                    Some(finding) => Some(finding.clone()),
                    None => return Err(error),
                },
            };
            if let Some(file) = self.file.take() {
                let task = file.task;
                office.tell(task, outcome.map_or_else(|| file.finish(), Outcome::False));
            }
        }
    }
}

impl File {
    fn new(place: usize, task: Task, reading: Reading) -> Self {
        Self {
            task: place,
            reading,
            stream: Stream::default(),
            sha512: task.with_sha512.then(Sha512::default),
            prefix: Vec::new(),
            text: Vec::new(),
            done: 0,
        }
    }

    /// Whole blocks that are not hashed yet.
    fn blocks(&self) -> &[Block] {
        self.text[self.done..].as_chunks().0
    }

    /// The stream and its next `blocks` blocks, taken for hashed.
    fn next(&mut self, blocks: usize) -> (&mut Stream, &[Block]) {
        let from = self.done;
        self.done += blocks * BLOCK;
        (&mut self.stream, self.text[from..self.done].as_chunks().0)
    }

    /// Reads on, up to [`TEXT`] bytes at hand; how many came. None only at the file's proven end.
    fn fill(
        &mut self,
        mut read: impl FnMut(&mut Reading, &mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.text.drain(..mem::take(&mut self.done));
        let kept = self.text.len();
        self.text.resize(TEXT, 0);
        let mut end = kept;
        while end < TEXT {
            match read(&mut self.reading, &mut self.text[end..])? {
                0 => break,
                bytes => end += bytes,
            }
        }
        self.text.truncate(end);
        let new = &self.text[kept..];
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(new);
        }
        let wanted = new.len().min(PREFIX_BYTES - self.prefix.len());
        self.prefix.extend_from_slice(&new[..wanted]);
        Ok(end - kept)
    }

    fn finish(self) -> Outcome {
        let rest = &self.text[self.done..];
        Outcome::Whole {
            digests: Digests {
                sha256: self.stream.finish(rest),
                sha512: self.sha512.map(Sha512::finish),
            },
            prefix: self.prefix,
        }
    }
}
