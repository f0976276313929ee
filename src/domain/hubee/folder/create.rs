//! A folder is created (R10): its exchange with its own key, its cases, its attachments at `PENDING`, links and journal entry,
//! all in one transaction. The answer with all technical ids is its acknowledgment.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{
    admission::{self, taken},
    body::{CaseBody, FolderBody},
    given::{Given, GivenCase, Wanted},
    view::{self, Rows},
};
use crate::{
    domain::{
        Context,
        exchanges::{HUB, LODGED, TELEDOSSIER},
        ged::ProjectKeys,
        hubee::{
            Caller, Document, Refusal, Result,
            attachments::announced::{Allowed, Place},
            process::Process,
            refusal,
            status::{CaseStatus, FolderStatus},
        },
        journal::{self, Kind, Subject},
    },
    kernel::{
        fault::{Fault, Result as Kept},
        secret::Key,
    },
    storage::{
        Prepared, Tx,
        exchanges::{self, ExchangeRow, Owner},
        hubee::{
            attachments::{self, AttachmentRow},
            cases::{self, CaseRow},
            folders::{self, FolderRow},
            processes,
        },
        journal as journal_rows,
    },
};

/// Creates the folder of `document`, and answers it. Fails with every fault of the body at once (R7), or where its process is
/// another organisation's.
pub async fn create(ctx: &Context, caller: &Caller, document: Document) -> Result<Json> {
    let wanted = Wanted::of(document.value());
    let admission = admission::look(ctx, caller, wanted).await?;
    let process = admission.process;
    let given = Given::read(&document, process.as_ref().map(allowed).as_ref());
    let mut faults = document.faults();
    faults.extend(admission.faults);
    Refusal::unless_none(faults)?;
    let process = process.ok_or_else(|| Fault::internal("a folder passed without its process"))?;
    let keys = ctx.keyring.project(HUB).await?;
    let made = Made::new(ctx, caller, &keys, &process, &given)?;
    let answer = view::json(&made.key, &made.rows, &made.body)?;
    let name = given.external_id;
    let written = refusal::write(&ctx.store, move |tx| {
        let folder = &made.rows.folder;
        if !processes::stays_with(tx, &folder.process_code, &folder.osl)? {
            return Err(Refusal::bad(moved(&folder.process_code)));
        }
        match made.insert(tx)? {
            true => Ok(()),
            // Another was faster.
            false => Err(Refusal::bad(taken(&name))),
        }
    });
    written.await?;
    Ok(answer)
}

/// What is said where a process was given to another organisation while a folder of it was created (R20).
fn moved(process: &str) -> String {
    format!("Process {process} has another owner now")
}

/// What a process takes of a folder's files (R13).
fn allowed(process: &Process) -> Allowed<'_> {
    Allowed {
        process: &process.code,
        formats: &process.attachment_formats,
        kinds: Some(&process.attachment_types),
        largest: process.attachment_max_size,
    }
}

/// The rows of a new folder, ready to be inserted.
struct Made {
    key: Key,
    body: FolderBody,
    rows: Rows,
    statements: Vec<Prepared>,
}

impl Made {
    fn new(
        ctx: &Context,
        caller: &Caller,
        keys: &ProjectKeys,
        process: &Process,
        given: &Given,
    ) -> Kept<Self> {
        let (key, wrapped_key) = keys.fresh(&ctx.entropy)?;
        let body = body(caller, given);
        let folder = folder(ctx, keys, process, given)?;
        let cases = given.cases.iter().zip(0..);
        let cases: Vec<CaseRow> = cases
            .map(|(case, ordinal)| case_row(ctx, (keys, &key), &folder, case, ordinal))
            .collect::<Kept<_>>()?;
        let attachments = attachments(ctx, &key, &folder, given)?;
        let exchange = exchange(ctx, (keys, &key, wrapped_key), caller, &folder, &body)?;
        let rows = Rows {
            folder,
            cases,
            attachments,
        };
        let mut statements = vec![exchanges::insert(&exchange)];
        statements.extend(beside(&rows, given));
        statements.extend(created(ctx, caller, &rows)?);
        Ok(Self {
            key,
            body,
            rows,
            statements,
        })
    }

    /// Answers `false`, and writes nothing, where its organisation has a folder of this external id.
    fn insert(&self, tx: &mut Tx<'_>) -> Kept<bool> {
        if !folders::insert(tx, &self.rows.folder)? {
            return Ok(false);
        }
        tx.run_all(&self.statements)?;
        Ok(true)
    }
}

fn body(caller: &Caller, given: &Given) -> FolderBody {
    let recipients = given.attachments.iter();
    FolderBody {
        external_id: given.external_id.clone(),
        applicant: given.applicant.clone(),
        partner_info: caller.partner.to_json(),
        recipients: recipients.map(|(_, cases)| cases.clone()).collect(),
    }
}

