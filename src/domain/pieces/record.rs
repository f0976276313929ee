//! Everything that the transaction of an intake writes, made before it: ids, sealed metadata, signed receipt, journal
//! entry, first job. The transaction may then run again, and holds no signing.

use serde_json::json;
use uuid::Uuid;

use super::{
    acknowledged::{Acknowledged, Outcome},
    admission::Admission,
    idempotency::Settling,
};
use crate::{
    domain::{
        Context,
        exchanges::{Metadata, PIECE, Status},
        ged::{
            ProjectKeys,
            documents::{self, Column},
            scan,
        },
        hubee::forward,
        journal::{self, Kind, Subject},
        receipts::{self, Receipt},
    },
    kernel::{
        digest::{Sha256, hex},
        fault::Result,
    },
    storage::{
        Prepared,
        exchanges::{self, DocumentRow, ExchangeRow, ReceiptRow},
        jobs as job_rows,
        journal::{self as journal_rows, EntryRow},
    },
    vault::Stored,
};

/// What the intake found beside metadata and content.
pub(super) struct Intake {
    pub(super) blob_key: Vec<u8>,
    pub(super) request_bytes: u64,
    pub(super) earlier_missing: bool,
    pub(super) settling: Option<Settling>,
}

/// The rows of one accepted piece, ready to be inserted.
pub(super) struct Record {
    pub(super) natural_key: Sha256,
    pub(super) settling: Option<Settling>,
    pub(super) statements: Vec<Prepared>,
    exchange: ExchangeRow,
    receipt: ReceiptRow,
    blob: Uuid,
    client_id: String,
}

impl Record {
    pub(super) fn new(
        ctx: &Context,
        admission: &Admission,
        stored: &Stored,
        intake: Intake,
    ) -> Result<Self> {
        let exchange = exchange(ctx, admission, stored, &intake)?;
        let entry_id = ctx.entropy.uuid(&ctx.clock)?;
        let receipt = receipt(ctx, admission, &exchange, entry_id)?;
        let mut entry = received(ctx, &exchange, &receipt)?;
        entry.id = entry_id;
        let now = exchange.received_at;
        let jobs = [
            Some(scan::first_job(ctx, &exchange, now)?),
            forward::job(ctx, &exchange, now)?,
        ];
        let [appended, pended] = journal_rows::appending(&entry);
        let content = content(admission, &exchange, stored, intake.blob_key);
        let mut statements = vec![
            exchanges::insert(&exchange),
            exchanges::insert_document(&content),
            exchanges::insert_receipt(&receipt),
            appended,
            pended,
        ];
        let jobs = jobs.iter().flatten();
        statements.extend(jobs.map(|job| job_rows::queue(job, now)));
        Ok(Self {
            natural_key: natural_key(&admission.keys, &admission.metadata, &stored.digests.sha256),
            settling: intake.settling,
            statements,
            exchange,
            receipt,
            blob: stored.id,
            client_id: admission.client.client_id.clone(),
        })
    }

    pub(super) fn id(&self) -> Uuid {
        self.exchange.id
    }

    pub(super) fn blob(&self) -> Uuid {
        self.blob
    }

    pub(super) fn sha256(&self) -> &Sha256 {
        &self.exchange.sha256
    }

    pub(super) fn acknowledged(&self) -> Acknowledged {
        Acknowledged::of(self.outcome(), &self.exchange, self.receipt.clone())
    }

    pub(super) fn outcome(&self) -> Outcome {
        Outcome::of_new(self.exchange.iteration)
    }

    /// The journal's entry of a piece that came again.
    pub(super) fn repetition(&self, ctx: &Context, original: Uuid) -> Result<EntryRow> {
        let subject = Subject {
            exchange_id: Some(original),
            project: Some(self.exchange.project.clone()),
            owner: self.exchange.owner.clone(),
        };
        let detail = json!({ "clientId": self.client_id });
        journal::entry(
            &ctx.clock,
            &ctx.entropy,
            Kind::PieceRepeated,
            subject,
            detail,
        )
    }
}

