//! What is kept, sealed, of an archive, of its dossiers and of its pieces; and what makes two archives the same.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    domain::{exchanges::Metadata, ged::ProjectKeys},
    kernel::digest::Sha256,
};

/// `exchange.metadata` of an archive: read as a piece's, it gives the dossier of an archive of one, and the archive's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// What a piece has too. `file_name` is the archive's; `dossier_id` is empty for a batch.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// The id under which a pli is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pli_id: Option<String>,
    /// When a pli came by mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_on: Option<String>,
    /// When it was digitised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digitised_on: Option<String>,
    /// Of a gz: the SHA-256 of the manifest beside it, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<String>,
}

impl Header {
    /// The archive's key, of these bytes.
    pub fn key(&self, keys: &ProjectKeys, sha256: &Sha256) -> Sha256 {
        let (project, application) = (&self.metadata.project, &self.metadata.source_application);
        archive_key(
            keys,
            (project, application),
            sha256,
            self.manifest_sha256.as_deref(),
        )
    }
}

/// `exchange_dossier.metadata`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptDossier {
    /// The dossier.
    pub dossier_id: String,
    /// Its deposit, from 1.
    pub iteration: u32,
    /// Whatever the project agreed.
    #[serde(default)]
    pub business_data: Map<String, Value>,
}

/// `archive_piece.metadata`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptPiece {
    /// The sender's own id of the piece.
    pub uid: String,
    /// The sender's own type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece_type: Option<String>,
    /// Its files, in the order of the manifest.
    pub files: Vec<KeptFile>,
    /// Whatever the project agreed.
    #[serde(default)]
    pub business_data: Map<String, Value>,
    /// The business documents that the sender says it holds, as the manifest has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<Value>,
}

/// A file of a piece.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptFile {
    /// Its name in the archive.
    pub name: String,
    /// The declared media type.
    pub media_type: String,
    /// The document that holds it; nothing where the piece was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<Uuid>,
}

/// What makes an archive the same archive: project, application, content; and the digest of a manifest that is not within, for
/// it says what the content is.
pub fn archive_key(
    keys: &ProjectKeys,
    (project, application): (&str, &str),
    sha256: &Sha256,
    manifest: Option<&str>,
) -> Sha256 {
    let mut fields: Vec<&[u8]> = vec![
        b"archive",
        project.as_bytes(),
        application.as_bytes(),
        sha256,
    ];
    fields.extend(manifest.map(str::as_bytes));
    keys.hash_fields(&fields)
}
