//! Durable work: a job is queued in the transaction of what it follows from, leased, and settled with its effects.
//!
//! **The way of a job.** The worker leases it in a short transaction → its work is done outside of any → its
//! [`Settlement`] writes the effects, the journal and the next job in the same transaction that ends the lease, so that a
//! worker that lost its lease commits nothing. A job says *done*, *retry at* or *fail*, never just an error; an error of
//! the house (database away, store away) is a retry with backoff.
//!
//! **Lanes.** Jobs of one lane wait for each other only: `scan` and `process` for documents, `deliver:<project>` for each partner, so
//! that a slow one holds only its own; `mail` and `ticket` for the news of incidents; `archive` for the pieces of archives,
//! `depot:<name>` for what is left on each depot.
//!
//! [`retry`] has jobs tried again that were given up; [`setback`] those that a clock has dated which was set back since.
//!
//! To add a kind: a variant of [`Kind`], its lane, its arm in `worker::run`.

pub mod retry;
pub mod setback;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Context;
use crate::{
    kernel::fault::{Fault, Result},
    storage::{
        Tx,
        exchanges::Owner,
        jobs::{self, JobRow, NewJob},
    },
};

/// The lane of processing.
pub const PROCESS_LANE: &str = "process";
/// The lane of scans.
pub const SCAN_LANE: &str = "scan";
/// The lane of mails.
pub const MAIL_LANE: &str = "mail";
/// The lane of pushes to ticketing tools.
pub const TICKET_LANE: &str = "ticket";

/// The lane of archives' processing.
pub const ARCHIVE_LANE: &str = "archive";
/// The lane of what goes on as télédossiers.
pub const FORWARD_LANE: &str = "forward";
/// The lane of what looks whether returns were acknowledged in time.
pub const DEADLINE_LANE: &str = "deadline";

/// What there is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Have the antivirus look at an exchange's content.
    Scan,
    /// Run the processors over an exchange and make its return.
    Process,
    /// Try to deliver a return.
    Deliver,
    /// Send the mail about an incident.
    Mail,
    /// Send the mail about an incident again, to a contact who was refused for a moment.
    MailAgain,
    /// Push an incident to a ticketing tool.
    Ticket,
    /// Leave a receipt on a depot, then have the archive leave.
    Depot,
    /// Run the processors over the pieces of an archive.
    ProcessArchive,
    /// Leave a return on a depot.
    SendReturn,
    /// See whether a return that was left on a depot was acknowledged in time.
    AwaitAcknowledgment,
    /// Tell the recipient of a télédossier's case by mail.
    HubMail,
    /// Tell the recipient of a case of what happened to it, by mail.
    HubEventMail,
    /// Tell a subscriber of a day's télédossiers by mail.
    HubDigest,
    /// Send an exchange on as a télédossier.
    Forward,
    /// Have the antivirus look at the file of a hub's attachment.
    ScanAttachment,
}

impl Kind {
    /// The kind as written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Process => "process",
            Self::Deliver => "deliver",
            Self::Mail => "mail",
            Self::MailAgain => "mail-again",
            Self::Ticket => "ticket",
            Self::Depot => "depot",
            Self::ProcessArchive => "process-archive",
            Self::SendReturn => "send-return",
            Self::AwaitAcknowledgment => "await-acknowledgment",
            Self::HubMail => "hub-mail",
            Self::HubEventMail => "hub-event-mail",
            Self::HubDigest => "hub-digest",
            Self::Forward => "forward",
            Self::ScanAttachment => "scan-attachment",
        }
    }

    /// Reads the kind back; fails (code `internal`) on any other: a newer release queued it.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "scan" => Ok(Self::Scan),
            "process" => Ok(Self::Process),
            "deliver" => Ok(Self::Deliver),
            "mail" => Ok(Self::Mail),
            "mail-again" => Ok(Self::MailAgain),
            "ticket" => Ok(Self::Ticket),
            "depot" => Ok(Self::Depot),
            "process-archive" => Ok(Self::ProcessArchive),
            "send-return" => Ok(Self::SendReturn),
            "await-acknowledgment" => Ok(Self::AwaitAcknowledgment),
            "hub-mail" => Ok(Self::HubMail),
            "hub-event-mail" => Ok(Self::HubEventMail),
            "hub-digest" => Ok(Self::HubDigest),
            "forward" => Ok(Self::Forward),
            "scan-attachment" => Ok(Self::ScanAttachment),
            other => Err(Fault::internal(format!("unknown kind of job {other}"))),
        }
    }
}

