//! The news of an incident, queued in the transaction that changes it: a mail to the contacts, a push to the ticketing tool.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Code, State, tell::QUIET};
use crate::{
    config::Config,
    domain::jobs::{Kind, MAIL_LANE, TICKET_LANE},
    kernel::{clock::Clock, entropy::Entropy, fault::Result},
    storage::{
        Tx,
        exchanges::Owner,
        incidents,
        jobs::{self, NewJob},
    },
};

/// What an incident's news are made with.
pub(super) struct Desk<'a> {
    pub(super) config: &'a Config,
    pub(super) clock: &'a Clock,
    pub(super) entropy: &'a Entropy,
}

/// The jobs that would bring the news of one incident; each is there where somebody wants it.
#[derive(Clone)]
pub(super) struct News {
    mail: Option<NewJob>,
    push: Option<NewJob>,
}

impl News {
    /// The news of incident `id`. A mail that fails is not told by mail, nor a push by a push.
    pub(super) fn of(
        desk: &Desk<'_>,
        id: Uuid,
        code: Option<Code>,
        project: Option<&str>,
        owner: &Owner,
    ) -> Result<Self> {
        let alerts = desk.config.alerts(project);
        let mailed = desk.config.gateway.smtp.is_some()
            && !alerts.contacts.is_empty()
            && code != Some(Code::MailFailed);
        let pushed = alerts.tool.is_some() && code != Some(Code::TicketFailed);
        let job = |kind: Kind, lane: &str| {
            Ok(NewJob {
                id: desk.entropy.uuid(desk.clock)?,
                kind: kind.as_str().to_owned(),
                lane: lane.to_owned(),
                subject: id,
                owner: owner.clone(),
                run_at: desk.clock.now(),
            })
        };
        Ok(Self {
            mail: mailed.then(|| job(Kind::Mail, MAIL_LANE)).transpose()?,
            push: pushed.then(|| job(Kind::Ticket, TICKET_LANE)).transpose()?,
        })
    }

    /// Queues the mail, unless one waits already or somebody has taken note; never within an hour of the last, nor later than
    /// that, however far ahead stood the clock that has dated the last.
    pub(super) fn queue_mail(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
        let Some(mail) = &self.mail else {
            return Ok(());
        };
        let row = incidents::find(tx, mail.subject)?;
        let open = row.filter(|row| row.state == State::Open.as_str());
        let Some(row) = open else { return Ok(()) };
        if jobs::waits(tx, mail.subject, &mail.kind)? {
            return Ok(());
        }
        let mut mail = mail.clone();
        let latest = now.checked_add(QUIET).unwrap_or(Timestamp::MAX);
        mail.run_at = row.mail_after.min(latest).max(mail.run_at);
        queue(tx, &mail, now)
    }

    /// Queues the push: whoever reads the tool sees each change.
    pub(super) fn queue_push(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<()> {
        match &self.push {
            Some(push) => queue(tx, push, now),
            None => Ok(()),
        }
    }
}

fn queue(tx: &mut Tx<'_>, job: &NewJob, now: Timestamp) -> Result<()> {
    let (sql, values) = jobs::queue(job, now);
    tx.execute(sql, &values).map(drop)
}
