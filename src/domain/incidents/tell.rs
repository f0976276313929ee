//! The work of `mail` and `ticket` jobs: the news of an incident as it stands when they run, and what follows.
//!
//! At most one mail an hour about each cause: the row keeps before when no other may leave. A server that does not answer is
//! asked again, later and later, for three days ([`super::unsent`]); its own incident stands meanwhile. Where it takes the mail for
//! some contacts, those that it refused for a moment are for [`super::again`], and those that it refused for good are an incident
//! of their project.

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{
    State, again, clear,
    herald::Herald,
    letter, prepare,
    unsent::{self, Trouble},
    view::Incident,
};
use crate::{
    domain::{
        Context,
        jobs::{Effects, End, Settlement},
        journal::{self, Kind, Subject},
    },
    kernel::fault::{Fault, Result},
    outbound::{
        callback::{Completed, Refusal as Answered},
        smtp::{Mail, Mailer, Refusal},
    },
    storage::{
        incidents::{self, IncidentRow},
        jobs::JobRow,
        journal::{EntryRow, append},
    },
};

/// The least time between two mails about one cause.
pub(super) const QUIET: SignedDuration = SignedDuration::from_hours(1);
/// The longest pause that a ticketing tool may ask for: news must not be parked for ever.
const LONGEST_WISH: Duration = Duration::from_secs(24 * 3600);

/// Sends the mail about the incident that `job` is about.
pub async fn mail(ctx: &Context, herald: &Herald, job: &JobRow) -> Result<Settlement> {
    let Some(row) = found(ctx, job.subject).await? else {
        return Ok(Settlement::bare(End::Done));
    };
    let contacts = ctx.config.alerts(row.project.as_deref()).contacts;
    let mailer = herald.mailer().filter(|_| !contacts.is_empty());
    let Some(mailer) = mailer.filter(|_| is_news(&row, ctx.clock.now())) else {
        return Ok(Settlement::bare(End::Done));
    };
    let sent = send(ctx, &mailer, &contacts, &row, job.id).await;
    settled(ctx, job, &row, &sent)
}

/// Pushes the incident that `job` is about to its project's ticketing tool.
pub async fn push(ctx: &Context, herald: &Herald, job: &JobRow) -> Result<Settlement> {
    let Some(row) = found(ctx, job.subject).await? else {
        return Ok(Settlement::bare(End::Done));
    };
    let Some(tool) = herald.tool(row.project.as_deref()) else {
        return Ok(Settlement::bare(End::Done));
    };
    let cause = unsent::by_tool(ctx, row.project.as_deref());
    let body = body(&Incident::of(&ctx.config, row))?;
    let prepared = tool.prepare(job.id, body, None);
    match tool.send(prepared).await.complete(&ctx.clock) {
        Completed::Acknowledged(_) => {
            let gone = clear(ctx, &cause)?;
            Ok(Settlement {
                end: End::Done,
                effects: Box::new(move |tx| gone.close(tx).map(drop)),
            })
        }
        Completed::Refused(Answered {
            reason,
            retry_after,
            permanent,
            ..
        }) => {
            let trouble = Trouble {
                cause,
                why: reason.to_string(),
                permanent,
                at_least: retry_after.unwrap_or_default().min(LONGEST_WISH),
            };
            trouble.settlement(ctx, job, Box::new(|_| Ok(())))
        }
    }
}

pub(super) async fn found(ctx: &Context, id: Uuid) -> Result<Option<IncidentRow>> {
    ctx.store.read(move |tx| incidents::find(tx, id)).await
}

/// Whether a mail would tell something: nobody has taken note, and what is over has not been told yet. A mail that is still to
/// come was dated by a clock that was set back since, and told of what was then.
fn is_news(row: &IncidentRow, now: Timestamp) -> bool {
    let told = row
        .mailed_at
        .is_some_and(|at| (row.opened_at..=now).contains(&at));
    match State::parse(&row.state) {
        Ok(State::Open) => true,
        Ok(State::Resolved) => !told,
        _ => false,
    }
}

/// What became of a mail: to how many addresses it left, and why not to the others.
struct Sent {
    left: usize,
    refusals: Vec<(String, Refusal)>,
}

/// Sends to each contact by itself: an address that is refused holds up no other.
async fn send(
    ctx: &Context,
    mailer: &Mailer,
    contacts: &[String],
    row: &IncidentRow,
    id: Uuid,
) -> Sent {
    let mut sent = Sent {
        left: 0,
        refusals: Vec::new(),
    };
    for to in contacts {
        match send_to(ctx, mailer, to, row, id).await {
            Ok(()) => sent.left += 1,
            Err(refusal) => sent.refusals.push((to.clone(), refusal)),
        }
    }
    sent
}

/// Sends the news of an incident to one address.
pub(super) async fn send_to(
    ctx: &Context,
    mailer: &Mailer,
    to: &str,
    row: &IncidentRow,
    id: Uuid,
) -> Result<(), Refusal> {
    let letter = letter::write(&Incident::of(&ctx.config, row.clone()));
    let mail = Mail {
        id,
        at: ctx.clock.now(),
        to,
        subject: &letter.subject,
        text: &letter.text,
    };
    mailer.send(&mail).await
}

