//! The incidents about files without a verdict (R15b): a folder's own, where that lies with a file; the hub's, where the
//! antivirus is away.
//!
//! Only a file that waits opens one, and is held while it does ([`tell`]). Whatever makes a file wait no more, be it its verdict,
//! another file in its place or its withdrawal, takes it first and then ends its folder's incident ([`over`]) in the same transaction: so
//! none outlives what it is about. Another file of the folder that still waits opens it again at its next look. The hub's ends with
//! the next verdict, or with the last job that finds its file gone ([`gone`]).

use uuid::Uuid;

use crate::{
    domain::{
        Context,
        exchanges::HUB,
        incidents::{self, Cause, Clearing, Code as Anomaly, State, Ticket},
        jobs::{End, Settlement},
    },
    kernel::fault::Result,
    storage::{
        Tx,
        exchanges::Owner,
        hubee::attachments::{self, AttachmentRow, Placed},
        incidents as incident_rows,
    },
};

/// An anomaly of a folder.
pub(super) fn cause(code: Anomaly, folder: Uuid, owner: &Owner) -> Cause {
    Cause {
        code,
        project: Some(HUB.to_owned()),
        owner: owner.clone(),
        exchange_id: Some(folder),
        subject: folder.to_string(),
    }
}

/// The cause that lies with a file of a folder.
pub(super) fn own_cause(folder: Uuid, owner: &Owner) -> Cause {
    cause(Anomaly::ScanUnavailable, folder, owner)
}

/// The cause of an antivirus that is away: one for the hub, however many files wait.
pub(super) fn common_cause(ctx: &Context) -> Cause {
    Cause::of_project(ctx, Anomaly::ScanUnavailable, HUB)
}

/// The end of a folder's own, for who takes a file of it out of waiting.
pub fn over(ctx: &Context, folder: Uuid, owner: &Owner) -> Result<Clearing> {
    incidents::clear(ctx, &own_cause(folder, owner))
}

/// Whether a file waits.
pub fn waits(attachment: &AttachmentRow) -> bool {
    attachment.status == super::Status::Scanning.as_str()
}

/// Opens the incident about a file that still waits, unless it stands already: each look would count in it otherwise.
pub(super) fn tell(tx: &mut Tx<'_>, ticket: &Ticket, file: &Placed) -> Result<()> {
    if !attachments::hold_waiting(tx, file)? {
        return Ok(());
    }
    let found = incident_rows::find(tx, ticket.id())?;
    let resolved = State::Resolved.as_str();
    match found.is_some_and(|incident| incident.state != resolved) {
        true => Ok(()),
        false => ticket.open(tx).map(drop),
    }
}

/// The end of a job whose file waits no more. Where no other does, nobody asks the antivirus any more: its absence is over.
pub(super) fn gone(ctx: &Context) -> Result<Settlement> {
    let back = incidents::clear(ctx, &common_cause(ctx))?;
    Ok(Settlement {
        end: End::Done,
        effects: Box::new(move |tx| {
            if !attachments::any_waits(tx)? {
                back.close(tx)?;
            }
            Ok(())
        }),
    })
}
