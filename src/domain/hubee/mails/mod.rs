//! Mails to subscribers (R15, R33, R52): one for each télédossier, one a day, or none, as their subscription says.
//!
//! **The way of a mail.** What happens to a case makes a [`Notice`] before its transaction and queues it within it: a job
//! for a subscription of unit frequency, a row of `hub_mail` for the next digest of a daily one, nothing for the others.
//! [`unit()`] and [`digest`] are the work of the jobs; [`letter`] writes the text. A mail goes to the address that the
//! subscription names, to nobody where it names none; it tells the process and the cases' external ids, and nothing else of a
//! télédossier. What waited is told as things are when it leaves: not once the subscription is inactive or wants no mails,
//! nor of a case that is another's by then.
//!
//! A server that does not answer is asked again, later and later, for three days, like that of incidents; its own incident
//! stands meanwhile. Where the settings name no server, nothing is queued.

mod letter;
mod work;

use jiff::Timestamp;
use uuid::Uuid;

pub use work::{digest, queue_digests, unit};

use crate::{
    domain::{
        Context,
        hubee::subscription::Frequency,
        jobs::{self, Kind, MAIL_LANE},
    },
    kernel::fault::Result,
    storage::{
        Tx,
        exchanges::Owner,
        hubee::mails::{self, MailRow},
        jobs::{self as job_rows, NewJob},
    },
};

/// What the recipient of a case may be told, ready to be queued.
#[derive(Clone)]
pub struct Notice {
    job: Option<NewJob>,
    row: MailRow,
    /// Whether a subscriber of unit frequency has a mail of it.
    at_once: bool,
}

/// Makes the notice of a case that is new to its recipient, or of an event of it.
pub fn of_case(ctx: &Context, case: Uuid, event: Option<Uuid>) -> Result<Notice> {
    let (now, owner) = (ctx.clock.now(), ctx.owner("navette"));
    let kind = match event {
        None => Kind::HubMail,
        Some(_) => Kind::HubEventMail,
    };
    let by_mail = ctx.config.gateway.smtp.is_some();
    let job = by_mail.then(|| jobs::new(ctx, kind, MAIL_LANE, case, &owner, now));
    Ok(Notice {
        job: job.transpose()?,
        row: row(ctx, case, event, owner, now)?,
        at_once: true,
    })
}

/// Makes and queues a notice in one: for a unit that has the house at hand.
pub fn tell(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (case, event): (Uuid, Option<Uuid>),
    recipient: &str,
    process: &str,
) -> Result<()> {
    of_case(ctx, case, event)?.queue(tx, recipient, process)
}

/// The same for what has no mail of its own (R33): a digest tells all that happened in its day.
pub fn tell_in_digest(
    tx: &mut Tx<'_>,
    ctx: &Context,
    (case, event): (Uuid, Option<Uuid>),
    recipient: &str,
    process: &str,
) -> Result<()> {
    let notice = Notice {
        at_once: false,
        ..of_case(ctx, case, event)?
    };
    notice.queue(tx, recipient, process)
}

/// Cases went from `source` to `target` (R24): what waits for a digest of theirs goes with them where `target` has one, and is told
/// to nobody where it has none. In the transaction that moved them.
pub fn migrate(tx: &mut Tx<'_>, source: &str, target: &str) -> Result<()> {
    for heir in mails::heirs(tx, source, target)? {
        let daily =
            |(_, frequency): &(Uuid, String)| Frequency::parse(frequency) == Some(Frequency::Daily);
        let to = heir.to.filter(daily).map(|(to, _)| to);
        mails::hand_on(tx, heir.from, to, target)?;
    }
    Ok(())
}

fn row(
    ctx: &Context,
    case_id: Uuid,
    event_id: Option<Uuid>,
    owner: Owner,
    created_at: Timestamp,
) -> Result<MailRow> {
    Ok(MailRow {
        id: ctx.entropy.uuid(&ctx.clock)?,
        case_id,
        event_id,
        owner,
        created_at,
    })
}

impl Notice {
    /// Queues it as the active subscription of `recipient` to `process` says, in the transaction of what it tells.
    pub fn queue(&self, tx: &mut Tx<'_>, recipient: &str, process: &str) -> Result<()> {
        let Some(job) = &self.job else {
            return Ok(());
        };
        let Some((subscription, frequency)) = mails::wanted(tx, recipient, process)? else {
            return Ok(());
        };
        match Frequency::parse(&frequency) {
            Some(Frequency::Unit) if self.at_once => {
                let (sql, values) = job_rows::queue(job, self.row.created_at);
                tx.execute(sql, &values).map(drop)
            }
            Some(Frequency::Daily) => mails::insert(tx, subscription, &self.row),
            Some(Frequency::Unit | Frequency::Never) | None => Ok(()),
        }
    }
}
