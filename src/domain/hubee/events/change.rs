//! What may still happen to an event: its author sends it once its files are there (R31), the other side acknowledges it
//! (R34), its author withdraws it before it was sent (R36).

use serde_json::json;
use uuid::Uuid;

use super::{
    Action, Status,
    create::subject,
    follow::{self, Way},
};
use crate::{
    domain::{
        Context,
        ged::purge::removal,
        hubee::{
            Caller, Document, Refusal, Result,
            attachments::{Status as FileStatus, unjudged},
            case::standing,
            held,
            refusal::{self, CASE, EVENT},
            sight,
        },
        journal::{self, Kind},
    },
    kernel::fault::Result as Kept,
    storage::{
        Tx,
        hubee::{
            attachments,
            cases::{self, CaseRow},
            events::{self, EventRow},
            files, links,
        },
        journal::{self as journal_rows, EntryRow},
    },
};

/// The most characters of an event's status.
const STATUS: usize = 12;

/// A change in progress.
struct Change {
    ctx: Context,
    caller: Caller,
    case_id: Uuid,
    event_id: Uuid,
}

/// Moves an event to the status that `body` names. To the one that it has: nothing is done, and all is well.
pub async fn patch(
    ctx: &Context,
    caller: &Caller,
    (case_id, event_id): (Uuid, Uuid),
    body: Document,
) -> Result<()> {
    let text = body.object().required_text("status", STATUS);
    let asked = Status::ALL.iter().find(|status| status.as_str() == text);
    let change = Change::new(ctx, caller, (case_id, event_id));
    // What does not exist, or is not the caller's, is told before what is wrong with the body.
    change.look().await?;
    if asked.is_none() && !body.is_faulty() {
        body.object().wrong("status", "expected SENT or RECEIVED");
    }
    body.done()?;
    let Some(to) = asked.copied() else {
        return Err(Refusal::bad("#/status: expected SENT or RECEIVED"));
    };
    refusal::write(&ctx.store, move |tx| change.go(tx, to)).await?;
    ctx.bell.notify_one();
    Ok(())
}

/// Withdraws an event whose files are awaited, with those that came.
pub async fn delete(ctx: &Context, caller: &Caller, ids: (Uuid, Uuid)) -> Result<()> {
    let change = Change::new(ctx, caller, ids);
    let given_up = refusal::write(&ctx.store, move |tx| change.withdraw(tx)).await?;
    removal::at_once(ctx, given_up).await;
    Ok(())
}

impl Change {
    fn new(ctx: &Context, caller: &Caller, (case_id, event_id): (Uuid, Uuid)) -> Self {
        Self {
            ctx: ctx.clone(),
            caller: caller.clone(),
            case_id,
            event_id,
        }
    }

    async fn look(&self) -> Result<()> {
        let (caller, case, event) = (self.caller.clone(), self.case_id, self.event_id);
        refusal::read(&self.ctx.store, move |tx| {
            let case = sight::case(tx, &caller, case, CASE)?;
            sight::event(tx, &case, event, EVENT).map(drop)
        })
        .await
    }

    /// Holds the case, and with it its events, until the transaction ends.
    fn hold(&self, tx: &mut Tx<'_>) -> Result<(CaseRow, EventRow)> {
        let case = sight::hold(tx, &self.caller, self.case_id, CASE)?;
        let event = sight::event(tx, &case, self.event_id, EVENT)?;
        sight::not_archived(&case)?;
        Ok((case, event))
    }

    fn go(&self, tx: &mut Tx<'_>, to: Status) -> Result<()> {
        let (case, event) = self.hold(tx)?;
        match (Status::parse(&event.status)?, to) {
            (from, to) if from == to => Ok(()),
            (Status::InProgress, Status::Sent) => self.send(tx, &case, &event),
            (Status::Sent, Status::Received) => self.acknowledge(tx, &event),
            (from, to) => {
                let (from, to) = (from.as_str(), to.as_str());
                Err(Refusal::bad(format!("Event cannot go from {from} to {to}")))
            }
        }
    }

