//! The return as JSON. The bytes made here are kept sealed, and sent and shown as they are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::produced::{Carried, Carrying, Document, plain};
use crate::{
    domain::{
        exchanges::Metadata,
        processing::{Control, Finding, ProducedFile, Results},
    },
    kernel::{
        digest::hex,
        fault::{Fault, Result},
    },
    storage::exchanges::{DocumentRow, ExchangeRow},
};

/// The results that are kept for views: what the return says, without its files.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Every control.
    pub controls: Vec<Control>,
}

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
    let carried = match carrying {
        Carrying::Inline => Carried::inline(&file.bytes),
        Carrying::Links => Carried::link(row),
        Carrying::Entries => Carried::Entry(entry_name(index, file)),
    };
    Document::new(row, file.file_name.clone(), carried)
}

fn entry_name(index: usize, file: &ProducedFile) -> String {
    format!("documents/{}-{}", index + 1, plain(&file.file_name))
}
