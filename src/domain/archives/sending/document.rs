//! The return of an archive as JSON (`schemas/archive-return-v1.schema.json`): a head, then an entry for each accepted piece.
//! It is never whole in memory: head, entries and end are made one after the other.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{walk::Piece, worked::WorkedFile};
use crate::{
    domain::{
        archives::kept::Header,
        processing::{Control, Finding},
        returns::produced::{Carried, Document, plain},
    },
    kernel::{
        digest::hex,
        fault::{Fault, Result},
    },
    storage::exchanges::ExchangeRow,
};

/// What a return says before its pieces.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    r#type: &'static str,
    /// The return's stable id.
    pub return_id: Uuid,
    reconciliation_id: Uuid,
    environment: String,
    project: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pli_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digitised_on: Option<String>,
    source_application: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_reference: Option<String>,
    /// What the pieces come to together.
    pub outcome: &'static str,
    /// When it was made.
    pub created_at: Timestamp,
    received_at: Timestamp,
    archive: Received,
}

/// The archive as it was received.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    file_name: String,
    size: u64,
    sha256: String,
    pieces: u64,
    accepted: u64,
}

impl Head {
    /// The head of the return `id` of `exchange`, which has so many pieces, of which so many were accepted.
    pub fn new(
        (id, at): (Uuid, Timestamp),
        exchange: &ExchangeRow,
        header: &Header,
        outcome: &'static str,
        (pieces, accepted): (u64, u64),
    ) -> Self {
        let metadata = &header.metadata;
        Self {
            r#type: "navette.archive-return/1",
            return_id: id,
            reconciliation_id: exchange.id,
            environment: exchange.owner.environment.clone(),
            project: exchange.project.clone(),
            kind: exchange.kind.clone(),
            pli_id: header.pli_id.clone(),
            received_on: header.received_on.clone(),
            digitised_on: header.digitised_on.clone(),
            source_application: metadata.source_application.clone(),
            contract_reference: metadata.contract_reference.clone(),
            outcome,
            created_at: at,
            received_at: exchange.received_at,
            archive: Received {
                file_name: metadata.file_name.clone(),
                size: exchange.size,
                sha256: hex(&exchange.sha256),
                pieces,
                accepted,
            },
        }
    }

    /// The bytes of it alone: what is kept of a return whose pieces are in an archive.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Fault::internal)
    }

    /// The return's bytes up to its first piece.
    pub fn opening(&self) -> Result<Vec<u8>> {
        let mut bytes = self.to_bytes()?;
        bytes.pop();
        bytes.extend_from_slice(b",\"pieces\":[");
        Ok(bytes)
    }
}

/// The return's bytes after its last piece.
pub const END: &[u8] = b"]}";

/// A piece in its archive's return.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'p> {
    piece_id: Uuid,
    outcome: &'static str,
    typology: Option<&'p str>,
    metadata: Metadata<'p>,
    files: Vec<File<'p>>,
    controls: Vec<OfFile<&'p Control>>,
    results: Vec<OfFile<&'p Finding>>,
    documents: Vec<Document>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'p> {
    project: &'p str,
    source_application: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_reference: Option<&'p str>,
    dossier_id: &'p str,
    iteration: u32,
    dossier_business_data: &'p Map<String, Value>,
    piece_uid: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    piece_type: Option<&'p str>,
    business_data: &'p Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<&'p Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'p> {
    file_name: &'p str,
    media_type: &'p str,
    size: u64,
    sha256: String,
    outcome: &'static str,
}

/// What was found of the file at that place.
#[derive(Debug, Serialize)]
struct OfFile<T> {
    file: usize,
    #[serde(flatten)]
    found: T,
}

/// The entry of the return archive for the `number`th file (from 1) that was produced from the piece at `ordinal` (from 0).
pub fn entry_name(ordinal: u32, number: usize, file_name: &str) -> String {
    format!("pieces/{:06}/{number}-{}", ordinal + 1, plain(file_name))
}

impl<'p> Entry<'p> {
    /// The entry of a piece, with its produced files by name and how each is handed over, in their order.
    pub(super) fn new(
        header: &'p Header,
        piece: &'p Piece,
        produced: Vec<(String, Carried)>,
    ) -> Result<Self> {
        let (worked, metadata) = (&piece.worked, &header.metadata);
        let rows = piece.produced().zip(produced);
        Ok(Self {
            piece_id: piece.row.id,
            outcome: worked.outcome().as_str(),
            typology: worked.typology().or(piece.kept.piece_type.as_deref()),
            metadata: Metadata {
                project: &metadata.project,
                source_application: &metadata.source_application,
                contract_reference: metadata.contract_reference.as_deref(),
                dossier_id: &piece.dossier.dossier_id,
                iteration: piece.dossier.iteration,
                dossier_business_data: &piece.dossier.business_data,
                piece_uid: &piece.kept.uid,
                piece_type: piece.kept.piece_type.as_deref(),
                business_data: &piece.kept.business_data,
                documents: piece.kept.documents.as_ref(),
            },
            files: files(piece)?,
            controls: of_files(piece, |file| &file.controls),
            results: of_files(piece, |file| &file.results),
            documents: rows
                .map(|(row, (name, carried))| Document::new(row, name, carried))
                .collect(),
        })
    }
}

fn files(piece: &Piece) -> Result<Vec<File<'_>>> {
    let pairs = piece.kept.files.iter().zip(&piece.worked.files);
    pairs
        .enumerate()
        .map(|(index, (kept, worked))| {
            let row = piece.file(index)?;
            Ok(File {
                file_name: &kept.name,
                media_type: &kept.media_type,
                size: row.size,
                sha256: hex(&row.sha256),
                outcome: worked.outcome.as_str(),
            })
        })
        .collect()
}

fn of_files<'p, T>(
    piece: &'p Piece,
    found: impl Fn(&'p WorkedFile) -> &'p Vec<T>,
) -> Vec<OfFile<&'p T>> {
    let files = piece.worked.files.iter().enumerate();
    let all = files.flat_map(|(file, worked)| {
        found(worked)
            .iter()
            .map(move |found| OfFile { file, found })
    });
    all.collect()
}
