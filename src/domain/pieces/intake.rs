//! Intake: from checked metadata to a durable, acknowledged piece.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::record::Record;
use crate::{
    config::Project,
    domain::{
        Context,
        access::Client,
        exchanges::Metadata,
        ged::ProjectKeys,
        processing::sniff::{self, TypeFinding},
    },
    kernel::{
        digest::Algorithm,
        failpoint,
        fault::{Code, Fault, FieldFault, Result},
    },
    storage::{
        Tx,
        exchanges::{self, Known, ReceiptRow},
        journal,
    },
    vault::{BlobWriter, Stored},
};

/// A sending whose metadata were accepted; its content is still unread.
pub struct Admission {
    pub(super) client: Arc<Client>,
    pub(super) project: Arc<Project>,
    pub(super) keys: Arc<ProjectKeys>,
    pub(super) metadata: Metadata,
}

/// What a return needs beside the metadata that it repeats, in bytes: its frame, controls and findings.
const RETURN_FRAME: u64 = 16_000;

/// How a sending ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new piece.
    Accepted,
    /// A known piece: its first receipt again, and nothing runs twice.
    Duplicate,
}

impl Outcome {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What the sender is told.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// New or known.
    pub outcome: Outcome,
    /// The reconciliation id (API-5).
    pub reconciliation_id: Uuid,
    /// When its last byte was read.
    pub received_at: Timestamp,
    /// The receipt as signed.
    pub receipt: ReceiptRow,
}

/// Checks the metadata of a sending, with every fault of that stage in one answer.
pub async fn admit(ctx: &Context, client: Arc<Client>, metadata: Value) -> Result<Admission> {
    let (metadata, mut faults) = Metadata::read(metadata);
    let project = ctx.config.projects.get(&metadata.project).cloned();
    faults.extend(perimeter_faults(&client, &metadata, project.as_deref()));
    if let Some(project) = &project {
        faults.extend(project_faults(project, &metadata));
    }
    refuse(
        Code::MetadataInvalid,
        "Plusieurs métadonnées sont fautives : voir errors.",
        faults,
    )?;
    let project = project.ok_or_else(|| Fault::internal("an unknown project was admitted"))?;
    let keys = ctx.keyring.project(&project.name).await?;
    Ok(Admission {
        client,
        project,
        keys,
        metadata,
    })
}

/// Gathers the faults of a stage; one that concerns the perimeter gives its code to the whole.
fn refuse(general: Code, summary: &str, faults: Vec<FieldFault>) -> Result<()> {
    let forbidden = faults
        .iter()
        .any(|fault| fault.code == Code::PerimeterForbidden);
    let general = if forbidden {
        Code::PerimeterForbidden
    } else {
        general
    };
    match Fault::gathered(general, summary, faults) {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

fn perimeter_faults(
    client: &Client,
    metadata: &Metadata,
    project: Option<&Project>,
) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let mut fault = |field: &str, code, detail: &str| {
        faults.push(FieldFault::new(format!("/metadata/{field}"), code, detail));
    };
    if project.is_none() && !metadata.project.is_empty() {
        fault("project", Code::UnknownProject, "Projet inconnu.");
    }
    if project.is_some() && !client.projects.contains(&metadata.project) {
        fault(
            "project",
            Code::PerimeterForbidden,
            "Projet hors du périmètre de ce client.",
        );
    }
    let application = &metadata.source_application;
    if !application.is_empty() && !client.source_applications.contains(application) {
        let detail = "Application source hors du périmètre de ce client.";
        fault("sourceApplication", Code::PerimeterForbidden, detail);
    }
    faults
}

fn project_faults(project: &Project, metadata: &Metadata) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if project.sae && metadata.hash.is_none() {
        let detail = "L'empreinte est obligatoire pour ce projet (SAE).";
        faults.push(FieldFault::new(
            "/metadata/hash",
            Code::HashRequired,
            detail,
        ));
    }
    if !metadata.media_type.is_empty() && !sniff::listed(&project.media_types, &metadata.media_type)
    {
        let detail = "Ce projet n'accepte pas ce type de document.";
        faults.push(FieldFault::new(
            "/metadata/mediaType",
            Code::MediaTypeNotAccepted,
            detail,
        ));
    }
    faults
}

impl Admission {
    /// Opens the blob that the content will stream into.
    pub fn open(self, ctx: &Context) -> Result<Reception> {
        let (key, wrapped_key) = self.keys.fresh(&ctx.entropy)?;
        let announced = self.metadata.hash.as_ref().map(|hash| hash.algorithm());
        let writer = ctx
            .vault
            .create(&key, announced == Some(Algorithm::Sha512))?;
        Ok(Reception {
            admission: self,
            writer,
            wrapped_key,
        })
    }

    /// The project that it names.
    pub fn project(&self) -> &str {
        &self.project.name
    }
}

/// A content that is coming in. Dropped before [`Reception::finish`], it leaves nothing.
pub struct Reception {
    admission: Admission,
    writer: BlobWriter,
    wrapped_key: Vec<u8>,
}

