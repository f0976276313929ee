//! What a caller sees of cases and events: found by their ids, then held to its perimeter (R8).

use uuid::Uuid;

use super::{
    Caller, OrganizationId, Refusal, Result,
    perimeter::{self, Place},
    status::CaseStatus,
};
use crate::{
    kernel::fault::{Fault, Result as Kept},
    storage::{
        Tx,
        hubee::{
            cases::{self, CaseRow},
            events::{self, EventRow},
        },
    },
};

/// The organisation that a column names.
pub fn named(text: &str) -> Kept<OrganizationId> {
    text.parse().map_err(Fault::internal)
}

/// The case of that id, for a caller that may see it; one that does not exist is told as `missing`.
pub fn case(tx: &mut Tx<'_>, caller: &Caller, id: Uuid, missing: &'static str) -> Result<CaseRow> {
    let case = cases::find(tx, id)?.ok_or(Refusal::NotFound(missing))?;
    permit(caller, &case)?;
    Ok(case)
}

/// The same, which nobody else changes until the transaction ends: it may have moved to another since it was looked at (R24).
pub fn hold(tx: &mut Tx<'_>, caller: &Caller, id: Uuid, missing: &'static str) -> Result<CaseRow> {
    let case = cases::lock(tx, id)?.ok_or(Refusal::NotFound(missing))?;
    permit(caller, &case)?;
    Ok(case)
}

/// Fails where the case is not the caller's to see.
pub fn permit(caller: &Caller, case: &CaseRow) -> Result<()> {
    let (osl, recipient) = (named(&case.osl)?, named(&case.recipient)?);
    let place = Place {
        osl: &osl,
        process: &case.process_code,
        recipient: &recipient,
    };
    perimeter::case(caller, &place)
}

/// The event of that id, where it is one of this case's; else it is told as `missing`.
pub fn event(tx: &mut Tx<'_>, case: &CaseRow, id: Uuid, missing: &'static str) -> Result<EventRow> {
    let found = events::find(tx, id)?.filter(|event| event.case_id == case.id);
    found.ok_or(Refusal::NotFound(missing))
}

/// Fails where somebody else made the event: it is theirs to fill, to send and to delete.
pub fn author(caller: &Caller, event: &EventRow) -> Result<()> {
    let own = caller.organization().to_string() == event.author;
    match caller.is_admin() || own {
        true => Ok(()),
        false => Err(Refusal::Unauthorized),
    }
}

/// Fails where the case is archived: nothing of it changes any more (R61).
pub fn not_archived(case: &CaseRow) -> Result<()> {
    match case.status == CaseStatus::Archived.as_str() {
        true => Err(Refusal::bad("Case is archived and cannot be changed")),
        false => Ok(()),
    }
}
