//! The attachment that a caller may fill: it exists, it lies within the caller's perimeter, and its folder or event is still
//! open (R14). The same is asked again, under a lock, in the transaction that writes.

use uuid::Uuid;

use crate::{
    domain::{
        Context,
        hubee::{
            Caller, Refusal, Result,
            attachments::Status as FileStatus,
            events::Status as EventStatus,
            held, perimeter,
            refusal::{self, BINARY},
            sight,
            status::FolderStatus,
        },
    },
    storage::{
        Tx,
        hubee::{
            attachments::{self, AttachmentRow},
            cases,
            events::{self, EventRow},
            folders::{self, FolderRow},
        },
    },
};

/// An attachment to be filled.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its row, as it was found.
    pub attachment: AttachmentRow,
    /// The case of its event, where it is an event's.
    case_id: Option<Uuid>,
}

/// A folder's attachment, for its OSL and ADMIN.
pub async fn of_folder(
    ctx: &Context,
    caller: &Caller,
    folder: Uuid,
    attachment: Uuid,
) -> Result<Target> {
    let caller = caller.clone();
    refusal::read(&ctx.store, move |tx| {
        let folder = folders::find(tx, folder)?.ok_or(Refusal::NotFound(BINARY))?;
        perimeter::folder(&caller, &sight::named(&folder.osl)?)?;
        let found = attachments::find(tx, attachment)?;
        let found = found.filter(|row| row.folder_id == folder.id && row.event_id.is_none());
        let target = Target {
            attachment: found.ok_or(Refusal::NotFound(BINARY))?,
            case_id: None,
        };
        open_folder(&folder)?;
        target.is_replaceable(tx)?;
        Ok(target)
    })
    .await
}

/// An event's attachment, for the organisation that made the event and ADMIN.
pub async fn of_event(
    ctx: &Context,
    caller: &Caller,
    (case, event): (Uuid, Uuid),
    attachment: Uuid,
) -> Result<Target> {
    let caller = caller.clone();
    refusal::read(&ctx.store, move |tx| {
        let case = sight::case(tx, &caller, case, BINARY)?;
        let event = sight::event(tx, &case, event, BINARY)?;
        sight::author(&caller, &event)?;
        let found = attachments::find(tx, attachment)?;
        let found = found.filter(|row| row.event_id == Some(event.id));
        let target = Target {
            attachment: found.ok_or(Refusal::NotFound(BINARY))?,
            case_id: Some(case.id),
        };
        open_event(&event)?;
        target.is_replaceable(tx)?;
        Ok(target)
    })
    .await
}

impl Target {
    /// Fails where there is a file already that a legal hold keeps.
    fn is_replaceable(&self, tx: &mut Tx<'_>) -> Result<()> {
        match is_for_a_hold(&self.attachment) {
            true => held::permits(tx, self.attachment.folder_id),
            false => Ok(()),
        }
    }

    /// Holds what the attachment belongs to until the transaction ends, and reads the attachment again. Fails where it was
    /// completed, sent, archived or deleted meanwhile, or where a legal hold keeps the file that is there.
    pub(super) fn hold(&self, tx: &mut Tx<'_>) -> Result<AttachmentRow> {
        match self.case_id {
            None => self.hold_folder(tx)?,
            Some(case) => self.hold_event(tx, case)?,
        }
        let found = attachments::find(tx, self.attachment.id)?;
        let found = found.ok_or(Refusal::NotFound(BINARY))?;
        if is_for_a_hold(&found) {
            held::permits_for_good(tx, found.folder_id)?;
        }
        Ok(found)
    }

    fn hold_folder(&self, tx: &mut Tx<'_>) -> Result<()> {
        let folder = folders::lock(tx, self.attachment.folder_id)?;
        open_folder(&folder.ok_or(Refusal::NotFound(BINARY))?)
    }

    fn hold_event(&self, tx: &mut Tx<'_>, case: Uuid) -> Result<()> {
        let case = cases::lock(tx, case)?.ok_or(Refusal::NotFound(BINARY))?;
        sight::not_archived(&case)?;
        let event = self.attachment.event_id.unwrap_or_default();
        let event = events::find(tx, event)?.ok_or(Refusal::NotFound(BINARY))?;
        open_event(&event)
    }
}

/// Whether its file is there to be kept. One that the antivirus has condemned is not: another must take its place before what it
/// was sent with can go on (R14, R31).
fn is_for_a_hold(attachment: &AttachmentRow) -> bool {
    attachment.document_id.is_some() && attachment.status != FileStatus::Corrupted.as_str()
}

/// One that was closed before it was completed is not completed either: its files may still come, and then it may be (R14, R16).
fn open_folder(folder: &FolderRow) -> Result<()> {
    let is_closed = folder.status == FolderStatus::Closed.as_str();
    let is_open = is_closed && folder.completed_at.is_none();
    match is_open || folder.status == FolderStatus::Received.as_str() {
        true => Ok(()),
        false => Err(Refusal::bad(
            "Folder is completed: its attachments cannot be changed",
        )),
    }
}

fn open_event(event: &EventRow) -> Result<()> {
    match event.status == EventStatus::InProgress.as_str() {
        true => Ok(()),
        false => Err(Refusal::bad(
            "Event is sent: its attachments cannot be changed",
        )),
    }
}
