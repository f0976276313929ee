//! From the depot into an encrypted blob of its own, hashed on its way; and, where it is compressed as a whole, into a
//! second one that can be read by seeking.

use std::io::{Cursor, Read};

use jiff::Timestamp;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{taking::Taking, tape::Tape, watch::Ready};
use crate::{
    codec::{Finding, Format, Limits, Refusal, unpack},
    config::depots::{Complete, MANIFESTS},
    kernel::{
        digest::{Sha256, hex, sha256},
        failpoint,
        fault::{Code, Fault, Result},
    },
    storage::{archives, exchanges::DocumentRow},
    transport::{self, Line, download_over, line::is_cut, path},
    vault::{BlobReader, BlobWriter, Stored, fault_of},
};

/// An archive that is here, whole and durable.
pub struct Spooled {
    /// Its row, not yet written.
    pub document: DocumentRow,
    /// When its last byte was read.
    pub received_at: Timestamp,
    /// Its blob; nothing of one that is over the limit.
    pub reader: Option<BlobReader>,
    /// What it is, where its content tells.
    pub format: Option<Format>,
    /// The manifest that came beside it, as for a gz.
    pub beside: Option<Vec<u8>>,
    /// What its transport calls its transfer.
    pub about: Vec<(String, String)>,
}

impl Spooled {
    /// Its SHA-256.
    pub fn sha256(&self) -> Sha256 {
        self.document.sha256
    }

    /// Of a gz: the SHA-256 of the manifest beside it, in hexadecimal.
    pub fn manifest_sha256(&self) -> Option<String> {
        let beside = self.beside.as_deref();
        beside.map(|text| hex(&sha256(text)))
    }
}

/// Why a file is not here.
pub enum Why {
    /// A fault of the depot's, or ours.
    Failed(Fault),
    /// It is a gz, and its manifest is not there yet, or still grows.
    NoManifest,
}

/// Fetches what is still to come of the archive, which the last look has `seen`. Fails as the transport does, with what came where
/// its line was cut, or where it is a gz that is given time for its manifest; and with `storage-full` or `unavailable`: nothing is
/// left then.
pub async fn fetch(
    taking: &Taking,
    seen: &Ready,
    tape: Tape,
    wrapped: &[u8],
) -> std::result::Result<Spooled, (Why, Option<Box<Tape>>)> {
    let failed = |fault| (Why::Failed(fault), None);
    let (tape, about) = match came(taking, tape).await.map_err(failed)? {
        (tape, Ok(about)) => (tape, about),
        (tape, Err(fault)) => {
            let rest = is_cut(&fault).then(|| Box::new(tape));
            return Err((Why::Failed(fault), rest));
        }
    };
    // The whole beginning is at hand only once the tape is finished: this tells nearly all.
    let manifest = match tape.format() {
        Some(Format::Gz) => beside(taking, seen).await.map_err(failed)?,
        _ => None,
    };
    if seen.is_patient && tape.format() == Some(Format::Gz) && manifest.is_none() {
        return Err((Why::NoManifest, Some(Box::new(tape))));
    }
    let mut spooled = spooled(taking, tape, wrapped.to_owned(), about)
        .await
        .map_err(failed)?;
    spooled.beside = match (spooled.format, manifest) {
        (Some(Format::Gz), None) => beside(taking, seen).await.map_err(failed)?,
        (_, manifest) => manifest,
    };
    Ok(spooled)
}

/// Names and values.
type About = Vec<(String, String)>;

/// Reads on from where the tape stands; what its transport calls the transfer, or what ended it. No more is ever read than was
/// listed.
async fn came(taking: &Taking, tape: Tape) -> Result<(Tape, Result<About>)> {
    let (path, listed) = (taking.path()?, taking.listed.clone());
    let (runtime, from) = (Handle::current(), tape.size());
    let work = move |line: &mut Line| {
        let mut tape = tape;
        let read = download_over(line, &path, &listed, from, &mut |bytes| match tape.size()
            + bytes.len() as u64
            > listed.size
        {
            true => Err(grown()),
            false => runtime.block_on(tape.write(bytes)),
        });
        let about = read.and_then(|_| line.with(|session| session.about(&path)));
        Ok((tape, about))
    };
    taking.desk.lines.with(&taking.desk.depot.name, work).await
}

/// Makes what came whole durable, and looks at what it is.
async fn spooled(taking: &Taking, tape: Tape, wrapped: Vec<u8>, about: About) -> Result<Spooled> {
    let received_at = taking.ctx().clock.now();
    let (stored, is_kept) = tape.finish().await?;
    failpoint::hit("archive.after-spool");
    let reader = match is_kept {
        true => {
            let key = taking.keys.unwrap(&wrapped)?;
            let vault = &taking.ctx().vault;
            Some(vault.reader(stored.id, &key, stored.size).await?)
        }
        false => None,
    };
    let format = match &reader {
        Some(reader) => detect(reader).await?,
        None => None,
    };
    Ok(Spooled {
        document: taking.document("archive", &stored, wrapped),
        received_at,
        reader,
        format,
        beside: None,
        about,
    })
}

