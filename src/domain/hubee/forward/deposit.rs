//! The deposit itself, as the OSL of the process would make it: create, upload, complete.

use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{contents::File, part::Part};
use crate::{
    config::Forward,
    domain::{
        Context,
        exchanges::{HUB, PIECE},
        ged::documents,
        hubee::{
            Caller, Client, Document, OrganizationId, PartnerInfo, Refusal, Result, Scope,
            attachments::{
                Scanner, Status, target,
                upload::{Digest, Upload},
            },
            folder::{change, create},
            process::{self, Process},
            refusal::{FOLDER, PROCESS},
            status::FolderStatus,
        },
    },
    kernel::fault::Fault,
    storage::{
        exchanges::ExchangeRow,
        hubee::{
            attachments::{self, AttachmentRow},
            folders,
        },
    },
};

/// The most characters of a name of the applicant.
const NAME: usize = 255;

/// Makes a folder of a part of an exchange's files, or goes on with the one that a job which died has begun; answers its id.
pub(super) async fn deposited(
    ctx: &Context,
    exchange: &ExchangeRow,
    forward: &Forward,
    (part, files): (Part, &[File]),
) -> Result<Uuid> {
    let process = process::load(ctx, &forward.process).await?;
    let process = process.ok_or(Refusal::NotFound(PROCESS))?;
    let caller = caller(&process);
    let id = match begun(ctx, &part.external_id(exchange.id), &process).await? {
        Some(id) => id,
        None => {
            let body = body(ctx, exchange, forward, &process, (part, files)).await?;
            let made = create::create(ctx, &caller, Document::new(body, Vec::new())).await?;
            id_of(&made)?
        }
    };
    let rows = ctx.store.read(move |tx| {
        let attachments = attachments::of_folder(tx, id)?;
        Ok((folders::find(tx, id)?, attachments))
    });
    let (folder, rows) = rows.await?;
    let folder = folder.ok_or(Refusal::NotFound(FOLDER))?;
    if folder.status != FolderStatus::Received.as_str() {
        // It was completed before; only the note of it is missing.
        return Ok(id);
    }
    for (row, file) in rows.iter().zip(files) {
        if row.status != Status::Received.as_str() {
            fill(ctx, &caller, exchange, row, file).await?;
        }
    }
    let completed = json!({ "globalStatus": FolderStatus::Completed.as_str() });
    change::change(ctx, &caller, id, Document::new(completed, Vec::new())).await?;
    Ok(id)
}

/// The OSL of the process, by no client of its own.
fn caller(process: &Process) -> Caller {
    let client = Client {
        id: "navette".to_owned(),
        name: "navette".to_owned(),
        organization: process.osl.clone(),
        scope: Scope::Osl,
        processes: None,
        secret_sha256: [0; 32],
        revoked_at: None,
    };
    Caller {
        client: Arc::new(client),
        partner: PartnerInfo {
            editor_name: None,
            application_name: Some("navette".to_owned()),
            software_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        },
    }
}

/// The folder that an earlier attempt has made.
async fn begun(ctx: &Context, external_id: &str, process: &Process) -> Result<Option<Uuid>> {
    let keys = ctx.keyring.project(HUB).await?;
    let hash = keys.hash(external_id);
    let osl = process.osl.to_string();
    let found = ctx
        .store
        .read(move |tx| folders::of_external(tx, &osl, &hash));
    Ok(found.await?)
}

/// The folder as the contract describes a new one.
async fn body(
    ctx: &Context,
    exchange: &ExchangeRow,
    forward: &Forward,
    process: &Process,
    (part, files): (Part, &[File]),
) -> Result<Json> {
    let recipient: OrganizationId = forward
        .recipient
        .parse()
        .map_err(|_| Refusal::bad("forward.recipient is no organisation"))?;
    let folder = part.external_id(exchange.id);
    let case = format!("{folder}-01");
    let kind = forward
        .attachment_type
        .as_ref()
        .or(process.rules.attachment_types.first());
    let attachments: Vec<Json> = files
        .iter()
        .map(|file| {
            json!({
                "fileName": file.name,
                "type": kind,
                "size": file.row.size,
                "mimeType": file.row.media_type,
                "recipients": [case],
            })
        })
        .collect();
    Ok(json!({
        "externalId": folder,
        "processCode": process.code,
        "applicant": applicant(ctx, exchange).await?,
        "cases": [{
            "externalId": case,
            "recipient": recipient.to_json(),
            "partnerAttributes": part.attributes(exchange.id),
        }],
        "attachments": attachments,
    }))
}

/// Pieces name no person: the sender's application and the dossier stand in.
async fn applicant(ctx: &Context, exchange: &ExchangeRow) -> Result<Json> {
    let key = documents::exchange_key(ctx, exchange).await?;
    let metadata = documents::metadata(&key, exchange)?;
    let dossier = match exchange.kind == PIECE || !metadata.dossier_id.is_empty() {
        true => metadata.dossier_id,
        false => metadata.file_name,
    };
    let cut = |text: &str| text.chars().take(NAME).collect::<String>();
    Ok(json!({
        "firstName": cut(&exchange.source_application),
        "lastName": cut(&dossier),
        "email": null,
    }))
}

fn id_of(made: &Json) -> Result<Uuid> {
    let id = made["id"].as_str().and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Fault::internal("a folder was made without its id"))?;
    Ok(id)
}

/// Streams a file from its blob into the attachment's.
async fn fill(
    ctx: &Context,
    caller: &Caller,
    exchange: &ExchangeRow,
    row: &AttachmentRow,
    file: &File,
) -> Result<()> {
    let target = target::of_folder(ctx, caller, row.folder_id, row.id).await?;
    let digest = Digest::Sha256(file.row.sha256);
    let mut upload = Upload::open(ctx, target, digest).await?;
    let reader = documents::reader(ctx, &exchange.project, &file.row).await?;
    let mut bytes = reader.whole();
    while let Some(chunk) = bytes.next().await {
        upload.write(&chunk?).await?;
    }
    upload.finish(ctx, &Scanner::of(&ctx.config)).await
}
