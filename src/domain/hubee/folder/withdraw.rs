//! A folder that nobody was told of is deleted by its sender (R17): at `HUBEE_RECEIVED`, without event or notification. What
//! it held goes as in a purge: keys destroyed with the transaction, blobs queued. So a legal hold keeps it.

use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::{
        Context,
        exchanges::HUB,
        hubee::{
            Caller, Refusal, Result, attachments::unjudged, held, perimeter, refusal, sight::named,
            status::FolderStatus,
        },
        journal::{self, Kind, Subject},
    },
    kernel::fault::Result as Kept,
    storage::{
        Tx,
        hubee::{cases, events, folders, notifications},
        purging::{self, Beside, NaturalKey, Purged},
    },
};

/// Deletes the folder of that id. Fails with `Folder is not found`, where it is another's, or where it is too late.
pub async fn withdraw(ctx: &Context, caller: &Caller, id: Uuid) -> Result<()> {
    let (unit, who) = (ctx.clone(), caller.clone());
    refusal::write(&ctx.store, move |tx| delete(tx, &unit, &who, id)).await
}

fn delete(tx: &mut Tx<'_>, ctx: &Context, caller: &Caller, id: Uuid) -> Result<()> {
    let folder = folders::lock(tx, id)?.ok_or(Refusal::NotFound(refusal::FOLDER))?;
    perimeter::folder(caller, &named(&folder.osl)?)?;
    // Whoever posts an event holds its case: from here on it is seen, or finds no case.
    cases::lock_of_folder(tx, id)?;
    if folder.status != FolderStatus::Received.as_str() || is_known(tx, id)? {
        let why = "Folder can only be deleted at HUBEE_RECEIVED, without event or notification";
        return Err(Refusal::bad(why));
    }
    held::permits_for_good(tx, id)?;
    let subject = Subject {
        exchange_id: Some(id),
        project: Some(HUB.to_owned()),
        owner: folder.owner.clone(),
    };
    let detail = json!({ "organization": caller.organization().to_string() });
    let entry = journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::FolderWithdrawn,
        subject,
        detail,
    )?;
    let purged = Purged {
        exchange_id: id,
        return_id: None,
        beside: Beside::Nothing,
        folder: true,
        natural_key: NaturalKey::Later,
        entry,
    };
    let run = ctx.entropy.uuid(&ctx.clock)?;
    purging::destroy(tx, run, ctx.clock.now(), &[purged])?;
    unjudged::over(ctx, id, &folder.owner)?.close(tx)?;
    Ok(())
}

/// Whether somebody was told of it.
fn is_known(tx: &mut Tx<'_>, folder: Uuid) -> Kept<bool> {
    Ok(events::any_of_folder(tx, folder)? || notifications::is_in_folder(tx, folder)?)
}
