//! A folder as its sender sees it (R10): with all technical ids, everything in the order in which it was given (R6).

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::body::{CaseBody, FolderBody};
use crate::{
    domain::{
        Context,
        ged::documents,
        hubee::{
            Caller, Refusal, Result, attachments::announced, forms::date, perimeter, refusal,
            sight::named,
        },
    },
    kernel::{
        fault::{Fault, Result as Kept},
        secret::Key,
    },
    storage::{
        Tx,
        exchanges::{self, ExchangeRow},
        hubee::{
            attachments::{self, AttachmentRow},
            cases::{self, CaseRow},
            folders::{self, FolderRow},
        },
    },
};

/// The rows of a folder.
pub struct Rows {
    /// The folder.
    pub folder: FolderRow,
    /// Its cases, in their order.
    pub cases: Vec<CaseRow>,
    /// Its own attachments, in their order.
    pub attachments: Vec<AttachmentRow>,
}

/// The folder of that id. Fails with `Folder is not found`, or where it is another's.
pub async fn read(ctx: &Context, caller: &Caller, id: Uuid) -> Result<Json> {
    let caller = caller.clone();
    let found = refusal::read(&ctx.store, move |tx| {
        let folder = seen(tx, &caller, id)?;
        let rows = Rows {
            folder,
            cases: cases::of_folder(tx, id)?,
            attachments: attachments::of_folder(tx, id)?,
        };
        Ok((rows, exchange(tx, id)?))
    });
    let (rows, exchange) = found.await?;
    let key = documents::exchange_key(ctx, &exchange).await?;
    Ok(json(&key, &rows, &FolderBody::open(&key, &exchange)?)?)
}

/// The folder of that id, where the caller may see it.
fn seen(tx: &mut Tx<'_>, caller: &Caller, id: Uuid) -> Result<FolderRow> {
    let found = folders::find(tx, id)?.ok_or(Refusal::NotFound(refusal::FOLDER))?;
    perimeter::folder(caller, &named(&found.osl)?)?;
    Ok(found)
}

/// The exchange of a folder.
pub fn exchange(tx: &mut Tx<'_>, folder: Uuid) -> Kept<ExchangeRow> {
    let missing = || Fault::internal(format!("folder {folder} has no exchange"));
    exchanges::find(tx, folder)?.ok_or_else(missing)
}

/// A folder as the contract writes it.
pub fn json(key: &Key, rows: &Rows, body: &FolderBody) -> Kept<Json> {
    let folder = &rows.folder;
    let bodies = rows.cases.iter().map(|case| CaseBody::open(key, case));
    let bodies: Vec<CaseBody> = bodies.collect::<Kept<_>>()?;
    let cases = rows.cases.iter().zip(&bodies);
    let cases = cases.map(|(case, body)| case_json(case, body));
    let attachments = rows.attachments.iter().enumerate().map(|(number, row)| {
        let mut json = announced::view(key, row)?;
        let named = body.recipients.get(number).map_or(&[][..], Vec::as_slice);
        json["recipients"] = recipients(named, &bodies);
        Ok(json)
    });
    Ok(json!({
        "id": folder.id,
        "externalId": body.external_id,
        "globalStatus": folder.status,
        "processCode": folder.process_code,
        "createDateTime": date(folder.created_at),
        "updateDateTime": folder.updated_at.map(date),
        "closeDateTime": folder.closed_at.map(date),
        "applicant": body.applicant.to_json(),
        "partnerInfo": body.partner_info,
        "cases": cases.collect::<Kept<Vec<_>>>()?,
        "attachments": attachments.collect::<Kept<Vec<_>>>()?,
    }))
}

fn case_json(case: &CaseRow, body: &CaseBody) -> Kept<Json> {
    Ok(json!({
        "id": case.id,
        "externalId": body.external_id,
        "status": case.status,
        "recipient": named(&case.recipient)?.to_json(),
        "updateDateTime": case.updated_at.map(date),
        "transmissionDateTime": case.transmitted_at.map(date),
        "partnerAttributes": body.partner_attributes,
    }))
}

fn recipients(ordinals: &[u32], bodies: &[CaseBody]) -> Json {
    let named = ordinals.iter();
    let named = named.filter_map(|ordinal| bodies.get(*ordinal as usize));
    named.map(|body| body.external_id.as_str()).collect()
}
