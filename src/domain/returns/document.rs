//! The return as JSON. The bytes made here are kept sealed, and sent and shown as they are.

use data_encoding::BASE64;
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    domain::{
        archives::sending::document::plain,
        exchanges::Metadata,
        processing::{Control, Finding, ProducedFile, Results},
    },
    kernel::{
        digest::hex,
        fault::{Fault, Result},
    },
    storage::exchanges::{DocumentRow, ExchangeRow},
};

/// The return of one exchange.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Return<'a> {
    r#type: &'static str,
    /// Its stable id.
    pub return_id: Uuid,
    reconciliation_id: Uuid,
    environment: &'a str,
    project: &'a str,
    outcome: &'static str,
    created_at: Timestamp,
    received_at: Timestamp,
    metadata: &'a Metadata,
    content: Content,
    controls: &'a [Control],
    results: &'a [Finding],
    documents: Vec<Document>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    size: u64,
    sha256: String,
    media_type: String,
}

/// A produced file: carried, or linked to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    document_id: Uuid,
    file_name: String,
    media_type: String,
    size: u64,
    sha256: String,
    #[serde(flatten)]
    carried: Handed,
}

/// How a produced file is handed over.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Handed {
    Content(String),
    Href(String),
    Entry(String),
}

/// How the produced files of a return are handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrying {
    /// In the return itself.
    Inline,
    /// By their addresses.
    Links,
    /// As entries of the return archive.
    Entries,
}

/// What a return is made of.
pub struct Parts<'a> {
    /// Its id.
    pub id: Uuid,
    /// The exchange that it answers.
    pub exchange: &'a ExchangeRow,
    /// The exchange's metadata.
    pub metadata: &'a Metadata,
    /// What the processors found.
    pub results: &'a Results,
    /// The rows of what they produced, in the same order.
    pub produced: &'a [DocumentRow],
    /// When.
    pub created_at: Timestamp,
}

impl Parts<'_> {
    /// The return's bytes for a callback. Produced files are carried while they have `inline_bytes` together at most and the
    /// whole stays within `budget`, the part of the transaction's limit that is left (API-3); else each is a link.
    pub fn to_bytes(&self, inline_bytes: u64, budget: u64) -> Result<(Vec<u8>, Carrying)> {
        let total: u64 = self.produced.iter().map(|document| document.size).sum();
        if total <= inline_bytes {
            let bytes = self.written(Carrying::Inline)?;
            if bytes.len() as u64 <= budget {
                return Ok((bytes, Carrying::Inline));
            }
        }
        Ok((self.written(Carrying::Links)?, Carrying::Links))
    }

    /// The return's bytes, its produced files handed over in that way.
    pub fn written(&self, carrying: Carrying) -> Result<Vec<u8>> {
        serde_json::to_vec(&self.document(carrying)).map_err(Fault::internal)
    }

    /// The entries of the return archive for what was produced, in order.
    pub fn entries(&self) -> impl Iterator<Item = (String, &ProducedFile)> {
        let produced = self.results.produced.iter().enumerate();
        produced.map(|(index, file)| (entry_name(index, file), file))
    }

    fn document(&self, carrying: Carrying) -> Return<'_> {
        let exchange = self.exchange;
        let pairs = self.produced.iter().zip(&self.results.produced).enumerate();
        Return {
            r#type: "navette.return/1",
            return_id: self.id,
            reconciliation_id: exchange.id,
            environment: &exchange.owner.environment,
            project: &exchange.project,
            outcome: self.results.verdict.as_str(),
            created_at: self.created_at,
            received_at: exchange.received_at,
            metadata: self.metadata,
            content: Content {
                size: exchange.size,
                sha256: hex(&exchange.sha256),
                media_type: self.metadata.media_type.clone(),
            },
            controls: &self.results.controls,
            results: &self.results.results,
            documents: pairs
                .map(|(index, (row, file))| document(index, row, file, carrying))
                .collect(),
        }
    }
}

fn document(index: usize, row: &DocumentRow, file: &ProducedFile, carrying: Carrying) -> Document {
    let href = || format!("/v1/pieces/{}/return/documents/{}", row.exchange_id, row.id);
    Document {
        document_id: row.id,
        file_name: file.file_name.clone(),
        media_type: row.media_type.clone(),
        size: row.size,
        sha256: hex(&row.sha256),
        carried: match carrying {
            Carrying::Inline => Handed::Content(BASE64.encode(&file.bytes)),
            Carrying::Links => Handed::Href(href()),
            Carrying::Entries => Handed::Entry(entry_name(index, file)),
        },
    }
}

fn entry_name(index: usize, file: &ProducedFile) -> String {
    format!("documents/{}-{}", index + 1, plain(&file.file_name))
}
