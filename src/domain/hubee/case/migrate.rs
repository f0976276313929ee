//! All cases of an organisation go to another, with their links, events, notifications and waiting mails (R24), in one transaction. An SI
//! moves its own, within the processes of its client, to another branch of its own SIRET.

use serde_json::{Value as Json, json};

use crate::{
    domain::{
        Context,
        exchanges::HUB,
        hubee::{
            Caller, Document, OrganizationId, Refusal, Result, mails, perimeter,
            refusal::{self, ORGANIZATION},
        },
        journal::{self, Kind, Subject},
    },
    kernel::fault::Result as Kept,
    storage::{
        Tx,
        hubee::{cases, notifications, organizations},
        journal as journal_rows,
    },
};

/// Moves what `document` names; answers how many cases. Fails with `Organization is not found`, or where they are others'.
pub async fn migrate(ctx: &Context, caller: &Caller, document: Document) -> Result<Json> {
    let (source, target) = read(&document);
    let faults = document.faults();
    Refusal::unless_none(faults)?;
    let (Some(source), Some(target)) = (source, target) else {
        return Err(Refusal::bad("#: expected two organizations"));
    };
    let (unit, who) = (ctx.clone(), caller.clone());
    let moved = refusal::write(&ctx.store, move |tx| {
        for id in [&source, &target] {
            if !organizations::exists(tx, &id.to_string())? {
                return Err(Refusal::NotFound(ORGANIZATION));
            }
        }
        perimeter::migration(&who, &source, &target)?;
        Ok(moved(tx, &unit, &who, (&source, &target))?)
    });
    Ok(json!({ "caseUpdated": moved.await? }))
}

fn read(document: &Document) -> (Option<OrganizationId>, Option<OrganizationId>) {
    let fields = document.object();
    let source = fields.required_organization("organizationSource");
    let target = fields.required_organization("organizationTarget");
    if let (Some(source), Some(target)) = (&source, &target) {
        if source == target {
            fields.wrong(
                "organizationTarget",
                "expected another organization than the source",
            );
        } else if source.kind() != target.kind() {
            fields.wrong(
                "organizationTarget",
                "expected an organization of the same type",
            );
        }
    }
    (source, target)
}

fn moved(
    tx: &mut Tx<'_>,
    ctx: &Context,
    caller: &Caller,
    (source, target): (&OrganizationId, &OrganizationId),
) -> Kept<u64> {
    let (source, target) = (source.to_string(), target.to_string());
    let (both, processes) = ((source.as_str(), target.as_str()), caller.processes());
    // What hangs on a case follows it; a case that is created meanwhile stays, and all of it.
    let count = cases::migrate(tx, both, processes, ctx.clock.now())?;
    notifications::migrate(tx, both, processes)?;
    cases::migrate_events(tx, both, processes)?;
    mails::migrate(tx, &source, &target)?;
    let detail = json!({
        "organization": caller.organization().to_string(),
        "source": source,
        "target": target,
        "processes": processes,
        "cases": count,
    });
    let subject = Subject {
        exchange_id: None,
        project: Some(HUB.to_owned()),
        owner: ctx.owner(&source),
    };
    let entry = journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::CasesMigrated,
        subject,
        detail,
    )?;
    journal_rows::append(tx, &entry)?;
    Ok(count)
}
