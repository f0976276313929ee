//! The work of `mail` and `ticket` jobs: the news of an incident as it stands when they run, and what follows.
//!
//! At most one mail an hour about each cause: the row keeps before when no other may leave. A server that does not answer is
//! asked again, later and later, for three days; its own incident stands meanwhile. Where it takes the mail for some contacts,
//! those that it refused for a moment are for [`super::again`], and those that it refused for good are an incident.

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{Cause, Code, State, again, clear, herald::Herald, letter, prepare, view::Incident};
use crate::{
    domain::{
        Context,
        jobs::{self, Effects, End, Settlement},
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
const QUIET: SignedDuration = SignedDuration::from_hours(1);
/// How long a server that does not answer is asked again.
const PATIENCE: SignedDuration = SignedDuration::from_hours(72);
/// From which failed attempt on the failure is an incident of its own.
pub(super) const NOTABLE: u32 = 3;
/// The longest pause that a ticketing tool may ask for: news must not be parked for ever.
const LONGEST_WISH: Duration = Duration::from_secs(24 * 3600);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// Sends the mail about the incident that `job` is about.
pub async fn mail(ctx: &Context, herald: &Herald, job: &JobRow) -> Result<Settlement> {
    let Some(row) = found(ctx, job.subject).await? else {
        return Ok(Settlement::bare(End::Done));
    };
    let contacts = ctx.config.alerts(row.project.as_deref()).contacts;
    let mailer = herald.mailer().filter(|_| !contacts.is_empty());
    let Some(mailer) = mailer.filter(|_| is_news(&row)) else {
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
    let cause = failing(ctx, Code::TicketFailed, row.project.as_deref());
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

/// Whether a mail would tell something: nobody has taken note, and what is over has not been told yet.
fn is_news(row: &IncidentRow) -> bool {
    let told = row.mailed_at.is_some_and(|at| at >= row.opened_at);
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

/// A mail that left to somebody is done. One that left to nobody is tried again.
fn settled(ctx: &Context, job: &JobRow, row: &IncidentRow, sent: &Sent) -> Result<Settlement> {
    let (id, cause) = (row.id, failing(ctx, Code::MailFailed, None));
    let now = ctx.clock.now();
    let next = now.checked_add(QUIET).unwrap_or(Timestamp::MAX);
    let Some((_, first)) = sent.refusals.first() else {
        let (gone, entry) = (clear(ctx, &cause)?, mailed(ctx, row, sent.left)?);
        return Ok(Settlement {
            end: End::Done,
            effects: Box::new(move |tx| {
                incidents::mailed(tx, id, now, next)?;
                append(tx, &entry)?;
                gone.close(tx).map(drop)
            }),
        });
    };
    tracing::warn!(incident = %id, reason = first.reason, left = sent.left, "a mail was not taken");
    if sent.left > 0 {
        return partly(ctx, row, sent, (now, next));
    }
    let trouble = Trouble {
        cause,
        why: first.reason.clone(),
        permanent: sent.refusals.iter().all(|(_, refusal)| refusal.permanent),
        at_least: Duration::ZERO,
    };
    let given_up: Effects = Box::new(move |tx| incidents::no_mail_before(tx, id, next));
    trouble.settlement(ctx, job, given_up)
}

/// Some contacts have it. The others are mailed again by themselves where that may help, else they are an incident.
fn partly(
    ctx: &Context,
    row: &IncidentRow,
    sent: &Sent,
    (now, next): (Timestamp, Timestamp),
) -> Result<Settlement> {
    let id = row.id;
    let (lost, busy): (Vec<_>, Vec<_>) = sent.refusals.iter().partition(|(_, why)| why.permanent);
    let ticket = lost.first().map(|(_, why)| {
        let cause = failing(ctx, Code::MailFailed, None);
        prepare(ctx, cause, json!({ "reason": why.reason }))
    });
    let ticket = ticket.transpose()?;
    let jobs = busy.iter().map(|(to, _)| again::job(ctx, row, to));
    let jobs: Vec<_> = jobs.collect();
    let entry = mailed(ctx, row, sent.left)?;
    Ok(Settlement {
        end: End::Done,
        effects: Box::new(move |tx| {
            incidents::mailed(tx, id, now, next)?;
            append(tx, &entry)?;
            let mut jobs = jobs.iter();
            jobs.try_for_each(|job| again::queue(tx, job, now))?;
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

/// The cause of news that do not leave: the mail server's, or a project's tool's.
pub(super) fn failing(ctx: &Context, code: Code, project: Option<&str>) -> Cause {
    match project {
        Some(project) => Cause::of_project(ctx, code, project),
        None => Cause::of_house(ctx, code, "gateway"),
    }
}

fn body(incident: &Incident) -> Result<Bytes> {
    let mut value = serde_json::to_value(incident).map_err(Fault::internal)?;
    value["type"] = "navette.incident/1".into();
    Ok(Bytes::from(value.to_string()))
}

/// News that did not leave.
pub(crate) struct Trouble {
    /// Its incident.
    pub(crate) cause: Cause,
    /// Why, in a word that holds no address.
    pub(crate) why: String,
    /// Whether trying again is pointless.
    pub(crate) permanent: bool,
    /// The least pause before the next attempt.
    pub(crate) at_least: Duration,
}

impl Trouble {
    /// Tried again later and later; given up after three days, or at once where trying again is pointless. It is an incident
    /// of its own from the third failure on.
    pub(crate) fn settlement(
        self,
        ctx: &Context,
        job: &JobRow,
        mut given_up: Effects,
    ) -> Result<Settlement> {
        let age = ctx.clock.now().duration_since(job.created_at);
        let over = self.permanent || age >= PATIENCE;
        let notable = over || job.attempts + 1 >= NOTABLE;
        let ticket = match notable {
            true => Some(prepare(ctx, self.cause, json!({ "reason": self.why }))?),
            false => None,
        };
        let pause = pause(job.attempts).max(self.at_least);
        let end = match over {
            true => End::Fail { why: self.why },
            false => End::Retry {
                at: jobs::later(ctx, pause),
                why: self.why,
            },
        };
        Ok(Settlement {
            end,
            effects: Box::new(move |tx| {
                if over {
                    given_up(tx)?;
                }
                match &ticket {
                    Some(ticket) => ticket.open(tx).map(drop),
                    None => Ok(()),
                }
            }),
        })
    }
}

/// How long to wait after the `attempts`th failure: 1 s, doubled each time, a quarter of an hour at most.
pub(super) fn pause(attempts: u32) -> Duration {
    let seconds = 1u64.checked_shl(attempts.min(16)).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(LONGEST_PAUSE)
}
