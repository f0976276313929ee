//! The door to the place where documents are opened. Nothing in this process parses a document: a processor names an
//! inspector of [`super::inspectors`], a child process runs it, and its findings come back as JSON.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::document::Document;
use crate::kernel::fault::Result;

/// Opens documents out of this process, under limits.
pub trait Sandbox: Send + Sync {
    /// Has `inspector` read `document`. Whatever the document does is an [`Inspection`]; a fault is ours (its bytes could
    /// not be read, no child can be started) and the work can be tried again.
    fn inspect<'a>(
        &'a self,
        inspector: &'a str,
        document: &'a Document,
    ) -> BoxFuture<'a, Result<Inspection>>;
}

/// How an inspection ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Inspection {
    /// The inspector's findings.
    Found(Value),
    /// The reader gave up on it: a fault in the document that its library did not foresee.
    Unreadable,
    /// It wanted more than it may use.
    Exceeded(Limit),
}

/// Which limit a document met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    /// The deadline, or the processor time.
    Time,
    /// The memory, or the stack: what kills a process that parses hostile bytes.
    Memory,
}

impl Limit {
    /// The limit for a person, in French.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Time => "Ouverture abandonnée : le document demande plus de temps que permis.",
            Self::Memory => {
                "Ouverture abandonnée : le document demande plus de mémoire que permis."
            }
        }
    }
}

/// What an inspector may use for what it decodes; the child's own memory limit stands behind it.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes of decoded content held at once.
    pub decoded_bytes: u64,
}

/// Reads a document's bytes in the child.
pub type Inspect = fn(&[u8], Budget) -> Inspection;

impl Inspection {
    /// Findings as an inspection.
    pub fn found(findings: impl Serialize) -> Self {
        serde_json::to_value(findings).map_or(Self::Unreadable, Self::Found)
    }
}
