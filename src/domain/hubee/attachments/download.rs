//! The file of an attachment, for a caller whose case sees it (R14, R20). What is not `RECEIVED` is no file: nobody learns
//! here that one was infected or purged, its status says so elsewhere.

use uuid::Uuid;

use super::{Status, announced};
use crate::{
    domain::{
        Context,
        exchanges::HUB,
        ged::documents,
        hubee::{
            Caller, Refusal, Result,
            events::Status as EventStatus,
            refusal::{self, FILE},
            sight,
        },
        pieces::content::Readable,
    },
    kernel::fault::Fault,
    storage::{
        Tx, documents as rows,
        exchanges::{self, DocumentRow, ExchangeRow},
        hubee::attachments::{self, AttachmentRow},
    },
};

/// An attachment with its file, and the folder's exchange, whose key opens the name.
struct Found {
    attachment: AttachmentRow,
    document: DocumentRow,
    exchange: ExchangeRow,
}

/// The file of an attachment of the case's folder that the case is linked with.
pub async fn of_case(ctx: &Context, caller: &Caller, case: Uuid, id: Uuid) -> Result<Readable> {
    let caller = caller.clone();
    let found = refusal::read(&ctx.store, move |tx| {
        let case = sight::case(tx, &caller, case, FILE)?;
        let found = attachments::find(tx, id)?;
        let found = found.filter(|row| row.folder_id == case.folder_id && row.event_id.is_none());
        let link = attachments::link(tx, id, case.id)?;
        let linked = link.is_some_and(|status| status != Status::Deleted.as_str());
        with_file(tx, found.filter(|_| linked))
    });
    readable(ctx, found.await?).await
}

/// The file of an attachment of one of the case's events; until the event is sent, for who made it.
pub async fn of_event(
    ctx: &Context,
    caller: &Caller,
    (case, event): (Uuid, Uuid),
    id: Uuid,
) -> Result<Readable> {
    let caller = caller.clone();
    let found = refusal::read(&ctx.store, move |tx| {
        let case = sight::case(tx, &caller, case, FILE)?;
        let event = sight::event(tx, &case, event, FILE)?;
        let sent = event.status != EventStatus::InProgress.as_str();
        let shown = sent || sight::author(&caller, &event).is_ok();
        let found = attachments::find(tx, id)?;
        with_file(
            tx,
            found.filter(|row| shown && row.event_id == Some(event.id)),
        )
    });
    readable(ctx, found.await?).await
}

fn with_file(tx: &mut Tx<'_>, found: Option<AttachmentRow>) -> Result<Found> {
    let found = found.filter(|row| row.status == Status::Received.as_str());
    let attachment = found.ok_or(Refusal::NotFound(FILE))?;
    let document = attachment.document_id.ok_or(Refusal::NotFound(FILE))?;
    // Another upload may have come between the two looks.
    let document = rows::find(tx, document)?.ok_or(Refusal::NotFound(FILE))?;
    let folder = attachment.folder_id;
    let missing = || Fault::internal(format!("folder {folder} has no exchange"));
    let exchange = exchanges::find(tx, folder)?.ok_or_else(missing)?;
    Ok(Found {
        attachment,
        document,
        exchange,
    })
}

async fn readable(ctx: &Context, found: Found) -> Result<Readable> {
    let key = documents::exchange_key(ctx, &found.exchange).await?;
    let file_name = announced::file_name(&key, &found.attachment)?;
    match documents::reader(ctx, HUB, &found.document).await {
        Ok(reader) => Ok(Readable {
            row: found.document,
            file_name,
            reader,
        }),
        Err(fault) => Err(or_gone(ctx, &found.attachment, fault).await),
    }
}

/// What a purge takes away while it is asked for is no damage: it is no file any more.
async fn or_gone(ctx: &Context, attachment: &AttachmentRow, fault: Fault) -> Refusal {
    let (id, document) = (attachment.id, attachment.document_id);
    let now = ctx.store.read(move |tx| attachments::find(tx, id)).await;
    let is_there = now.map(|row| {
        row.is_some_and(|row| {
            row.document_id == document && row.status == Status::Received.as_str()
        })
    });
    match is_there {
        Ok(false) => Refusal::NotFound(FILE),
        Ok(true) | Err(_) => Refusal::Fault(fault),
    }
}
