//! Reading a blob: only the frames that are needed, and no byte of a frame before all of it was checked.

use std::{
    fs::File,
    io::{self, ErrorKind},
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use futures_util::stream::{self, Stream, TryStreamExt};

use super::{
    blocking,
    disk::refused,
    frame::{self, Cipher, GROUP, HEADER, SLOT, TEXT, corrupt},
};
use crate::kernel::{
    digest::{Digests, Hasher},
    fault::{Code, Fault, Result},
};

/// An open blob. Cheap to clone; it stays readable even if the blob is removed meanwhile.
#[derive(Clone)]
pub struct BlobReader(Arc<Blob>);

pub(super) struct Blob {
    file: File,
    cipher: Cipher,
    size: u64,
}

impl BlobReader {
    pub(super) fn open(path: &Path, cipher: Cipher, size: u64) -> Result<Self> {
        let file = File::open(path).map_err(unreadable)?;
        let blob = Blob { file, cipher, size };
        blob.check_length()?;
        blob.check_header()?;
        Ok(Self(Arc::new(blob)))
    }

    /// The blob's size, in bytes of text.
    pub fn size(&self) -> u64 {
        self.0.size
    }

    pub(super) fn shared(&self) -> Arc<Blob> {
        Arc::clone(&self.0)
    }

    /// The bytes of `range`, in pieces of 256 KiB at most; ends early with `corrupt` at the first frame that does not
    /// open, or `unavailable`. Fails with `range-not-satisfiable` where the blob does not have that range.
    pub fn stream(
        &self,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        if range.start > range.end || range.end > self.0.size {
            let detail = "Le contenu n'a pas cet intervalle d'octets.";
            return Err(Fault::new(Code::RangeNotSatisfiable, detail));
        }
        Ok(self.unfold(range))
    }

    /// All bytes, as [`BlobReader::stream`] gives them.
    pub fn whole(&self) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
        self.unfold(0..self.0.size)
    }

    /// The first `bytes` bytes, or all where there are fewer. Fails with `corrupt` or `unavailable`.
    pub async fn prefix(&self, bytes: usize) -> Result<Vec<u8>> {
        let range = 0..self.0.size.min(bytes as u64);
        let pieces: Vec<Bytes> = self.unfold(range).try_collect().await?;
        Ok(pieces.concat())
    }

    fn unfold(&self, range: Range<u64>) -> impl Stream<Item = Result<Bytes>> + Send + use<> {
        let blob = Arc::clone(&self.0);
        stream::try_unfold(range, move |range| step(Arc::clone(&blob), range))
    }

    /// The whole blob at once. Fails with `too-large` if it is longer than `limit` bytes, with `corrupt` or `unavailable`.
    pub async fn read_all(&self, limit: u64) -> Result<Vec<u8>> {
        if self.0.size > limit {
            let detail = "Le contenu dépasse la taille qui peut être lue d'un bloc.";
            return Err(Fault::new(Code::TooLarge, detail));
        }
        let blob = Arc::clone(&self.0);
        blocking(move || {
            let mut all = Vec::with_capacity(blob.size as usize);
            blob.each_group(|text| all.extend_from_slice(text))?;
            Ok(all)
        })
        .await
    }

    /// Reads and checks every frame, and hashes the text. Fails with `corrupt` or `unavailable`.
    pub async fn verify(&self, with_sha512: bool) -> Result<Digests> {
        let blob = Arc::clone(&self.0);
        blocking(move || {
            let mut hasher = Hasher::new(with_sha512);
            blob.each_group(|text| hasher.update(text))?;
            Ok(hasher.finish())
        })
        .await
    }
}

/// One piece of a stream, and what remains of its range.
async fn step(blob: Arc<Blob>, range: Range<u64>) -> Result<Option<(Bytes, Range<u64>)>> {
    if range.is_empty() {
        return Ok(None);
    }
    let frames = blob.next_group(&range);
    let start = frames.start * TEXT as u64;
    let end = range.end.min(frames.end * TEXT as u64);
    let text = blocking(move || blob.read(frames)).await?;
    let wanted = (range.start - start) as usize..(end - start) as usize;
    Ok(Some((Bytes::from(text).slice(wanted), end..range.end)))
}

impl Blob {
    fn check_length(&self) -> Result<()> {
        let length = self.file.metadata().map_err(unreadable)?.len();
        let expected = frame::file_length(self.size);
        if length == expected {
            return Ok(());
        }
        Err(corrupt(format!(
            "the file has {length} bytes instead of {expected}"
        )))
    }

    fn check_header(&self) -> Result<()> {
        let mut header = [0; HEADER];
        self.file
            .read_exact_at(&mut header, 0)
            .map_err(unreadable)?;
        if header == *self.cipher.header() {
            return Ok(());
        }
        Err(corrupt("the header is not this blob's"))
    }

    /// The frames that hold the beginning of `range`: a group at most.
    fn next_group(&self, range: &Range<u64>) -> Range<u64> {
        let first = range.start / TEXT as u64;
        first..frame::count(range.end).min(first + GROUP as u64)
    }

    fn each_group(&self, mut visit: impl FnMut(&[u8])) -> Result<()> {
        let (mut sealed, mut text) = (Vec::new(), Vec::new());
        for first in (0..frame::count(self.size)).step_by(GROUP) {
            self.read_into(self.group_at(first), &mut sealed, &mut text)?;
            visit(&text);
        }
        Ok(())
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The frames of the group that begins with `first`.
    pub(super) fn group_at(&self, first: u64) -> Range<u64> {
        first..frame::count(self.size).min(first + GROUP as u64)
    }

    /// The text of a few frames, each of them checked, into buffers that are used again. Blocks; after a failure `text`
    /// must not be used.
    pub(super) fn read_into(
        &self,
        frames: Range<u64>,
        sealed: &mut Vec<u8>,
        text: &mut Vec<u8>,
    ) -> Result<()> {
        self.fill(&frames, sealed)?;
        let end = self.size.min(frames.end * TEXT as u64);
        text.resize((end - frames.start * TEXT as u64) as usize, 0);
        let mut rest = &mut text[..];
        for (index, slot) in frames.zip(sealed.chunks(SLOT)) {
            let (part, after) = rest.split_at_mut(rest.len().min(TEXT));
            self.open(index, slot, part)?;
            rest = after;
        }
        Ok(())
    }

    /// The same into a buffer of its own.
    fn read(&self, frames: Range<u64>) -> Result<Vec<u8>> {
        let (mut sealed, mut text) = (Vec::new(), Vec::new());
        self.read_into(frames, &mut sealed, &mut text)?;
        Ok(text)
    }

    fn open(&self, index: u64, slot: &[u8], text: &mut [u8]) -> Result<()> {
        let last = index + 1 == frame::count(self.size);
        self.cipher.open(index, last, slot, text)
    }

    fn fill(&self, frames: &Range<u64>, sealed: &mut Vec<u8>) -> Result<()> {
        let place = |index| HEADER as u64 + index * SLOT as u64;
        let end = frame::file_length(self.size).min(place(frames.end));
        sealed.resize((end - place(frames.start)) as usize, 0);
        self.file
            .read_exact_at(sealed, place(frames.start))
            .map_err(unreadable)
    }
}

/// A file that is missing or ends too soon is damage; anything else may pass.
fn unreadable(error: io::Error) -> Fault {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::UnexpectedEof => corrupt(format!("the blob: {error}")),
        _ => refused("read a blob")(error),
    }
}
