//! What the last transaction of an archive's reception writes, made before it: exchange, receipt, journal entry, jobs.

use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    examined::Examined,
    on_depot::{file, left_on_depot, subject},
    spool::Spooled,
    taking::Taking,
};
use crate::{
    codec::Format,
    domain::{
        archives::{Manifest, kept::Header},
        cft,
        exchanges::{ARCHIVE, Metadata, Status},
        ged::documents::{Column, seal_bytes, seal_json},
        hubee::forward,
        incidents::{self, Cause, Clearing, Code as Anomaly, Ticket},
        jobs,
        journal::{self, Kind},
        receipts::{
            ArchiveReceipt,
            archive::{ArchiveKind, Outcome},
        },
    },
    kernel::{digest::hex, fault::Result},
    storage::{
        Prepared,
        archives::Finish,
        exchanges::{self, ExchangeRow, ReceiptRow},
        jobs as job_rows, journal as journal_rows,
    },
};

/// The rows of an archive's end, ready to be written.
pub struct Record {
    /// The exchange.
    pub exchange: ExchangeRow,
    /// Its receipt, sealed where it names anything.
    pub receipt: ReceiptRow,
    /// What is written of the archive itself.
    pub finish: Finish,
    /// Everything that is inserted.
    pub statements: Vec<Prepared>,
    /// The incident of an archive that was not accepted whole.
    pub ticket: Option<Ticket>,
    /// The incidents that end with it: of an earlier archive of that name, of its own taking, of an antivirus that was away.
    pub over: Vec<Clearing>,
    /// The transfer that it came by, where its transport knows one.
    pub transfer: Option<cft::Note>,
}

impl Record {
    /// The record of an archive that was judged.
    pub fn new(taking: &Taking, spooled: &Spooled, examined: &Examined) -> Result<Self> {
        let ctx = taking.ctx();
        let exchange = exchange(taking, spooled, examined)?;
        let entry_id = ctx.entropy.uuid(&ctx.clock)?;
        let document = receipt(taking, spooled, examined, entry_id)?;
        let body = document.to_bytes()?;
        let cms = ctx.signer.sign(&body)?;
        let receipt = kept(taking, &document, (&body, &cms))?;
        let file = file(
            taking,
            &taking.key,
            exchange.id,
            document.outcome.as_str(),
            (&body, &cms),
        )?;
        let mut statements = vec![
            exchanges::insert(&exchange),
            exchanges::insert_receipt(&receipt),
        ];
        statements.extend(entry(taking, &exchange, &document)?);
        statements.extend(left_on_depot(taking, &file, exchange.received_at)?);
        let ticket = match examined.outcome {
            Outcome::Accepted => None,
            _ => {
                let detail = particulars(taking, examined);
                Some(incidents::prepare(ctx, cause(taking, exchange.id), detail)?)
            }
        };
        let (depot, about) = (&taking.desk.depot.name, &spooled.about);
        let transfer = cft::prepare(ctx, depot, cft::Way::In, about, Some(exchange.id))?;
        Ok(Self {
            finish: Finish {
                exchange_id: exchange.id,
                state: examined.outcome.as_str(),
                name: file.name.clone(),
                format: spooled.format.map(|format| format.as_str().to_owned()),
                pieces: document.pieces.received,
                accepted: document.pieces.accepted,
            },
            exchange,
            receipt,
            statements,
            over: over(taking, examined, taking.exchange_id)?,
            ticket,
            transfer,
        })
    }

    /// Adds the job that runs the processors over the accepted pieces.
    pub fn and_process(&mut self, taking: &Taking) -> Result<()> {
        let (id, now) = (self.exchange.id, self.exchange.received_at);
        let (kind, lane) = (jobs::Kind::ProcessArchive, jobs::ARCHIVE_LANE);
        let job = jobs::new(taking.ctx(), kind, lane, id, &self.exchange.owner, now)?;
        self.statements.push(job_rows::queue(&job, now));
        let forward = forward::job(taking.ctx(), &self.exchange, now)?;
        let forward = forward.iter().map(|job| job_rows::queue(job, now));
        self.statements.extend(forward);
        Ok(())
    }
}

