//! What an archive says of itself (ARC-4, PAP-3): project, application, dossiers with their pieces, pieces with their files.
//!
//! `manifest.json` or `manifest.xml` stands at the root of the archive; of a single `gz` it stands beside it. Both say the
//! same fields (`schemas/manifest-v1.schema.json`, `schemas/manifest-v1.xsd`) and go the same way: `json` and `xml` hand
//! out one object after the other, however many there are, `read` checks each and gathers every fault.
//!
//! To add a field: a line here, one in `read`, one in each schema, and its place in `xml` if it is no text.

mod data;
mod element;
mod encoding;
mod file;
mod json;
mod metered;
mod piece;
mod read;
mod siret;
mod xml;

use std::{io::BufRead, sync::Arc};

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::{
    codec::Refusal,
    domain::{exchanges::Hash, processing::Announced},
    kernel::digest::hex,
};

pub use data::Data;
pub use siret::is_siret;

/// The manifest's name in an archive, in JSON.
pub const JSON: &str = "manifest.json";
/// The same in XML.
pub const XML: &str = "manifest.xml";

/// A manifest without a fault of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Of a pli: an exchange that the contractor opens, which no sending of ASP precedes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pli: Option<Pli>,
    /// The project (market lot).
    pub project: String,
    /// The application that sends: of ASP, or the digitisation chain of a pli.
    pub source_application: String,
    /// The contract that binds ASP to its principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_reference: Option<String>,
    /// The dossiers, one at least; no two of one id and iteration.
    pub dossiers: Vec<Dossier>,
}

/// What is told of a pli (PAP-3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pli {
    /// Its unique id, which may embed the mail's origin.
    pub pli_id: String,
    /// The day of its reception.
    pub received_on: Date,
    /// The day of its digitisation, not before.
    pub digitised_on: Date,
}

/// One dossier's deposit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dossier {
    /// The dossier; where a pli names none, the pli's own id stands for it.
    pub dossier_id: String,
    /// 1 for the initial deposit, 2… for each complement.
    pub iteration: u32,
    /// Whatever the project agreed; a `siret` has its right key.
    #[serde(skip_serializing_if = "Data::is_empty")]
    pub business_data: Data,
    /// The pieces, one at least; no two of one uid.
    pub pieces: Vec<Piece>,
}

/// One piece.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Piece {
    /// The sender's own id, unique within dossier and iteration.
    pub uid: Box<str>,
    /// The sender's own type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub piece_type: Option<Box<str>>,
    /// Its files, one at least; no two pieces share one.
    pub files: Vec<File>,
    /// Whatever the project agreed.
    #[serde(skip_serializing_if = "Data::is_empty")]
    pub business_data: Data,
    /// Its business documents, where it holds several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<BusinessDocument>,
}

/// One file of a piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Its name in the archive: a safe relative path, accents composed.
    pub name: Box<str>,
    /// The declared media type.
    pub media_type: Arc<str>,
    /// The size as announced, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The hash as announced; mandatory where the project's SAE is on.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_told")]
    pub hash: Option<Announced>,
}

impl File {
    /// The last label of its name: a file's name, never a path.
    pub fn label(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }
}

/// One business document of a piece that holds several: some pages of one file, or some of its files.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BusinessDocument {
    /// The sender's own id, unique within the piece.
    pub uid: Box<str>,
    /// The sender's own type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_type: Option<Box<str>>,
    /// Its pages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<Pages>,
    /// Its files, by their names among the piece's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Box<str>>,
    /// Whatever the project agreed.
    #[serde(skip_serializing_if = "Data::is_empty")]
    pub business_data: Data,
}

/// A range of pages, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pages {
    /// Of which file; left out where the piece has only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Box<str>>,
    /// The first, from 1.
    pub from: u32,
    /// The last.
    pub to: u32,
}

impl Manifest {
    /// Reads a manifest, JSON or XML by its first character. Memory follows its pieces, never its text.
    ///
    /// Fails with every fault of the text at once (the first of them alone where it is no JSON and no XML), or where the
    /// reader does not answer.
    pub fn parse(mut text: impl BufRead) -> Result<Self, Refusal> {
        let start = text.fill_buf()?;
        let blank = |byte: &&u8| {
            byte.is_ascii_whitespace() || matches!(byte, 0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF)
        };
        match start.iter().find(|byte| !blank(byte)) {
            Some(b'<') => xml::parse(text),
            _ => json::parse(text),
        }
    }

    /// `pli` or `archive`, as `kind` says it.
    pub fn kind(&self) -> &'static str {
        match self.pli {
            Some(_) => "pli",
            None => "archive",
        }
    }

    /// How many pieces it declares, of all dossiers.
    pub fn pieces(&self) -> usize {
        self.dossiers
            .iter()
            .map(|dossier| dossier.pieces.len())
            .sum()
    }

    /// How many files it declares.
    pub fn files(&self) -> usize {
        let pieces = self.dossiers.iter().flat_map(|dossier| &dossier.pieces);
        pieces.map(|piece| piece.files.len()).sum()
    }
}

/// A hash as metadata carry it.
fn as_told<S: Serializer>(hash: &Option<Announced>, to: S) -> Result<S::Ok, S::Error> {
    let told = hash.as_ref().map(|hash| Hash {
        algorithm: hash.algorithm.name().to_owned(),
        value: hex(&hash.value),
    });
    told.serialize(to)
}