/// What makes a piece the same piece: project, application, dossier, iteration, and its uid or else its content.
pub fn natural_key(keys: &ProjectKeys, metadata: &Metadata, sha256: &Sha256) -> Sha256 {
    let (kind, last): (&[u8], &[u8]) = match &metadata.piece_uid {
        Some(uid) => (b"uid", uid.as_bytes()),
        None => (b"sha256", sha256),
    };
    keys.hash_fields(&[
        metadata.project.as_bytes(),
        metadata.source_application.as_bytes(),
        metadata.dossier_id.as_bytes(),
        &metadata.iteration.to_be_bytes(),
        kind,
        last,
    ])
}

fn exchange(
    ctx: &Context,
    admission: &Admission,
    stored: &Stored,
    intake: &Intake,
) -> Result<ExchangeRow> {
    let (metadata, keys) = (&admission.metadata, &admission.keys);
    let (key, wrapped_key) = keys.fresh(&ctx.entropy)?;
    Ok(ExchangeRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        kind: PIECE.to_owned(),
        client_id: admission.client.client_id.clone(),
        owner: ctx.owner(&admission.client.partner),
        project: metadata.project.clone(),
        source_application: metadata.source_application.clone(),
        iteration: metadata.iteration,
        status: Status::Received.as_str().to_owned(),
        received_at: ctx.clock.now(),
        request_bytes: intake.request_bytes,
        dossier_hash: keys.hash(&metadata.dossier_id),
        size: stored.size,
        sha256: stored.digests.sha256,
        key_id: keys.id,
        metadata: documents::seal_json(ctx, &key, Column::Metadata, metadata)?,
        wrapped_key,
        earlier_missing: intake.earlier_missing,
        repetitions: 0,
    })
}

fn content(
    admission: &Admission,
    exchange: &ExchangeRow,
    stored: &Stored,
    wrapped_key: Vec<u8>,
) -> DocumentRow {
    DocumentRow {
        id: stored.id,
        exchange_id: exchange.id,
        owner: exchange.owner.clone(),
        role: "content".to_owned(),
        file_name: None,
        media_type: admission.metadata.media_type.clone(),
        size: stored.size,
        sha256: stored.digests.sha256,
        key_id: exchange.key_id,
        wrapped_key,
        created_at: exchange.received_at,
        piece_id: None,
        container: None,
    }
}

fn receipt(
    ctx: &Context,
    admission: &Admission,
    exchange: &ExchangeRow,
    entry: Uuid,
) -> Result<ReceiptRow> {
    let document = Receipt {
        kind: receipts::Kind::V1,
        receipt_id: ctx.entropy.uuid(&ctx.clock)?,
        reconciliation_id: exchange.id,
        environment: exchange.owner.environment.clone(),
        project: exchange.project.clone(),
        received_at: exchange.received_at,
        dossier_id_hash: exchange.dossier_hash,
        file_name_hash: admission.keys.hash(&admission.metadata.file_name),
        iteration: exchange.iteration,
        size: exchange.size,
        sha256: exchange.sha256,
        journal_entry_id: entry,
    };
    let body = document.to_bytes()?;
    Ok(ReceiptRow {
        exchange_id: exchange.id,
        id: document.receipt_id,
        owner: exchange.owner.clone(),
        cms: ctx.signer.sign(&body)?,
        body,
        created_at: exchange.received_at,
        sealed: false,
    })
}

fn received(ctx: &Context, exchange: &ExchangeRow, receipt: &ReceiptRow) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: Some(exchange.id),
        project: Some(exchange.project.clone()),
        owner: exchange.owner.clone(),
    };
    let detail = json!({
        "receiptId": receipt.id,
        "clientId": exchange.client_id,
        "iteration": exchange.iteration,
        "earlierIterationMissing": exchange.earlier_missing,
        "size": exchange.size,
        "sha256": hex(&exchange.sha256),
    });
    journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::PieceReceived,
        subject,
        detail,
    )
}