impl Reception {
    /// Adds bytes of the content.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write(bytes).await
    }

    /// Makes the piece durable and acknowledges it. `request_bytes` is the request's body as received.
    ///
    /// To be run as a task of its own: a client that hangs up must change nothing from here on. Fails with the faults of
    /// the content stage (nothing is kept), `piece-conflict`, or `unavailable` where the outcome is unknown (the blob stays
    /// for the sweep, the same sending may come again).
    pub async fn finish(self, ctx: &Context, request_bytes: u64) -> Result<Acknowledged> {
        room_for_return(ctx, &self.admission.metadata, request_bytes)?;
        let stored = self.writer.finish().await?;
        let found = sniff::compare(&stored.prefix, &self.admission.metadata.media_type);
        if let Err(fault) = content_faults(&self.admission, &stored, &found) {
            ctx.vault.remove(stored.id).await?;
            return Err(fault);
        }
        let record = Record::new(
            ctx,
            &self.admission,
            &stored,
            self.wrapped_key,
            request_bytes,
        )?;
        acknowledge(ctx, record).await
    }
}

/// Metadata come back in the return, so the reserve that the settings keep does not suffice for the longest of them: what
/// is accepted can be answered within the transaction's limit (API-3).
fn room_for_return(ctx: &Context, metadata: &Metadata, request_bytes: u64) -> Result<()> {
    let repeated = serde_json::to_vec(metadata).map_err(Fault::internal)?.len() as u64;
    let limit = ctx.config.gateway.limits.transaction;
    if request_bytes + repeated + RETURN_FRAME <= limit {
        return Ok(());
    }
    let detail = format!(
        "La transaction complète (requête et retour) est limitée à {limit} octets et le retour répète les métadonnées \
         ({repeated} octets) ; au-delà, passez par le canal des archives."
    );
    Err(Fault::new(Code::TooLarge, detail))
}

fn content_faults(admission: &Admission, stored: &Stored, found: &TypeFinding) -> Result<()> {
    let mut faults = Vec::new();
    let mut fault = |code, detail: String| faults.push(FieldFault::new("/content", code, detail));
    if stored.size == 0 {
        fault(Code::ContentEmpty, "Le contenu est vide.".to_owned());
    } else if !found.agrees || !sniff::accepted(&admission.project.media_types, found) {
        let real = found.actual.as_deref().unwrap_or("inconnu");
        let detail = format!("Le contenu est de type {real} et non {}.", found.declared);
        fault(Code::TypeMismatch, detail);
    }
    if let Some(hash) = &admission.metadata.hash
        && stored.digests.of(hash.algorithm()) != Some(&hash.bytes()[..])
    {
        let detail = "L'empreinte du contenu reçu n'est pas celle annoncée.";
        fault(Code::HashMismatch, detail.to_owned());
    }
    refuse(
        Code::ContentInvalid,
        "Le contenu a plusieurs défauts : voir errors.",
        faults,
    )
}

/// What one transaction found.
enum Committed {
    Accepted,
    Known(Known),
}

async fn acknowledge(ctx: &Context, record: Record) -> Result<Acknowledged> {
    let record = Arc::new(record);
    let (written, blob) = (record.clone(), record.blob());
    failpoint::hit("intake.before-commit");
    let committed = ctx.store.write(move |tx| commit(tx, &written)).await?;
    failpoint::hit("intake.after-commit");
    match committed {
        Committed::Accepted => {
            ctx.bell.notify_one();
            Ok(record.acknowledged())
        }
        Committed::Known(known) => {
            ctx.vault.remove(blob).await?;
            repeated(ctx, &record, known).await
        }
    }
}

fn commit(tx: &mut Tx<'_>, record: &Record) -> Result<Committed> {
    if let Some(known) = exchanges::claim(tx, &record.natural_key, record.id(), record.sha256())? {
        return Ok(Committed::Known(known));
    }
    let statements: Vec<_> = record
        .statements
        .iter()
        .map(|(sql, values)| (*sql, &values[..]))
        .collect();
    tx.batch(&statements)?;
    Ok(Committed::Accepted)
}

/// The first receipt again for the same piece; a conflict where the content is another.
async fn repeated(ctx: &Context, record: &Record, known: Known) -> Result<Acknowledged> {
    if known.sha256 != *record.sha256() {
        let detail = "Cette pièce (pieceUid et itération) a déjà été reçue avec un autre contenu.";
        return Err(Fault::new(Code::PieceConflict, detail));
    }
    let id = known.exchange_id;
    let entry = record.repetition(ctx, id)?;
    let found = ctx.store.write(move |tx| {
        journal::append(tx, &entry)?;
        Ok((exchanges::find(tx, id)?, exchanges::receipt(tx, id)?))
    });
    let (Some(exchange), Some(receipt)) = found.await? else {
        return Err(Fault::internal(format!(
            "exchange {id} has a natural key but no row"
        )));
    };
    Ok(Acknowledged {
        outcome: Outcome::Duplicate,
        reconciliation_id: id,
        received_at: exchange.received_at,
        receipt,
    })
}