    /// Its author says that its files are all there.
    fn send(&self, tx: &mut Tx<'_>, case: &CaseRow, event: &EventRow) -> Result<()> {
        sight::author(&self.caller, event)?;
        Refusal::unless_none(missing(tx, event)?)?;
        self.change(tx, event, Status::Sent, Kind::EventSent)?;
        self.date(tx, case, event)?;
        follow::write(tx, &self.ctx, (case, event), Way::Changed)
    }

    /// Its files are there from now on: their days begin, and the portal has yet to purge its copies.
    fn date(&self, tx: &mut Tx<'_>, case: &CaseRow, event: &EventRow) -> Kept<()> {
        let Some(at) = standing::late(tx, case, self.ctx.clock.now())? else {
            return Ok(());
        };
        links::sent(tx, event.id, at)?;
        cases::set_portal(tx, case.id, true)
    }

    /// The other side says that it has it: who made it cannot.
    fn acknowledge(&self, tx: &mut Tx<'_>, event: &EventRow) -> Result<()> {
        let own = self.caller.organization().to_string() == event.author;
        if own && !self.caller.is_admin() {
            return Err(Refusal::Unauthorized);
        }
        Ok(self.change(tx, event, Status::Received, Kind::EventAcknowledged)?)
    }

    fn change(&self, tx: &mut Tx<'_>, event: &EventRow, to: Status, kind: Kind) -> Kept<()> {
        let now = self.ctx.clock.now();
        events::change(tx, event.id, &event.status, to.as_str(), now)?;
        journal_rows::append(tx, &self.entry(event, kind)?)
    }

    /// Answers the files that went with it.
    fn withdraw(&self, tx: &mut Tx<'_>) -> Result<Vec<Uuid>> {
        let (case, event) = self.hold(tx)?;
        sight::author(&self.caller, &event)?;
        let is_deposit = event.action_type == Action::Deposit.as_str();
        if !is_deposit || event.status != Status::InProgress.as_str() {
            let text = "Only an ATTACH_DEPOSIT event at IN_PROGRESS can be deleted";
            return Err(Refusal::bad(text));
        }
        held::permits_for_good(tx, case.folder_id)?;
        let entry = self.entry(&event, Kind::EventDeleted)?;
        let files = attachments::of_event(tx, event.id)?;
        let given_up: Vec<Uuid> = files.iter().filter_map(|file| file.document_id).collect();
        files::give_up(tx, entry.id, entry.at, &given_up)?;
        attachments::drop_of_event(tx, event.id)?;
        if files.iter().any(unjudged::waits) {
            unjudged::over(&self.ctx, event.folder_id, &event.owner)?.close(tx)?;
        }
        events::forget(tx, event.id)?;
        cases::set_portal(tx, case.id, case.purge_at.is_some())?;
        journal_rows::append(tx, &entry)?;
        Ok(given_up)
    }

    fn entry(&self, event: &EventRow, kind: Kind) -> Kept<EntryRow> {
        let detail = json!({
            "eventId": event.id,
            "caseId": event.case_id,
            "organization": self.caller.organization().to_string(),
        });
        let ctx = &self.ctx;
        journal::entry(&ctx.clock, &ctx.entropy, kind, subject(event), detail)
    }
}

/// The files that keep an event from being sent: all must be `RECEIVED`.
fn missing(tx: &mut Tx<'_>, event: &EventRow) -> Kept<Vec<String>> {
    let files = attachments::of_event(tx, event.id)?;
    let missing = files
        .iter()
        .filter(|file| file.status != FileStatus::Received.as_str());
    let told = missing.map(|file| {
        let status = FileStatus::parse(&file.status)?.on_the_wire();
        Ok(format!("Attachment {} is {status}", file.id))
    });
    told.collect()
}
