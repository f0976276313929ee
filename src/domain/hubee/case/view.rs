//! A case as its two sides see it (R20): the folder's applicant, process and dates, its attachments and its events, oldest
//! first. The first time that its recipient reads it is kept (R22).

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::{
    domain::{
        Context,
        ged::documents,
        hubee::{
            Caller, Refusal, Result, Scope,
            attachments::announced,
            case::standing,
            events,
            folder::{
                body::{CaseBody, FolderBody},
                view::exchange,
            },
            forms::date,
            refusal::{self, CASE},
            sight,
            status::CaseStatus,
        },
        journal::{self, Kind},
    },
    kernel::{
        fault::{Fault, Result as Kept},
        secret::Key,
    },
    storage::{
        Tx,
        exchanges::ExchangeRow,
        hubee::{
            attachments::{self, AttachmentRow},
            cases::{self, CaseRow},
            events::{self as event_rows, EventRow},
            folders::{self, FolderRow},
        },
        journal as journal_rows,
    },
};

/// The rows of a case.
struct Rows {
    case: CaseRow,
    folder: FolderRow,
    exchange: ExchangeRow,
    /// Attachments, events, and the events' attachments; nothing where they are not wanted.
    more: Option<(Vec<AttachmentRow>, Vec<EventRow>, Vec<AttachmentRow>)>,
}

impl Rows {
    /// Whether a reading by its recipient is the first: before its folder is complete nobody was told of it, and nothing of an archived
    /// case changes (R61).
    fn is_to_be_transmitted(&self) -> bool {
        let was_told = self.folder.notified_at.is_some();
        let is_archived = self.case.status == CaseStatus::Archived.as_str();
        was_told && !is_archived && self.case.transmitted_at.is_none()
    }
}

/// The case of that id; `lite` leaves out attachments and events. Fails with `Case is not found`, or where it is others'.
pub async fn read(ctx: &Context, caller: &Caller, id: Uuid, lite: bool) -> Result<Json> {
    let asking = caller.clone();
    let found = refusal::read(&ctx.store, move |tx| rows(tx, &asking, id, lite));
    let mut rows = found.await?;
    if caller.scope() == Scope::Si && rows.is_to_be_transmitted() {
        rows.case = transmitted(ctx, caller, rows.case).await?;
    }
    let key = documents::exchange_key(ctx, &rows.exchange).await?;
    Ok(shown(&key, &rows, caller.scope())?)
}

fn rows(tx: &mut Tx<'_>, caller: &Caller, id: Uuid, lite: bool) -> Result<Rows> {
    let case = sight::case(tx, caller, id, CASE)?;
    let missing = || Refusal::Fault(Fault::internal(format!("case {id} has no folder")));
    let folder = folders::find(tx, case.folder_id)?.ok_or_else(missing)?;
    let exchange = exchange(tx, case.folder_id)?;
    let more = match lite {
        true => None,
        false => Some((
            attachments::of_case(tx, id)?,
            event_rows::of_case(tx, id)?,
            attachments::of_case_events(tx, id)?,
        )),
    };
    Ok(Rows {
        case,
        folder,
        exchange,
        more,
    })
}

/// Keeps that its recipient reads the case; another reading at the same time may have been first.
async fn transmitted(ctx: &Context, caller: &Caller, case: CaseRow) -> Kept<CaseRow> {
    let detail = json!({ "caseId": case.id, "organization": caller.organization().to_string() });
    let subject = standing::subject(&case);
    let kind = Kind::CaseTransmitted;
    let entry = journal::entry(&ctx.clock, &ctx.entropy, kind, subject, detail)?;
    let written = ctx.store.write(move |tx| {
        if cases::transmitted(tx, case.id, entry.at)? {
            journal_rows::append(tx, &entry)?;
        }
        Ok(cases::find(tx, case.id)?.unwrap_or_else(|| case.clone()))
    });
    written.await
}

fn shown(key: &Key, rows: &Rows, viewer: Scope) -> Kept<Json> {
    let (case, folder) = (&rows.case, &rows.folder);
    let of_folder = FolderBody::open(key, &rows.exchange)?;
    let body = CaseBody::open(key, case)?;
    let mut shown = json!({
        "id": case.id,
        "status": case.status,
        "recipient": sight::named(&case.recipient)?.to_json(),
        "externalId": body.external_id,
        "processCode": case.process_code,
        "createDateTime": date(folder.created_at),
        "updateDateTime": case.updated_at.map(date),
        "transmissionDateTime": case.transmitted_at.map(date),
        "closeDateTime": folder.closed_at.map(date),
        "partnerAttributes": body.partner_attributes,
        "applicant": of_folder.applicant.to_json(),
    });
    if let Some((attachments, events, files)) = &rows.more {
        let attachments = attachments.iter().map(|row| announced::view(key, row));
        shown["attachments"] = attachments.collect::<Kept<_>>()?;
        shown["events"] = events::view::views(key, events, files, viewer)?.into();
    }
    Ok(shown)
}
