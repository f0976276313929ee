//! The receipt's document: small, without personal data, and always written as the same bytes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::kernel::{
    digest::Sha256,
    fault::{Code, Fault, Result},
};

/// The version of the document. A reader refuses one that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The first and present version.
    #[serde(rename = "navette.receipt/1")]
    V1,
}

/// What the gateway says it holds, durably, at the moment of its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The document's version.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The receipt's own id.
    pub receipt_id: Uuid,
    /// The piece's id, which its return will carry (API-5).
    pub reconciliation_id: Uuid,
    /// The environment that received it: a receipt of a rehearsal proves nothing in production.
    pub environment: String,
    /// The project that received it.
    pub project: String,
    /// When its last byte was read, to the microsecond.
    pub received_at: Timestamp,
    /// HMAC-SHA-256 of the dossier id under the project's hash key.
    #[serde(with = "hexadecimal")]
    pub dossier_id_hash: Sha256,
    /// HMAC-SHA-256 of the file name under the project's hash key.
    #[serde(with = "hexadecimal")]
    pub file_name_hash: Sha256,
    /// The sender's iteration number, from 1.
    pub iteration: u32,
    /// The content's length in bytes.
    pub size: u64,
    /// SHA-256 of the content.
    #[serde(with = "hexadecimal")]
    pub sha256: Sha256,
    /// The journal's entry of this reception (TRC-4).
    pub journal_entry_id: Uuid,
}

impl Receipt {
    /// The bytes that are signed: compact JSON, fields in the order of this struct.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Fault::internal)
    }

    /// Reads a document back; unknown fields are left aside, an unknown type is refused with code `corrupt`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|cause| {
            Fault::new(Code::Corrupt, "Ce document n'est pas un reçu lisible.").because(cause)
        })
    }
}

/// Digests as lower-case hexadecimal.
pub(super) mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::kernel::digest::{Sha256, from_hex, hex};

    pub fn serialize<S: Serializer>(digest: &Sha256, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(digest))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Sha256, D::Error> {
        let text = String::deserialize(from)?;
        from_hex(&text)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| D::Error::custom("not 64 hexadecimal digits"))
    }
}