fn exchange(taking: &Taking, spooled: &Spooled, examined: &Examined) -> Result<ExchangeRow> {
    let manifest = examined.checked.manifest.as_ref();
    let header = header(taking, manifest, spooled);
    let status = match examined.outcome {
        Outcome::Rejected => Status::Refused,
        _ => Status::Received,
    };
    let dossier = &header.metadata.dossier_id;
    Ok(ExchangeRow {
        id: taking.exchange_id,
        kind: manifest.map_or(ARCHIVE, Manifest::kind).to_owned(),
        client_id: taking.desk.client(&taking.incoming),
        owner: taking.owner.clone(),
        project: taking.project.name.clone(),
        source_application: header.metadata.source_application.clone(),
        iteration: header.metadata.iteration,
        status: status.as_str().to_owned(),
        received_at: spooled.received_at,
        request_bytes: spooled.document.size,
        dossier_hash: match dossier.is_empty() {
            true => [0; 32],
            false => taking.keys.hash(dossier),
        },
        size: spooled.document.size,
        sha256: spooled.sha256(),
        key_id: taking.keys.id,
        wrapped_key: taking.wrapped_key.clone(),
        metadata: seal_json(taking.ctx(), &taking.key, Column::Metadata, &header)?,
        earlier_missing: false,
        repetitions: 0,
    })
}

/// What is kept of the manifest as a whole. A batch has no dossier of its own; what was refused has what could be read.
fn header(taking: &Taking, manifest: Option<&Manifest>, spooled: &Spooled) -> Header {
    let only = manifest.and_then(|manifest| match &manifest.dossiers[..] {
        [only] => Some(only),
        _ => None,
    });
    let pli = manifest.and_then(|manifest| manifest.pli.as_ref());
    let media_type = match spooled.format {
        Some(Format::Zip) => "application/zip",
        Some(Format::Tar) => "application/x-tar",
        Some(Format::TarGz | Format::Gz) => "application/gzip",
        None => "application/octet-stream",
    };
    Header {
        metadata: Metadata {
            project: taking.project.name.clone(),
            source_application: manifest.map_or(String::new(), |of| of.source_application.clone()),
            contract_reference: manifest.and_then(|of| of.contract_reference.clone()),
            dossier_id: only.map_or(String::new(), |only| only.dossier_id.clone()),
            piece_uid: None,
            piece_type: None,
            business_data: only.map_or(Map::new(), |only| only.business_data.to_object()),
            iteration: only.map_or(1, |only| only.iteration),
            hash: None,
            file_name: taking.listed.name.clone(),
            media_type: media_type.to_owned(),
        },
        pli_id: pli.map(|pli| pli.pli_id.clone()),
        received_on: pli.map(|pli| pli.received_on.to_string()),
        digitised_on: pli.map(|pli| pli.digitised_on.to_string()),
        manifest_sha256: spooled.manifest_sha256(),
    }
}

fn receipt(
    taking: &Taking,
    spooled: &Spooled,
    examined: &Examined,
    entry: Uuid,
) -> Result<ArchiveReceipt> {
    let ctx = taking.ctx();
    Ok(ArchiveReceipt {
        kind: ArchiveKind::V1,
        receipt_id: ctx.entropy.uuid(&ctx.clock)?,
        reconciliation_id: taking.exchange_id,
        duplicate_of: None,
        outcome: examined.outcome,
        environment: taking.owner.environment.clone(),
        project: taking.project.name.clone(),
        depot: taking.desk.depot.name.clone(),
        flow: taking.flow.name.clone(),
        received_at: spooled.received_at,
        file_name_hash: taking.name_hash,
        format: spooled.format.map(|format| format.as_str().to_owned()),
        size: spooled.document.size,
        sha256: spooled.sha256(),
        pieces: examined.pieces(),
        findings: examined.findings.clone(),
        findings_omitted: examined.omitted,
        journal_entry_id: entry,
    })
}