impl Sent {
    /// Why it will never leave to one of those whom it did not leave to.
    fn lost(&self) -> Option<&Refusal> {
        let mut refusals = self.refusals.iter().map(|(_, refusal)| refusal);
        refusals.find(|refusal| refusal.permanent)
    }
}

/// A mail that left to somebody is done. One that left to nobody is tried again.
fn settled(ctx: &Context, job: &JobRow, row: &IncidentRow, sent: &Sent) -> Result<Settlement> {
    let id = row.id;
    let next = ctx.clock.now().checked_add(QUIET).unwrap_or(Timestamp::MAX);
    let Some((_, first)) = sent.refusals.first().filter(|_| sent.left == 0) else {
        return left(ctx, row, sent, next);
    };
    tracing::warn!(incident = %id, reason = first.reason, "a mail was not taken");
    let permanent = sent.refusals.iter().all(|(_, refusal)| refusal.permanent);
    let trouble = Trouble {
        cause: match permanent {
            true => unsent::by_contacts(ctx, row.project.as_deref()),
            false => unsent::by_server(ctx),
        },
        why: first.reason.clone(),
        permanent,
        at_least: Duration::ZERO,
    };
    let given_up: Effects = Box::new(move |tx| incidents::no_mail_before(tx, id, next));
    trouble.settlement(ctx, job, given_up)
}

/// The server takes mails, and some contacts have this one. The others are mailed again by themselves where that may help, else
/// they are an incident of their project, until none of its contacts is refused for good.
fn left(ctx: &Context, row: &IncidentRow, sent: &Sent, next: Timestamp) -> Result<Settlement> {
    let (id, now) = (row.id, ctx.clock.now());
    let contacts = unsent::by_contacts(ctx, row.project.as_deref());
    let mut gone = vec![clear(ctx, &unsent::by_server(ctx))?];
    let mut ticket = None;
    match sent.lost() {
        Some(why) => {
            tracing::warn!(incident = %id, reason = why.reason, left = sent.left, "a mail was not taken for some");
            ticket = Some(prepare(ctx, contacts, json!({ "reason": why.reason }))?);
        }
        None => gone.push(clear(ctx, &contacts)?),
    }
    let busy = sent.refusals.iter().filter(|(_, why)| !why.permanent);
    let jobs: Vec<_> = busy.map(|(to, _)| again::job(ctx, row, to)).collect();
    let entry = mailed(ctx, row, sent.left)?;
    Ok(Settlement {
        end: End::Done,
        effects: Box::new(move |tx| {
            incidents::mailed(tx, id, now, next)?;
            append(tx, &entry)?;
            jobs.iter().try_for_each(|job| again::queue(tx, job, now))?;
            gone.iter().try_for_each(|gone| gone.close(tx).map(drop))?;
            match &ticket {
                Some(ticket) => ticket.open(tx).map(drop),
                None => Ok(()),
            }
        }),
    })
}

/// The proof that people were told (TRC-2): to how many addresses, never which.
pub(super) fn mailed(ctx: &Context, row: &IncidentRow, contacts: usize) -> Result<EntryRow> {
    let subject = Subject {
        exchange_id: row.exchange_id,
        project: row.project.clone(),
        owner: row.owner.clone(),
    };
    let detail = json!({ "incidentId": row.id, "code": row.code, "contacts": contacts });
    journal::entry(
        &ctx.clock,
        &ctx.entropy,
        Kind::IncidentMailed,
        subject,
        detail,
    )
}

fn body(incident: &Incident) -> Result<Bytes> {
    let mut value = serde_json::to_value(incident).map_err(Fault::internal)?;
    value["type"] = "navette.incident/1".into();
    Ok(Bytes::from(value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::incidents::Code, storage::exchanges::Owner};

    fn news(state: &str, opened_at: i64, mailed_at: Option<i64>) -> bool {
        let at = |second| Timestamp::from_second(second).unwrap();
        let row = IncidentRow {
            id: Uuid::nil(),
            code: Code::Undelivered.as_str().to_owned(),
            project: None,
            owner: Owner {
                partner: String::new(),
                environment: String::new(),
            },
            exchange_id: None,
            state: state.to_owned(),
            count: 1,
            first_at: at(0),
            opened_at: at(opened_at),
            last_at: at(opened_at),
            acknowledged: None,
            resolved: None,
            called: None,
            mail_after: at(0),
            mailed_at: mailed_at.map(at),
            detail: json!({}),
        };
        is_news(&row, at(100))
    }

    #[test]
    fn what_is_over_is_told_unless_it_was_and_not_by_a_clock_that_stood_ahead() {
        assert!(news("open", 50, Some(60)));
        assert!(!news("acknowledged", 50, None));
        for (mailed_at, is_news) in [
            (None, true),
            (Some(40), true),
            (Some(60), false),
            (Some(160), true),
        ] {
            assert_eq!(news("resolved", 50, mailed_at), is_news, "{mailed_at:?}");
        }
    }
}
