//! Where a case stands (R21), and what follows from it for its files (R23).

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::{
        Context,
        exchanges::HUB,
        hubee::{status::CaseStatus, terms::Terms},
        journal::{self, Kind, Subject},
    },
    kernel::fault::{Fault, Result},
    storage::{
        Tx,
        hubee::{
            cases::{self, CaseRow},
            links,
        },
        journal as journal_rows,
    },
};

/// What came of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It stands there now.
    Done,
    /// It stood there already: nothing was written.
    Same,
    /// It is archived, and stays so.
    Archived,
}

/// Moves a case to `to` on behalf of the organisation `by`, within the caller's transaction: status, files, journal. Whether
/// `by` may set it is asked before ([`CaseStatus::settable_by`]).
pub fn move_to(
    tx: &mut Tx<'_>,
    ctx: &Context,
    case: Uuid,
    to: CaseStatus,
    by: &str,
) -> Result<Moved> {
    let gone = || Fault::internal(format!("case {case} has no row"));
    let case = cases::lock(tx, case)?.ok_or_else(gone)?;
    if case.status == CaseStatus::Archived.as_str() {
        return Ok(Moved::Archived);
    }
    if case.status == to.as_str() {
        return Ok(Moved::Same);
    }
    let terms = Terms::find(tx, &case.process_code)?;
    place(tx, &case, to, &terms, ctx.clock.now())?;
    let detail =
        json!({ "caseId": case.id, "from": case.status, "to": to.as_str(), "organization": by });
    let entry = journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::CaseMoved,
        subject(&case),
        detail,
    )?;
    journal_rows::append(tx, &entry)?;
    Ok(Moved::Done)
}

/// Writes that a case stands at `to`, and what follows for its files; the journal is the caller's.
pub fn place(
    tx: &mut Tx<'_>,
    case: &CaseRow,
    to: CaseStatus,
    terms: &Terms,
    now: Timestamp,
) -> Result<()> {
    let closed_at = (to == CaseStatus::Closed).then_some(now);
    let purge_at = terms.purge_at(to, case.purge_at, now);
    cases::set_status(tx, case.id, to.as_str(), now, closed_at, purge_at)?;
    match purge_at {
        Some(at) if case.purge_at != Some(at) => {
            links::to_delete(tx, case.id, at)?;
            cases::set_portal(tx, case.id, true)
        }
        None if case.purge_at.is_some() => {
            links::to_download(tx, case.id)?;
            cases::set_portal(tx, case.id, false)
        }
        _ => Ok(()),
    }
}

/// From when on files may go that come to a case at `now`; nothing where it has not reached the status for that (R23). What the
/// other side has not fetched yet must not go by a date that was set before it came (HUB-3).
pub fn late(tx: &mut Tx<'_>, case: &CaseRow, now: Timestamp) -> Result<Option<Timestamp>> {
    let Some(before) = case.purge_at else {
        return Ok(None);
    };
    let terms = Terms::find(tx, &case.process_code)?;
    Ok(Some(terms.late(before, now)))
}

/// Where an entry about a case belongs.
pub fn subject(case: &CaseRow) -> Subject {
    Subject {
        exchange_id: Some(case.folder_id),
        project: Some(HUB.to_owned()),
        owner: case.owner.clone(),
    }
}
