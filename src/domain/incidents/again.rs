//! The work of a `mail-again` job: the news of an incident to one contact whom the server refused for a moment, while it took
//! them for others. Each has a job of its own, so that nobody has a mail twice, nor waits for another.
//!
//! No table holds an address: the job's id follows from the incident and the contact, who is found by it among those of the
//! settings.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Cause, Code, Herald, State, clear, tell,
    unsent::{self, Trouble},
};
use crate::{
    domain::{
        Context,
        jobs::{self, End, Kind, MAIL_LANE, Settlement},
    },
    kernel::fault::Result,
    outbound::smtp::Refusal,
    storage::{
        Tx,
        incidents::IncidentRow,
        jobs::{self as rows, JobRow, NewJob},
        journal::{EntryRow, append},
        replay,
    },
};

/// Sends the mail to the contact that `job` is for. An incident that somebody has taken note of meanwhile, and a contact who is
/// none any more, are told nothing.
pub async fn mail(ctx: &Context, herald: &Herald, job: &JobRow) -> Result<Settlement> {
    let done = || ended(ctx, job, None);
    let row = tell::found(ctx, job.subject).await?;
    let Some(row) = row.filter(|row| row.state != State::Acknowledged.as_str()) else {
        return done();
    };
    let contacts = ctx.config.alerts(row.project.as_deref()).contacts;
    let mut contacts = contacts.iter();
    let to = contacts.find(|to| id(ctx, row.id, to) == job.id);
    let Some((to, mailer)) = to.zip(herald.mailer()) else {
        return done();
    };
    // The same over retries, and another one for the next news.
    let message = derived(ctx, &format!("{} {:?}", job.id, row.mailed_at));
    let sent = tell::send_to(ctx, &mailer, to, &row, message).await;
    settled(ctx, job, &row, sent)
}

fn settled(
    ctx: &Context,
    job: &JobRow,
    row: &IncidentRow,
    sent: Result<(), Refusal>,
) -> Result<Settlement> {
    if let Err(refusal) = sent {
        tracing::warn!(incident = %row.id, reason = refusal.reason, "a mail was not taken again");
        let trouble = Trouble {
            cause: match refusal.permanent {
                true => unsent::by_contacts(ctx, row.project.as_deref()),
                false => failing(ctx, job),
            },
            why: refusal.reason,
            permanent: refusal.permanent,
            at_least: Duration::ZERO,
        };
        return trouble.settlement(ctx, job, Box::new(|_| Ok(())));
    }
    ended(ctx, job, Some(tell::mailed(ctx, row, 1)?))
}

/// The end of the job, with its entry in the journal, and of the incident that its own failures have opened.
fn ended(ctx: &Context, job: &JobRow, entry: Option<EntryRow>) -> Result<Settlement> {
    let gone = (job.attempts >= unsent::NOTABLE).then(|| clear(ctx, &failing(ctx, job)));
    let gone = gone.transpose()?;
    Ok(Settlement {
        end: End::Done,
        effects: Box::new(move |tx| {
            entry.iter().try_for_each(|entry| append(tx, entry))?;
            gone.iter().try_for_each(|gone| gone.close(tx).map(drop))
        }),
    })
}

/// A cause of its own: another contact's mails may fail otherwise.
fn failing(ctx: &Context, job: &JobRow) -> Cause {
    Cause::of_house(ctx, Code::MailFailed, &job.id.to_string())
}

/// The job that mails the news of `row` to `contact` again.
pub(super) fn job(ctx: &Context, row: &IncidentRow, contact: &str) -> NewJob {
    NewJob {
        id: id(ctx, row.id, contact),
        kind: Kind::MailAgain.as_str().to_owned(),
        lane: MAIL_LANE.to_owned(),
        subject: row.id,
        owner: row.owner.clone(),
        run_at: jobs::later(ctx, unsent::pause(0)),
    }
}

/// Queues it. One that waits already tells the news as they stand then; one that was given up begins anew.
pub(super) fn queue(tx: &mut Tx<'_>, job: &NewJob, now: Timestamp) -> Result<()> {
    if replay::revive(tx, job.id, now)? || rows::find(tx, job.id)?.is_some() {
        return Ok(());
    }
    let (sql, values) = rows::queue(job, now);
    tx.execute(sql, &values).map(drop)
}

fn id(ctx: &Context, incident: Uuid, contact: &str) -> Uuid {
    derived(ctx, &format!("{incident} {contact}"))
}

/// An id that follows from `subject`, as an incident's follows from its cause.
fn derived(ctx: &Context, subject: &str) -> Uuid {
    Cause::of_house(ctx, Code::MailFailed, subject).id()
}
