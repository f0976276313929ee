//! What follows from an event once it is `SENT`, in the transaction that made it so: its case moves (R32), the other side is
//! notified and mailed (R33).

use crate::{
    domain::{
        Context,
        hubee::{
            Refusal, Result, Scope,
            case::standing::{self, Moved},
            mails,
            notification::{self, Notice},
            status::CaseStatus,
        },
    },
    kernel::fault::Fault,
    storage::{
        Tx,
        hubee::{cases::CaseRow, events::EventRow},
    },
};

/// How an event became `SENT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// At its creation.
    Created,
    /// By a change, its files being there.
    Changed,
}

/// Writes what follows. `case` is held by this transaction.
pub(super) fn write(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (case, event): (&CaseRow, &EventRow),
    way: Way,
) -> Result<()> {
    if let Some(status) = &event.case_new_status {
        let to = destination(case, event, status)?;
        if standing::move_to(tx, ctx, case.id, to, &event.author)? == Moved::Archived {
            return Err(Refusal::bad("Case is archived and cannot be changed"));
        }
    }
    if !event.notification {
        return Ok(());
    }
    let notice = notice(case, event);
    notification::notify(tx, ctx, &notice)?;
    if notice.recipient != case.recipient {
        return Ok(());
    }
    let about = (case.id, Some(event.id));
    let (to, process) = (&case.recipient, &case.process_code);
    match is_mailed(event, way) {
        true => mails::tell(tx, ctx, about, to, process)?,
        false => mails::tell_in_digest(tx, ctx, about, to, process)?,
    }
    Ok(())
}

/// Where the event leads: the status where the case stands, or one of its author's list. What was so when the event was posted
/// need not be when it is sent.
fn destination(case: &CaseRow, event: &EventRow, status: &str) -> Result<CaseStatus> {
    if status == case.status {
        return Ok(CaseStatus::parse(status)?);
    }
    let scope: Scope = event.actor.parse().map_err(Fault::internal)?;
    CaseStatus::settable_by(scope, status).ok_or_else(|| {
        Refusal::bad(format!(
            "#/caseNewStatus: status {status} cannot be set by {scope}"
        ))
    })
}

/// For the OSL where the SI acted, for the SI where anybody else did.
fn notice(case: &CaseRow, event: &EventRow) -> Notice {
    let recipient = match event.actor == Scope::Si.as_str() {
        true => &case.osl,
        false => &case.recipient,
    };
    Notice {
        recipient: recipient.clone(),
        transmitter: event.author.clone(),
        process_code: case.process_code.clone(),
        folder_id: case.folder_id,
        case_id: case.id,
        event_id: Some(event.id),
        owner: case.owner.clone(),
    }
}

/// Whether a subscriber of unit frequency is told by mail: always of an event that is sent at its creation; else only where it
/// opens the case again.
fn is_mailed(event: &EventRow, way: Way) -> bool {
    let reopens = event.case_new_status.as_deref() == Some(CaseStatus::Notified.as_str());
    way == Way::Created || reopens
}
