//! Where a folder's sender moves it (R15, R16): complete, closed, open again. Only its completion changes its cases; they
//! are closed on their own.
//!
//! | asked | from | what is done |
//! |---|---|---|
//! | `HUBEE_COMPLETED` | never notified | completed, where no file is missing |
//! | | `HUBEE_COMPLETED`, `HUBEE_NOTIFIED` | nothing: it was asked before |
//! | | closed after it was notified | refused: `HUBEE_NOTIFIED` opens it again |
//! | `HUBEE_NOTIFIED` | never notified | completed: there is no other way to be notified |
//! | | any other | open again |
//! | `CLOSED` | `HUBEE_COMPLETED` | refused: its notifications are on their way |
//! | | any other | closed as of `closeDateTime`, else now |

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::view;
use crate::{
    domain::{
        Context,
        ged::documents,
        hubee::{
            Caller, Document, Refusal, Result,
            attachments::{Status, announced},
            completion::{self, append},
            perimeter, refusal,
            sight::named,
            status::FolderStatus,
        },
        journal::Kind,
    },
    kernel::{failpoint, fault::Result as Kept},
    storage::{
        Tx,
        hubee::{
            attachments::{self, AttachmentRow},
            folders::{self, FolderRow},
        },
    },
};

/// The most characters of a status.
const STATUS: usize = 50;

/// What is asked of a folder.
#[derive(Clone, Copy, Debug)]
struct Asked {
    status: FolderStatus,
    closed_at: Option<Timestamp>,
}

/// What came of it.
enum Outcome {
    Done,
    /// These files were not sent yet, or not as they were announced: nothing is written.
    Missing(Vec<AttachmentRow>),
}

/// Moves the folder of that id as `document` asks.
pub async fn change(ctx: &Context, caller: &Caller, id: Uuid, document: Document) -> Result<()> {
    let asked = read(&document);
    document.done()?;
    let Some(asked) = asked else { return Ok(()) };
    failpoint::hit("hub.before-complete");
    let (unit, who) = (ctx.clone(), caller.clone());
    let outcome = refusal::write(&ctx.store, move |tx| moved(tx, &unit, &who, id, asked)).await?;
    failpoint::hit("hub.after-complete");
    match outcome {
        Outcome::Done => {
            // Mails may have been queued.
            ctx.bell.notify_one();
            Ok(())
        }
        Outcome::Missing(rows) => Err(missing(ctx, id, rows).await?),
    }
}

fn read(document: &Document) -> Option<Asked> {
    let fields = document.object();
    let text = fields.required_text("globalStatus", STATUS);
    let closed_at = fields.instant("closeDateTime");
    let status = FolderStatus::asked(&text);
    if status.is_none() && !text.is_empty() {
        fields.wrong(
            "globalStatus",
            "expected one of HUBEE_COMPLETED, HUBEE_NOTIFIED, CLOSED",
        );
    }
    status.map(|status| Asked { status, closed_at })
}

fn moved(
    tx: &mut Tx<'_>,
    ctx: &Context,
    caller: &Caller,
    id: Uuid,
    asked: Asked,
) -> Result<Outcome> {
    let folder = folders::lock(tx, id)?.ok_or(Refusal::NotFound(refusal::FOLDER))?;
    perimeter::folder(caller, &named(&folder.osl)?)?;
    let by = caller.organization().to_string();
    let status = FolderStatus::parse(&folder.status)?;
    let was_notified = folder.notified_at.is_some();
    match (asked.status, status) {
        (_, FolderStatus::Archived) => {
            Err(Refusal::bad("Folder is archived and cannot be changed"))
        }
        (FolderStatus::Closed, FolderStatus::Completed) => Err(Refusal::bad(
            "Folder cannot be closed before its notifications are sent",
        )),
        (FolderStatus::Closed, _) => Ok(close(tx, ctx, &folder, &by, asked.closed_at)?),
        // Asked before: what it leads to is done, or on its way.
        (_, FolderStatus::Completed | FolderStatus::Notified) => Ok(Outcome::Done),
        (FolderStatus::Completed, _) if was_notified => Err(Refusal::bad(
            "Folder is closed: HUBEE_NOTIFIED opens it again",
        )),
        _ if was_notified => Ok(reopen(tx, ctx, &folder, &by)?),
        _ => Ok(complete(tx, ctx, &folder, &by)?),
    }
}

fn close(
    tx: &mut Tx<'_>,
    ctx: &Context,
    folder: &FolderRow,
    by: &str,
    at: Option<Timestamp>,
) -> Kept<Outcome> {
    let (now, was_closed) = (ctx.clock.now(), folder.closed_at.is_some());
    if was_closed && (at.is_none() || at == folder.closed_at) {
        return Ok(Outcome::Done);
    }
    let at = at.unwrap_or(now);
    folders::closed(tx, folder.id, at, now)?;
    let detail = json!({ "organization": by, "closedAt": at });
    append(tx, ctx, Kind::FolderClosed, folder, detail)?;
    Ok(Outcome::Done)
}

fn reopen(tx: &mut Tx<'_>, ctx: &Context, folder: &FolderRow, by: &str) -> Kept<Outcome> {
    folders::reopened(tx, folder.id, ctx.clock.now())?;
    let detail = json!({ "organization": by });
    append(tx, ctx, Kind::FolderReopened, folder, detail)?;
    Ok(Outcome::Done)
}

fn complete(tx: &mut Tx<'_>, ctx: &Context, folder: &FolderRow, by: &str) -> Kept<Outcome> {
    let mut missing = Vec::new();
    for row in attachments::of_folder(tx, folder.id)? {
        if Status::parse(&row.status)?.is_missing() {
            missing.push(row);
        }
    }
    if !missing.is_empty() {
        return Ok(Outcome::Missing(missing));
    }
    completion::complete(tx, ctx, folder, by)?;
    Ok(Outcome::Done)
}

/// The refusal that names what is missing, as its sender calls it.
async fn missing(ctx: &Context, folder: Uuid, rows: Vec<AttachmentRow>) -> Kept<Refusal> {
    let exchange = ctx.store.read(move |tx| view::exchange(tx, folder)).await?;
    let key = documents::exchange_key(ctx, &exchange).await?;
    let told = rows.iter().map(|row| {
        let (name, status) = (announced::file_name(&key, row)?, &row.status);
        Ok(format!(
            "Attachment {} ({name}) is missing: its status is {status}",
            row.id
        ))
    });
    told.collect::<Kept<Vec<_>>>().map(Refusal::Bad)
}
