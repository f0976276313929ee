//! One side moves a case (R21): the status must be in its list, the order is not enforced, and the one that it has already is
//! no fault.

use uuid::Uuid;

use super::standing::{self, Moved};
use crate::{
    domain::{
        Context,
        hubee::{
            Caller, Document, Refusal, Result,
            refusal::{self, CASE},
            sight,
            status::CaseStatus,
        },
    },
};

/// The most characters of a status.
const STATUS: usize = 50;

/// Moves the case of that id as `document` asks.
pub async fn change(ctx: &Context, caller: &Caller, id: Uuid, document: Document) -> Result<()> {
    let asked = read(caller, &document);
    document.done()?;
    let Some(to) = asked else { return Ok(()) };
    let (unit, who) = (ctx.clone(), caller.clone());
    refusal::write(&ctx.store, move |tx| {
        let case = sight::case(tx, &who, id, CASE)?;
        let by = who.organization().to_string();
        match standing::move_to(tx, &unit, case.id, to, &by)? {
            Moved::Done | Moved::Same => Ok(()),
            Moved::Archived => Err(Refusal::bad("Case is archived and cannot be changed")),
        }
    })
    .await
}

fn read(caller: &Caller, document: &Document) -> Option<CaseStatus> {
    let fields = document.object();
    let text = fields.required_text("status", STATUS);
    let status = CaseStatus::settable_by(caller.scope(), &text);
    if status.is_none() && !text.is_empty() {
        let settable = CaseStatus::all_settable_by(caller.scope());
        let names: Vec<_> = settable.map(CaseStatus::as_str).collect();
        let what = format!("expected one of {}", names.join(", "));
        fields.wrong("status", &what);
    }
    status
}
