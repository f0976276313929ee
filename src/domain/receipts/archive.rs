//! The receipt of an archive: that it came whole, and what of it was accepted. Always written as the same bytes.
//!
//! One that names entries says what their sender must mend; it is sealed where it is kept, and goes with its archive.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::document::hexadecimal;
use crate::kernel::{
    digest::Sha256,
    fault::{Code, Fault, Result},
};

/// How many findings a receipt lists; the others are counted.
pub const LISTED: usize = 1000;

/// The version of the document. A reader refuses one that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArchiveKind {
    /// The first and present version.
    #[serde(rename = "navette.archive-receipt/1")]
    V1,
}

/// What became of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All of its pieces were accepted.
    Accepted,
    /// Some of its pieces were, and the others are named.
    Partial,
    /// Nothing of it was.
    Rejected,
}

impl Outcome {
    /// The word in receipts, rows and the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Partial => "partial",
            Self::Rejected => "rejected",
        }
    }
}

/// How many pieces an archive has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// Those that its manifest names.
    pub received: u64,
    /// Those that were accepted.
    pub accepted: u64,
    /// Those that were not.
    pub refused: u64,
}

/// Something that is wrong with an archive, or with a piece of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveFinding {
    /// What, for a program.
    pub code: String,
    /// The entry of the archive, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The dossier of the piece that it concerns; nothing where it concerns the archive as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dossier_id: Option<String>,
    /// The piece that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece_uid: Option<String>,
    /// What, for a person.
    pub detail: String,
}

/// What the gateway says of an archive at the moment of its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveReceipt {
    /// The document's version.
    #[serde(rename = "type")]
    pub kind: ArchiveKind,
    /// The receipt's own id.
    pub receipt_id: Uuid,
    /// The archive's id, which its return will carry.
    pub reconciliation_id: Uuid,
    /// The archive that this one repeats: nothing runs twice, and this is the first one's receipt again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<Uuid>,
    /// What became of it.
    pub outcome: Outcome,
    /// The environment that received it.
    pub environment: String,
    /// The project that received it.
    pub project: String,
    /// The depot that it lay on.
    pub depot: String,
    /// The flow that it came by.
    pub flow: String,
    /// When its last byte was read, to the microsecond.
    pub received_at: Timestamp,
    /// HMAC-SHA-256 of its file's name under the project's hash key.
    #[serde(with = "hexadecimal")]
    pub file_name_hash: Sha256,
    /// Its format as its content tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256.
    #[serde(with = "hexadecimal")]
    pub sha256: Sha256,
    /// How many pieces it has.
    pub pieces: Pieces,
    /// What is wrong with it; the first thousand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<ArchiveFinding>,
    /// How many findings are not listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub findings_omitted: u64,
    /// The journal's entry of this reception (TRC-4).
    pub journal_entry_id: Uuid,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the serializer hands out references"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ArchiveReceipt {
    /// The bytes that are signed: JSON with one field a line, in the order of this struct, for people read it too.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec_pretty(self).map_err(Fault::internal)
    }

    /// Reads a document back; an unknown type is refused with code `corrupt`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|cause| {
            let detail = "Ce document n'est pas un reçu d'archive lisible.";
            Fault::new(Code::Corrupt, detail).because(cause)
        })
    }

    /// Whether it names entries, pieces or dossiers.
    pub fn names_anything(&self) -> bool {
        !self.findings.is_empty()
    }
}