/// What the names of the lanes of deliveries begin with.
const DELIVERIES: &str = "deliver:";

/// The lane of deliveries to `project`'s partner.
pub fn delivery_lane(project: &str) -> String {
    format!("{DELIVERIES}{project}")
}

/// The project whose deliveries wait in `lane`, where it is a lane of those.
pub fn project_of_lane(lane: &str) -> Option<&str> {
    lane.strip_prefix(DELIVERIES)
}

/// The lane of what is done on a depot.
pub fn depot_lane(depot: &str) -> String {
    format!("depot:{depot}")
}

/// A job of `kind` on `subject`, to be taken from `run_at` on.
pub fn new(
    ctx: &Context,
    kind: Kind,
    lane: &str,
    subject: Uuid,
    owner: &Owner,
    run_at: Timestamp,
) -> Result<NewJob> {
    Ok(NewJob {
        id: ctx.entropy.uuid(&ctx.clock)?,
        kind: kind.as_str().to_owned(),
        lane: lane.to_owned(),
        subject,
        owner: owner.clone(),
        run_at,
    })
}

/// How a job's lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The work is done: the job goes.
    Done,
    /// A part of it is done: it goes on at once, as if it were new.
    Again {
        /// Since when it counts as waiting, where the rest is short and should be done before what else waits in its lane; else
        /// it goes on after that.
        since: Option<Timestamp>,
    },
    /// It is to be tried again, not before `at`.
    Retry {
        /// When.
        at: Timestamp,
        /// Why, for the operator.
        why: String,
    },
    /// It is given up and stays, for an operator to replay.
    Fail {
        /// Why.
        why: String,
    },
}

/// The effects of a job, written in the transaction that ends its lease. It may run again, so it takes nothing out of what
/// it holds.
pub type Effects = Box<dyn FnMut(&mut Tx<'_>) -> Result<()> + Send>;

/// What a job's work comes to.
pub struct Settlement {
    /// How the lease ends.
    pub end: End,
    /// What is written with it.
    pub effects: Effects,
}

impl Settlement {
    /// An end without effects.
    pub fn bare(end: End) -> Self {
        Self {
            end,
            effects: Box::new(|_| Ok(())),
        }
    }

    /// The end of a job that met a fault of the house: tried again, later and later, five minutes at most.
    pub fn after_fault(ctx: &Context, job: &JobRow, fault: &Fault) -> Self {
        let at = later(ctx, backoff(job.attempts));
        Self::bare(End::Retry {
            at,
            why: fault.to_string(),
        })
    }
}

/// Writes a settlement; fails, and writes nothing, where the lease was lost.
pub async fn settle(
    ctx: &Context,
    job: Uuid,
    token: Uuid,
    mut settlement: Settlement,
) -> Result<()> {
    let now = ctx.clock.now();
    ctx.store
        .write(move |tx| {
            match &settlement.end {
                End::Done => jobs::done(tx, job, token)?,
                End::Again { since } => jobs::again(tx, job, token, since.unwrap_or(now))?,
                End::Retry { at, why } => jobs::retry(tx, job, token, *at, why)?,
                End::Fail { why } => jobs::fail(tx, job, token, why)?,
            }
            (settlement.effects)(tx)
        })
        .await
}

/// How long to wait after the `attempts`th failure of the house: 1 s, doubled each time, 5 minutes at most.
fn backoff(attempts: u32) -> Duration {
    let seconds = 1u64.checked_shl(attempts.min(16)).unwrap_or(300);
    Duration::from_secs(seconds.min(300))
}

/// The instant `delay` from now.
pub fn later(ctx: &Context, delay: Duration) -> Timestamp {
    let now = ctx.clock.now();
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    now.checked_add(delay).unwrap_or(Timestamp::MAX)
}
