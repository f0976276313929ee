//! An event is posted on a case (R30 to R33).

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Status,
    follow::{self, Way},
    posted::{Posted, Rules},
    view::{self, Said},
};
use crate::{
    domain::{
        Context,
        exchanges::HUB,
        ged::documents::{self, Column},
        hubee::{
            Caller, Document, Result,
            attachments::announced::Place,
            case::standing,
            process::Process,
            refusal::{self, CASE},
            sight,
        },
        journal::{self, Kind, Subject},
    },
    kernel::{
        fault::{Fault, Result as Kept},
        secret::Key,
    },
    storage::{
        Tx,
        exchanges::{self, ExchangeRow},
        hubee::{
            attachments::{self, AttachmentRow},
            cases::{self, CaseRow},
            events::{self, EventRow},
            processes,
        },
        journal as journal_rows,
    },
};

/// Where an event is posted.
struct Ground {
    case: CaseRow,
    process: Process,
    exchange: ExchangeRow,
}

/// Posts the event of `body` on a case; answers it as its author sees it. Fails with
/// [`Refusal::Bad`](refusal::Refusal::Bad), all faults told.
pub async fn create(ctx: &Context, caller: &Caller, case: Uuid, body: Document) -> Result<Value> {
    let ground = ground(ctx, caller, case).await?;
    let rules = Rules {
        scope: caller.scope(),
        case: &ground.case,
        process: &ground.process,
    };
    let posted = Posted::read(&body, &rules);
    body.done()?;
    let posted = posted.ok_or_else(|| Fault::internal("an event passed that was not read"))?;
    let key = documents::exchange_key(ctx, &ground.exchange).await?;
    let event = event(ctx, &key, caller, &ground.case, &posted)?;
    let files = files(ctx, &key, &event, &posted)?;
    let shown = view::view(&key, &event, &files, caller.scope())?;
    write(ctx, caller, event, files).await?;
    Ok(shown)
}

async fn ground(ctx: &Context, caller: &Caller, case: Uuid) -> Result<Ground> {
    let caller = caller.clone();
    refusal::read(&ctx.store, move |tx| {
        let case = sight::case(tx, &caller, case, CASE)?;
        sight::not_archived(&case)?;
        let missing = || Fault::internal(format!("case {} has no process or exchange", case.id));
        let process = processes::find(tx, &case.process_code)?.ok_or_else(missing)?;
        let exchange = exchanges::find(tx, case.folder_id)?.ok_or_else(missing)?;
        Ok(Ground {
            process: Process::of(&process)?,
            case,
            exchange,
        })
    })
    .await
}

fn event(
    ctx: &Context,
    key: &Key,
    caller: &Caller,
    case: &CaseRow,
    posted: &Posted,
) -> Kept<EventRow> {
    let now = ctx.clock.now();
    let current = posted.case_current_status.clone();
    Ok(EventRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        folder_id: case.folder_id,
        case_id: case.id,
        owner: case.owner.clone(),
        author: caller.organization().to_string(),
        actor: caller.scope().as_str().to_owned(),
        action_type: posted.action.as_str().to_owned(),
        status: posted.action.beginning().as_str().to_owned(),
        notification: posted.notification,
        case_current_status: Some(current.unwrap_or_else(|| case.status.clone())),
        case_new_status: posted
            .case_new_status
            .map(|status| status.as_str().to_owned()),
        created_at: now,
        updated_at: now,
        body: documents::seal_json(ctx, key, Column::HubEvent, &said(caller, posted))?,
    })
}

fn said(caller: &Caller, posted: &Posted) -> Said {
    let p = posted.clone();
    Said {
        message: p.message,
        comment: p.comment,
        author: p.author,
        partner_attributes: p.partner_attributes,
        partner_info: caller.partner.to_json(),
    }
}

fn files(ctx: &Context, key: &Key, event: &EventRow, posted: &Posted) -> Kept<Vec<AttachmentRow>> {
    let each = (0..).zip(&posted.attachments).map(|(ordinal, announced)| {
        let place = Place {
            folder_id: event.folder_id,
            event_id: Some(event.id),
            owner: event.owner.clone(),
            ordinal,
        };
        announced.row(ctx, key, place)
    });
    each.collect()
}

async fn write(
    ctx: &Context,
    caller: &Caller,
    event: EventRow,
    files: Vec<AttachmentRow>,
) -> Result<()> {
    let entry = entry(ctx, &event, files.len())?;
    let (house, who) = (ctx.clone(), caller.clone());
    refusal::write(&ctx.store, move |tx| {
        let case = sight::hold(tx, &who, event.case_id, CASE)?;
        sight::not_archived(&case)?;
        insert(tx, &case, &event, &files)?;
        journal_rows::append(tx, &entry)?;
        match event.status == Status::Sent.as_str() {
            true => follow::write(tx, &house, (&case, &event), Way::Created),
            false => Ok(()),
        }
    })
    .await?;
    ctx.bell.notify_one();
    Ok(())
}

/// The portal has its copies of late files to purge too (R25).
fn insert(tx: &mut Tx<'_>, case: &CaseRow, event: &EventRow, files: &[AttachmentRow]) -> Kept<()> {
    let goes_at = standing::late(tx, case, event.created_at)?;
    let mut statements = vec![events::insert(event)];
    for file in files {
        statements.push(attachments::insert(file));
        statements.push(attachments::insert_link(file, case.id, goes_at));
    }
    tx.run_all(&statements)?;
    match goes_at {
        Some(_) if !files.is_empty() => cases::set_portal(tx, case.id, true),
        _ => Ok(()),
    }
}

fn entry(ctx: &Context, event: &EventRow, files: usize) -> Kept<journal_rows::EntryRow> {
    let detail = json!({
        "eventId": event.id,
        "caseId": event.case_id,
        "actionType": event.action_type,
        "status": event.status,
        "organization": event.author,
        "notification": event.notification,
        "caseNewStatus": event.case_new_status,
        "attachments": files,
    });
    journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::EventCreated,
        subject(event),
        detail,
    )
}

/// Where an event's entries belong.
pub(super) fn subject(event: &EventRow) -> Subject {
    Subject {
        exchange_id: Some(event.folder_id),
        project: Some(HUB.to_owned()),
        owner: event.owner.clone(),
    }
}
