//! News that did not leave: tried again, and an incident of its own by whose fault it is.
//!
//! That of the mail server ends with the next mail that it takes. Contacts whom it refuses for good are their project's: a mail
//! that another project's contacts have says nothing of them.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::{Cause, Code, prepare};
use crate::{
    domain::{
        Context,
        jobs::{self, Effects, End, Settlement},
    },
    kernel::fault::Result,
    storage::jobs::JobRow,
};

/// How long a server that does not answer is asked again.
const PATIENCE: SignedDuration = SignedDuration::from_hours(72);
/// From which failed attempt on the failure is an incident of its own.
pub(super) const NOTABLE: u32 = 3;
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// The cause of mails that the server does not take now.
pub(super) fn by_server(ctx: &Context) -> Cause {
    Cause::of_house(ctx, Code::MailFailed, "gateway")
}

/// The cause of mails that are refused for good to some of a project's contacts, or of the gateway's own.
pub(super) fn by_contacts(ctx: &Context, project: Option<&str>) -> Cause {
    match project {
        Some(project) => Cause::of_project(ctx, Code::MailFailed, project),
        None => Cause::of_house(ctx, Code::MailFailed, "contacts"),
    }
}

/// The cause of incidents that a project's ticketing tool, or the gateway's own, does not take.
pub(super) fn by_tool(ctx: &Context, project: Option<&str>) -> Cause {
    match project {
        Some(project) => Cause::of_project(ctx, Code::TicketFailed, project),
        None => Cause::of_house(ctx, Code::TicketFailed, "gateway"),
    }
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
