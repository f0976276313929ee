//! A folder is complete: one notification for each case, then folder and cases move to `HUBEE_NOTIFIED`, all in one
//! transaction with mails and journal (R15), so that a folder is either not completed or completed with all of them.
//!
//! Where a file still waits for the antivirus, the folder stays at `HUBEE_COMPLETED` and [`resume`] finishes it in the
//! transaction of the last verdict (R15b). Both take the folder's row first: two who complete it at once wait for each
//! other, and the second finds it done.

use serde_json::json;
use uuid::Uuid;

use super::{
    case::standing,
    mails,
    notification::{self, Notice},
    status::{CaseStatus, FolderStatus},
    terms::Terms,
};
use crate::{
    domain::{
        Context,
        exchanges::HUB,
        journal::{self, Kind, Subject},
    },
    kernel::{failpoint, fault::Result},
    storage::{
        Tx,
        hubee::{
            attachments,
            cases::{self, CaseRow},
            folders::{self, FolderRow},
        },
        journal as journal_rows,
    },
};

/// Goes on with a folder whose notifications wait for scans: they go, where no file waits any more. For the transaction of a
/// verdict. Answers whether they went; the caller rings the bell for their mails.
pub fn resume(tx: &mut Tx<'_>, ctx: &Context, folder: Uuid) -> Result<bool> {
    match folders::lock(tx, folder)? {
        Some(folder)
            if folder.status == FolderStatus::Completed.as_str()
                && !attachments::is_scanning(tx, folder.id)? =>
        {
            announce(tx, ctx, &folder).map(|()| true)
        }
        _ => Ok(false),
    }
}

/// Completes a folder whose row the transaction holds and whose files are all sent.
pub fn complete(tx: &mut Tx<'_>, ctx: &Context, folder: &FolderRow, by: &str) -> Result<()> {
    let waits = attachments::is_scanning(tx, folder.id)?;
    let now = ctx.clock.now();
    folders::completed(tx, folder.id, now)?;
    let detail = json!({ "organization": by, "waitsForScans": waits });
    append(tx, ctx, Kind::FolderCompleted, folder, detail)?;
    if !waits {
        return announce(tx, ctx, folder);
    }
    let terms = Terms::find(tx, &folder.process_code)?;
    for case in cases::of_folder(tx, folder.id)? {
        standing::place(tx, &case, CaseStatus::Completed, &terms, now)?;
    }
    Ok(())
}

/// Notifies the recipients of a folder's cases.
fn announce(tx: &mut Tx<'_>, ctx: &Context, folder: &FolderRow) -> Result<()> {
    let terms = Terms::find(tx, &folder.process_code)?;
    let now = ctx.clock.now();
    let mut made = Vec::new();
    for case in cases::of_folder(tx, folder.id)? {
        // Its recipient is that of now, who stays until this is done (R24).
        let case = cases::lock(tx, case.id)?.unwrap_or(case);
        let row = notification::notify(tx, ctx, &notice(folder, &case))?;
        mails::tell(
            tx,
            ctx,
            (case.id, None),
            &case.recipient,
            &case.process_code,
        )?;
        made.push(row.id);
        failpoint::hit("hub.within-complete");
        standing::place(tx, &case, CaseStatus::Notified, &terms, now)?;
    }
    folders::notified(tx, folder.id, now)?;
    let detail = json!({ "notificationIds": made });
    append(tx, ctx, Kind::FolderNotified, folder, detail)
}

fn notice(folder: &FolderRow, case: &CaseRow) -> Notice {
    Notice {
        recipient: case.recipient.clone(),
        transmitter: folder.osl.clone(),
        process_code: folder.process_code.clone(),
        folder_id: folder.id,
        case_id: case.id,
        event_id: None,
        owner: folder.owner.clone(),
    }
}

/// Appends an entry about a folder.
pub fn append(
    tx: &mut Tx<'_>,
    ctx: &Context,
    kind: Kind,
    folder: &FolderRow,
    detail: serde_json::Value,
) -> Result<()> {
    let subject = Subject {
        exchange_id: Some(folder.id),
        project: Some(HUB.to_owned()),
        owner: folder.owner.clone(),
    };
    let entry = journal::entry(&ctx.clock, &ctx.entropy, kind, subject, detail)?;
    journal_rows::append(tx, &entry)
}
