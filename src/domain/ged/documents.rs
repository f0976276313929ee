//! Opens what the vault holds for a row, and what is sealed in a row of its exchange.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{ProjectKeys, contained::Reader};
use crate::{
    domain::{
        Context,
        exchanges::{Metadata, Status},
    },
    kernel::{
        fault::{Code, Fault, Result},
        seal,
        secret::Key,
    },
    storage::{
        documents as rows,
        exchanges::{DocumentRow, ExchangeRow, ReceiptRow},
    },
    vault::BlobReader,
};

/// The contexts that keep one sealed column from being taken for another.
#[derive(Clone, Copy)]
pub enum Column {
    /// `exchange.metadata`.
    Metadata,
    /// `document.file_name`.
    FileName,
    /// `result.body`.
    Result,
    /// `exchange_return.body`.
    Return,
    /// `acknowledgment.body`.
    Acknowledgment,
    /// `acknowledgment.told`.
    AcknowledgmentTold,
    /// `delivery_attempt.answer`.
    Answer,
    /// `redelivery.reason`.
    RedeliveryReason,
    /// `archive.name` and `depot_file.name`.
    ArchiveName,
    /// `exchange_dossier.metadata`.
    Dossier,
    /// `archive_piece.metadata`.
    Piece,
    /// `archive_piece.result`.
    PieceResult,
    /// `return_file.name`.
    ReturnName,
    /// `acknowledgment.signature`.
    AcknowledgmentSignature,
    /// `receipt.body` and `depot_file.receipt`.
    Receipt,
    /// `receipt.cms` and `depot_file.cms`.
    Signature,
    /// `hub_case.body`.
    HubCase,
    /// `hub_attachment.body`.
    HubAttachment,
    /// `hub_event.body`.
    HubEvent,
}

impl Column {
    fn context(self) -> &'static [u8] {
        match self {
            Self::Metadata => b"exchange.metadata",
            Self::FileName => b"document.file_name",
            Self::Result => b"result.body",
            Self::Return => b"exchange_return.body",
            Self::Acknowledgment => b"acknowledgment.body",
            Self::AcknowledgmentTold => b"acknowledgment.told",
            Self::Answer => b"delivery_attempt.answer",
            Self::RedeliveryReason => b"redelivery.reason",
            Self::ArchiveName => b"archive.name",
            Self::Dossier => b"exchange_dossier.metadata",
            Self::Piece => b"archive_piece.metadata",
            Self::PieceResult => b"archive_piece.result",
            Self::ReturnName => b"return_file.name",
            Self::AcknowledgmentSignature => b"acknowledgment.signature",
            Self::Receipt => b"receipt.body",
            Self::Signature => b"receipt.cms",
            Self::HubCase => b"hub_case.body",
            Self::HubAttachment => b"hub_attachment.body",
            Self::HubEvent => b"hub_event.body",
        }
    }
}

/// The key under which everything personal of an exchange is sealed. Fails with `purged` where it was destroyed.
pub async fn exchange_key(ctx: &Context, exchange: &ExchangeRow) -> Result<Key> {
    if exchange.status == Status::Purged.as_str() {
        return Err(purged());
    }
    let keys = keys_of(ctx, &exchange.project).await?;
    keys.unwrap(&exchange.wrapped_key)
}

/// What is said of a piece that was purged.
pub fn purged() -> Fault {
    let detail = "La durée de conservation de cette pièce est échue ; son contenu a été détruit.";
    Fault::new(Code::Purged, detail)
}

/// The keys of a project that wrapped something; none is made.
async fn keys_of(ctx: &Context, project: &str) -> Result<Arc<ProjectKeys>> {
    let held = ctx.keyring.held(project).await?;
    held.ok_or_else(|| {
        let detail = "La clé de ce projet n'est pas là.";
        Fault::new(Code::Corrupt, detail).because(project)
    })
}

/// Seals bytes for a column.
pub fn seal_bytes(ctx: &Context, key: &Key, column: Column, plain: &[u8]) -> Result<Vec<u8>> {
    seal::seal(key, &ctx.entropy, column.context(), plain)
}

/// Opens the bytes of a column.
pub fn open_bytes(key: &Key, column: Column, sealed: &[u8]) -> Result<Vec<u8>> {
    seal::open(key, column.context(), sealed)
}

/// Seals a value for a column, as JSON.
pub fn seal_json(
    ctx: &Context,
    key: &Key,
    column: Column,
    value: &impl Serialize,
) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(value).map_err(Fault::internal)?;
    seal_bytes(ctx, key, column, &plain)
}

/// Opens the JSON value of a column.
pub fn open_json<T: DeserializeOwned>(key: &Key, column: Column, sealed: &[u8]) -> Result<T> {
    serde_json::from_slice(&open_bytes(key, column, sealed)?).map_err(Fault::internal)
}

/// The metadata of an exchange, as its sender gave them.
pub fn metadata(key: &Key, exchange: &ExchangeRow) -> Result<Metadata> {
    open_json(key, Column::Metadata, &exchange.metadata)
}

/// A receipt as it was signed: one that names entries of an archive is kept sealed. Fails with `purged` where it is gone.
pub async fn receipt(
    ctx: &Context,
    exchange: &ExchangeRow,
    mut row: ReceiptRow,
) -> Result<ReceiptRow> {
    if row.sealed {
        let key = exchange_key(ctx, exchange).await?;
        row.body = open_bytes(&key, Column::Receipt, &row.body)?;
        row.cms = open_bytes(&key, Column::Signature, &row.cms)?;
    }
    Ok(row)
}

/// A reader of a document, wherever its bytes lie. Fails with `corrupt` where they are missing or not what was written.
pub async fn reader(ctx: &Context, project: &str, document: &DocumentRow) -> Result<Reader> {
    let Some(place) = document.container else {
        return Ok(Reader::of_blob(blob(ctx, project, document).await?));
    };
    let found = ctx.store.read(move |tx| rows::find(tx, place.id)).await?;
    let container = found.ok_or_else(|| {
        let detail = "Le contenu enregistré est altéré ou manquant.";
        Fault::new(Code::Corrupt, detail).because("its container has no row")
    })?;
    Reader::within(blob(ctx, project, &container).await?, place, document.size)
}

/// A reader of a document's own blob.
pub async fn blob(ctx: &Context, project: &str, document: &DocumentRow) -> Result<BlobReader> {
    let keys = keys_of(ctx, project).await?;
    let key = keys.unwrap(&document.wrapped_key)?;
    ctx.vault.reader(document.id, &key, document.size).await
}

/// Writes a document that a processor produced; its row is for the caller's transaction.
pub async fn produce(
    ctx: &Context,
    exchange: &ExchangeRow,
    exchange_key: &Key,
    file_name: &str,
    media_type: &str,
    bytes: &Bytes,
) -> Result<DocumentRow> {
    let keys = ctx.keyring.project(&exchange.project).await?;
    let (key, wrapped_key) = keys.fresh(&ctx.entropy)?;
    let mut writer = ctx.vault.create(&key, false)?;
    writer.write(bytes).await?;
    let stored = writer.finish().await?;
    Ok(DocumentRow {
        id: stored.id,
        exchange_id: exchange.id,
        owner: exchange.owner.clone(),
        role: "produced".to_owned(),
        file_name: Some(seal_bytes(
            ctx,
            exchange_key,
            Column::FileName,
            file_name.as_bytes(),
        )?),
        media_type: media_type.to_owned(),
        size: stored.size,
        sha256: stored.digests.sha256,
        key_id: keys.id,
        wrapped_key,
        created_at: ctx.clock.now(),
        piece_id: None,
        container: None,
    })
}