fn folder(ctx: &Context, keys: &ProjectKeys, process: &Process, given: &Given) -> Kept<FolderRow> {
    let osl = process.osl.to_string();
    Ok(FolderRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        owner: ctx.owner(&osl),
        osl,
        process_code: process.code.clone(),
        external_hash: keys.hash(&given.external_id),
        status: FolderStatus::Received.as_str().to_owned(),
        created_at: ctx.clock.now(),
        updated_at: None,
        completed_at: None,
        notified_at: None,
        closed_at: None,
        archived_at: None,
    })
}

fn case_row(
    ctx: &Context,
    (keys, key): (&ProjectKeys, &Key),
    folder: &FolderRow,
    given: &GivenCase,
    ordinal: u32,
) -> Kept<CaseRow> {
    let missing = || Fault::internal("a folder passed without a recipient");
    let recipient = given.recipient.as_ref().ok_or_else(missing)?;
    let body = CaseBody {
        external_id: given.external_id.clone(),
        partner_attributes: given.partner_attributes.clone(),
    };
    Ok(CaseRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        folder_id: folder.id,
        ordinal,
        owner: folder.owner.clone(),
        osl: folder.osl.clone(),
        recipient: recipient.to_string(),
        process_code: folder.process_code.clone(),
        external_hash: keys.hash(&given.external_id),
        status: CaseStatus::Received.as_str().to_owned(),
        created_at: folder.created_at,
        updated_at: None,
        transmitted_at: None,
        closed_at: None,
        purge_at: None,
        body: body.seal(ctx, key)?,
    })
}

fn attachments(
    ctx: &Context,
    key: &Key,
    folder: &FolderRow,
    given: &Given,
) -> Kept<Vec<AttachmentRow>> {
    let announced = given.attachments.iter().zip(0..);
    let rows = announced.map(|((announced, _), ordinal)| {
        let place = Place {
            folder_id: folder.id,
            event_id: None,
            owner: folder.owner.clone(),
            ordinal,
        };
        announced.row(ctx, key, place)
    });
    rows.collect()
}

/// The exchange that the folder is to the rest of the house: keys, journal, holds, backup.
fn exchange(
    ctx: &Context,
    (keys, key, wrapped_key): (&ProjectKeys, &Key, Vec<u8>),
    caller: &Caller,
    folder: &FolderRow,
    body: &FolderBody,
) -> Kept<ExchangeRow> {
    let plain = serde_json::to_vec(body).map_err(Fault::internal)?;
    Ok(ExchangeRow {
        id: folder.id,
        kind: TELEDOSSIER.to_owned(),
        client_id: caller.client.id.clone(),
        owner: folder.owner.clone(),
        project: HUB.to_owned(),
        source_application: folder.process_code.clone(),
        iteration: 1,
        status: LODGED.to_owned(),
        received_at: folder.created_at,
        request_bytes: plain.len() as u64,
        dossier_hash: folder.external_hash,
        size: 0,
        // Under the hub's key: a plain digest of so little would tell the names behind it.
        sha256: keys.hash_fields(&[b"folder", &plain]),
        key_id: keys.id,
        wrapped_key,
        metadata: body.seal(ctx, key)?,
        earlier_missing: false,
        repetitions: 0,
    })
}

/// The statements of cases, attachments and links.
fn beside(rows: &Rows, given: &Given) -> Vec<Prepared> {
    let cases = rows.cases.iter().map(cases::insert);
    let files = rows.attachments.iter().map(attachments::insert);
    let mut statements: Vec<_> = cases.chain(files).collect();
    for (row, (_, ordinals)) in rows.attachments.iter().zip(&given.attachments) {
        let named = ordinals.iter();
        let named = named.filter_map(|ordinal| rows.cases.get(*ordinal as usize));
        statements.extend(named.map(|case| attachments::insert_link(row, case.id, None)));
    }
    statements
}

/// The statements of its first journal entry.
fn created(ctx: &Context, caller: &Caller, rows: &Rows) -> Kept<[Prepared; 2]> {
    let folder = &rows.folder;
    let cases: Vec<Uuid> = rows.cases.iter().map(|case| case.id).collect();
    let attachments: Vec<Uuid> = rows.attachments.iter().map(|row| row.id).collect();
    let detail = json!({
        "clientId": caller.client.id,
        "organization": caller.organization().to_string(),
        "process": folder.process_code,
        "cases": cases,
        "attachments": attachments,
    });
    let subject = subject(folder.id, &folder.owner);
    let entry = journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::FolderCreated,
        subject,
        detail,
    )?;
    Ok(journal_rows::appending(&entry))
}

fn subject(folder: Uuid, owner: &Owner) -> Subject {
    Subject {
        exchange_id: Some(folder),
        project: Some(HUB.to_owned()),
        owner: owner.clone(),
    }
}
