//! Reads a document wherever its bytes lie: in a blob of its own, or in that of the archive that it came in.
//!
//! What lies in another's blob is checked frame by frame like all else. A deflated file is inflated as it is read, so a
//! range of it costs what lies before it.

use std::{
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use bytes::Bytes;
use flate2::bufread::DeflateDecoder;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::{
    kernel::{
        digest::{Digests, Hasher},
        fault::{Code, Fault, Result},
    },
    storage::exchanges::{Container, Method},
    vault::{BlobReader, Seekable, fault_of},
};

/// How many bytes a step of a stream gives.
const STEP: usize = 256 * 1024;

/// The bytes of a document, as they come.
pub type Bytestream = BoxStream<'static, Result<Bytes>>;

/// An open document. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    blob: BlobReader,
    size: u64,
    place: Option<Container>,
}

impl Reader {
    /// A document that is a blob.
    pub(super) fn of_blob(blob: BlobReader) -> Self {
        Self {
            size: blob.size(),
            blob,
            place: None,
        }
    }

    /// A document of `size` bytes in the blob of another. Fails with `corrupt` where the blob does not reach that far.
    pub fn within(blob: BlobReader, place: Container, size: u64) -> Result<Self> {
        let end = place.offset.checked_add(place.length);
        let sound = place.method == Method::Deflate || place.length == size;
        if !sound || end.is_none_or(|end| end > blob.size()) {
            return Err(corrupt("its place is outside of its container"));
        }
        Ok(Self {
            blob,
            size,
            place: Some(place),
        })
    }

    /// The document's size, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes of `range`, in pieces of 256 KiB at most; ends early with `corrupt` or `unavailable`. Fails with
    /// `range-not-satisfiable` where the document does not have that range.
    pub fn stream(&self, range: Range<u64>) -> Result<Bytestream> {
        if range.start > range.end || range.end > self.size {
            let detail = "Le contenu n'a pas cet intervalle d'octets.";
            return Err(Fault::new(Code::RangeNotSatisfiable, detail));
        }
        Ok(match self.place {
            None => self.blob.stream(range)?.boxed(),
            Some(place) if place.method == Method::Stored => {
                let (start, end) = (place.offset + range.start, place.offset + range.end);
                self.blob.stream(start..end)?.boxed()
            }
            Some(place) => inflated(self.inflating(place)?, range).boxed(),
        })
    }

    /// All bytes, as [`Reader::stream`] gives them.
    pub fn whole(&self) -> Bytestream {
        self.stream(0..self.size)
            .unwrap_or_else(|fault| stream::once(async { Err(fault) }).boxed())
    }

    /// The first `bytes` bytes, or all where there are fewer. Fails with `corrupt` or `unavailable`.
    pub async fn prefix(&self, bytes: usize) -> Result<Vec<u8>> {
        let pieces: Vec<Bytes> = self
            .stream(0..self.size.min(bytes as u64))?
            .try_collect()
            .await?;
        Ok(pieces.concat())
    }

    /// All bytes at once. Fails with `too-large` if they are more than `limit`, with `corrupt` or `unavailable`.
    pub async fn read_all(&self, limit: u64) -> Result<Vec<u8>> {
        if self.size > limit {
            let detail = "Le contenu dépasse la taille qui peut être lue d'un bloc.";
            return Err(Fault::new(Code::TooLarge, detail));
        }
        let pieces: Vec<Bytes> = self.whole().try_collect().await?;
        Ok(pieces.concat())
    }

    /// Reads all of it, and hashes it. Fails with `corrupt` or `unavailable`.
    pub async fn verify(&self, with_sha512: bool) -> Result<Digests> {
        if self.place.is_none() {
            return self.blob.verify(with_sha512).await;
        }
        let (mut hasher, mut bytes) = (Hasher::new(with_sha512), self.whole());
        while let Some(piece) = bytes.try_next().await? {
            hasher.update(&piece);
        }
        Ok(hasher.finish())
    }

    /// All bytes, for a thread that may block.
    pub fn blocking(&self) -> Result<Box<dyn Read + Send>> {
        let mut file = self.blob.seekable();
        let Some(place) = self.place else {
            return Ok(Box::new(file));
        };
        if place.method == Method::Deflate {
            return Ok(Box::new(self.inflating(place)?.take(self.size)));
        }
        file.seek(SeekFrom::Start(place.offset)).map_err(fault_of)?;
        Ok(Box::new(file.take(place.length)))
    }

    fn inflating(&self, place: Container) -> Result<Inflating> {
        let mut file = self.blob.seekable();
        file.seek(SeekFrom::Start(place.offset)).map_err(fault_of)?;
        Ok(DeflateDecoder::new(file.take(place.length)))
    }
}

type Inflating = DeflateDecoder<std::io::Take<Seekable>>;

/// The bytes of `range` of what is inflated from its beginning.
fn inflated(
    decoder: Inflating,
    range: Range<u64>,
) -> impl futures_util::Stream<Item = Result<Bytes>> + Send {
    let state = (
        Some(Box::new(decoder)),
        range.start,
        range.end - range.start,
    );
    stream::try_unfold(state, |(decoder, skip, left)| async move {
        let Some(mut decoder) = decoder.filter(|_| left > 0) else {
            return Ok(None);
        };
        let stepped = tokio::task::spawn_blocking(move || {
            let bytes = step(&mut decoder, skip, left)?;
            Ok::<_, Fault>((decoder, bytes))
        });
        let (decoder, bytes) = stepped.await.map_err(Fault::internal)??;
        let left = left - bytes.len() as u64;
        Ok(Some((bytes, (Some(decoder), 0, left))))
    })
}

/// The next bytes behind `skip`, at least one of `left`.
fn step(decoder: &mut Inflating, skip: u64, left: u64) -> Result<Bytes> {
    let behind = &mut std::io::sink();
    let skipped = std::io::copy(&mut decoder.by_ref().take(skip), behind).map_err(fault_of)?;
    let wanted = left.min(STEP as u64);
    let mut bytes = Vec::with_capacity(wanted as usize);
    decoder
        .take(wanted)
        .read_to_end(&mut bytes)
        .map_err(fault_of)?;
    match skipped == skip && !bytes.is_empty() {
        true => Ok(bytes.into()),
        false => Err(corrupt("it ends before its size")),
    }
}

fn corrupt(cause: &str) -> Fault {
    Fault::new(
        Code::Corrupt,
        "Le contenu enregistré est altéré ou manquant.",
    )
    .because(cause)
}
