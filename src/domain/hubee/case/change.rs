//! One side moves a case (R21): the status must be in its list, the order is not enforced, and the one that it has already is
//! no fault.

use uuid::Uuid;

use super::standing::{self, Moved};
use crate::domain::{
    Context,
    hubee::{
        Caller, Document, Refusal, Result, Scope,
        refusal::{self, CASE},
        sight,
        status::CaseStatus,
    },
};

/// The most characters of a status.
const STATUS: usize = 50;

/// Moves the case of that id as `document` asks.
pub async fn change(ctx: &Context, caller: &Caller, id: Uuid, document: Document) -> Result<()> {
    let asked = document.object().required_text("status", STATUS);
    document.done()?;
    let (unit, who) = (ctx.clone(), caller.clone());
    refusal::write(&ctx.store, move |tx| {
        let case = sight::hold(tx, &who, id, CASE)?;
        if case.status == asked {
            return Ok(());
        }
        let to = settable(who.scope(), &asked)?;
        let by = who.organization().to_string();
        match standing::move_to(tx, &unit, case.id, to, &by)? {
            Moved::Done | Moved::Same => Ok(()),
            Moved::Archived => Err(Refusal::bad("Case is archived and cannot be changed")),
        }
    })
    .await
}

/// The status of that name, where it is in the caller's list.
fn settable(scope: Scope, asked: &str) -> Result<CaseStatus> {
    CaseStatus::settable_by(scope, asked).ok_or_else(|| {
        let names = CaseStatus::all_settable_by(scope).map(CaseStatus::as_str);
        let names: Vec<_> = names.collect();
        Refusal::bad(format!("#/status: expected one of {}", names.join(", ")))
    })
}