/// The receipt's row: sealed where it names entries, pieces or dossiers.
fn kept(
    taking: &Taking,
    document: &ArchiveReceipt,
    (body, cms): (&[u8], &[u8]),
) -> Result<ReceiptRow> {
    let (ctx, key, sealed) = (taking.ctx(), &taking.key, document.names_anything());
    let seal = |column, bytes: &[u8]| match sealed {
        true => seal_bytes(ctx, key, column, bytes),
        false => Ok(bytes.to_vec()),
    };
    Ok(ReceiptRow {
        exchange_id: taking.exchange_id,
        id: document.receipt_id,
        owner: taking.owner.clone(),
        body: seal(Column::Receipt, body)?,
        cms: seal(Column::Signature, cms)?,
        created_at: document.received_at,
        sealed,
    })
}

fn entry(
    taking: &Taking,
    exchange: &ExchangeRow,
    document: &ArchiveReceipt,
) -> Result<[Prepared; 2]> {
    let kind = match document.outcome {
        Outcome::Rejected => Kind::ArchiveRefused,
        _ => Kind::ArchiveReceived,
    };
    let detail = json!({
        "receiptId": document.receipt_id,
        "kind": exchange.kind,
        "depot": document.depot,
        "flow": document.flow,
        "outcome": document.outcome,
        "pieces": document.pieces,
        "codes": codes(&document.findings),
        "size": document.size,
        "sha256": hex(&document.sha256),
    });
    let ctx = taking.ctx();
    let mut entry = journal::entry(&ctx.clock, &ctx.entropy, kind, subject(exchange), detail)?;
    entry.id = document.journal_entry_id;
    Ok(journal_rows::appending(&entry))
}

fn codes(findings: &[crate::domain::receipts::archive::ArchiveFinding]) -> Vec<&str> {
    let mut codes: Vec<_> = findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// What makes two refusals the same: the file's name in its flow. A sound archive of that name ends it.
fn cause(taking: &Taking, exchange: Uuid) -> Cause {
    Cause {
        code: Anomaly::ArchiveRejected,
        project: Some(taking.project.name.clone()),
        owner: taking.owner.clone(),
        exchange_id: Some(exchange),
        subject: taking.subject(),
    }
}

/// That a file could not be taken ends with its being here, whoever told it and whatever becomes of it.
pub fn unstuck(taking: &Taking) -> Result<Clearing> {
    let cause = Cause {
        code: Anomaly::ArchiveStuck,
        project: Some(taking.project.name.clone()),
        owner: taking.owner.clone(),
        exchange_id: None,
        subject: taking.subject(),
    };
    incidents::clear(taking.ctx(), &cause)
}

/// What ends with this archive.
fn over(taking: &Taking, examined: &Examined, exchange: Uuid) -> Result<Vec<Clearing>> {
    let ctx = taking.ctx();
    let mut over = vec![unstuck(taking)?];
    if examined.outcome == Outcome::Accepted {
        over.push(incidents::clear(ctx, &cause(taking, exchange))?);
    }
    // One that was refused unseen tells nothing of the antivirus.
    if examined.looked_at {
        let project = &taking.project.name;
        let away = Cause::of_project(ctx, Anomaly::ScanUnavailable, project);
        over.push(incidents::clear(ctx, &away)?);
    }
    Ok(over)
}

fn particulars(taking: &Taking, examined: &Examined) -> serde_json::Value {
    json!({
        "depot": taking.desk.depot.name,
        "flow": taking.flow.name,
        "outcome": examined.outcome,
        "pieces": examined.pieces(),
        "codes": codes(&examined.findings),
        "fileNameHash": hex(&taking.name_hash),
    })
}