async fn detect(reader: &BlobReader) -> Result<Option<Format>> {
    let prefix = reader.prefix(Format::PREFIX_BYTES).await?;
    Ok(Format::detect(&prefix))
}

/// The manifest beside a gz, which holds one file and no manifest. While there is time, what is complete once it is stable has to
/// be what the last look has seen at rest.
async fn beside(taking: &Taking, seen: &Ready) -> Result<Option<Vec<u8>>> {
    let (folder, name) = (taking.flow.path.clone(), taking.listed.name.clone());
    let most = Limits::default().manifest;
    let by_rest = taking.incoming.complete == Complete::Stable && seen.is_patient;
    let at_rest = by_rest.then(|| seen.beside.clone());
    let read = taking
        .desk
        .lines
        .with(&taking.desk.depot.name, move |line| {
            line.with(|session| {
                for ending in MANIFESTS {
                    let path = path::join(&folder, &format!("{name}{ending}"))?;
                    if let Some(at_rest) = &at_rest
                        && !session
                            .stat(&path)?
                            .is_some_and(|now| at_rest.contains(&now))
                    {
                        continue;
                    }
                    if let Some(text) = small(session, &path, most)? {
                        return Ok(Some(text));
                    }
                }
                Ok(None)
            })
        });
    read.await
}

/// A file of the depot, where it is there and not larger than `most` bytes.
pub fn small(
    session: &mut dyn transport::Session,
    path: &str,
    most: u64,
) -> Result<Option<Vec<u8>>> {
    match session.stat(path)? {
        Some(file) if file.size <= most => {}
        _ => return Ok(None),
    }
    let mut text = Vec::new();
    session.read(path, 0, &mut |bytes| {
        if (text.len() + bytes.len()) as u64 > most {
            return Err(grown());
        }
        text.extend_from_slice(bytes);
        Ok(())
    })?;
    Ok(Some(text))
}

/// More came than was listed.
fn grown() -> Fault {
    let detail = "Le fichier a grandi pendant sa lecture.";
    Fault::new(Code::DepotFileChanged, detail)
}

/// An archive unpacked into a blob of its own, or what is wrong with its compression.
pub enum Unpacking {
    /// It can be read by seeking as it is.
    NotNeeded,
    /// Its text.
    Done(Box<DocumentRow>, BlobReader),
    /// It is not safe.
    Refused(Vec<Finding>),
}

/// Unpacks what is compressed as a whole, from its blob.
pub async fn unpacked(
    taking: &Taking,
    spooled: &Spooled,
    packed: &BlobReader,
) -> Result<Unpacking> {
    if !spooled.format.is_some_and(Format::is_packed) {
        return Ok(Unpacking::NotNeeded);
    }
    let (key, wrapped) = taking.keys.fresh(&taking.ctx().entropy)?;
    let writer = taking.ctx().vault.create(&key, false)?;
    note(taking, writer.id()).await?;
    let (source, runtime, limits) = (packed.seekable(), Handle::current(), taking.limits());
    let written = tokio::task::spawn_blocking(move || inflated(source, writer, &limits, &runtime));
    let stored = match written.await.map_err(Fault::internal)?? {
        Ok(stored) => stored,
        Err(findings) => return Ok(Unpacking::Refused(findings)),
    };
    let reader = taking
        .ctx()
        .vault
        .reader(stored.id, &key, stored.size)
        .await?;
    let row = taking.document("unpacked", &stored, wrapped);
    Ok(Unpacking::Done(Box::new(row), reader))
}

async fn note(taking: &Taking, blob: Uuid) -> Result<()> {
    let (exchange, token) = (taking.exchange_id, taking.desk.token);
    let noted = taking
        .ctx()
        .store
        .write(move |tx| archives::unpacking(tx, exchange, blob, token));
    match noted.await? {
        true => Ok(()),
        false => Err(Fault::unavailable("the archive is being taken by another")),
    }
}

/// The text of a gzip in a blob; what is wrong with it otherwise.
fn inflated(
    source: impl Read,
    mut writer: BlobWriter,
    limits: &Limits,
    runtime: &Handle,
) -> Result<Result<Stored, Vec<Finding>>> {
    let sink = |bytes: &[u8]| {
        let written = runtime.block_on(writer.write(bytes));
        written.map_err(std::io::Error::other)
    };
    match unpack(source, sink, limits).map_err(Refusal::findings) {
        Ok(_) => runtime.block_on(writer.finish()).map(Ok),
        Err(Ok(findings)) => Ok(Err(findings)),
        Err(Err(error)) => Err(fault_of(error)),
    }
}

/// Bytes of our own that are put on a depot.
pub fn ours(bytes: Vec<u8>) -> (Cursor<Vec<u8>>, u64) {
    let size = bytes.len() as u64;
    (Cursor::new(bytes), size)
}
