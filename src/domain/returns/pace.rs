//! The pace at which a partner is called. One that fails again and again, whatever return it is, is probed: one attempt for
//! each pause, later and later, while the other returns wait without an attempt of their own. Its first answer lets all of them go.
//! A pause counts from the end of its probe. One that takes longer than its pause holds nobody up: the next may begin beside it.
//!
//! One that asks for a pause (`Retry-After`) has it from all returns, a day at the most, and none of them beyond its project's span.
//!
//! One that says that its address is gone (410) is not called there again, for no return, until somebody asks for a return again or the
//! settings name another address.
//!
//! A refusal that is about the piece alone (such as 422) is an answer too: who gives it is there. A return that waits longer
//! than its project's span is given up all the same, so that none waits for ever.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    config::Callback,
    domain::{
        Context,
        incidents::{self, Cause, Clearing, Code as Anomaly, Ticket},
        jobs,
    },
    kernel::{
        digest::{Sha256, sha256},
        fault::Result,
    },
    outbound::callback::{Reason, Refusal},
    storage::{
        Tx,
        returns::ReturnRow,
        targets::{self, Failure, TargetRow},
    },
};

/// Why a return waits, or is given up, without an attempt.
pub(super) const HELD: &str = "partner-failing";
/// The longest pause between two probes, unless the project's first one is longer; and between two looks whether the settings name
/// another address than one that is gone.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// The longest pause that he may ask for: a date of another year must not silence him for good.
const LONGEST_WISH: Duration = Duration::from_secs(24 * 3600);

/// Whether an attempt may be made now.
pub(super) enum Entry {
    /// It may.
    Open(Pace),
    /// Not before then: the partner is being probed, or gone.
    Held(Timestamp),
}

/// How the partner stood before an attempt.
pub(super) struct Pace {
    known: Option<TargetRow>,
}

/// Asks for an attempt at a partner that stands as `known`.
pub(super) async fn enter(
    ctx: &Context,
    callback: &Callback,
    project: &str,
    known: Option<TargetRow>,
) -> Result<Entry> {
    if known.as_ref().and_then(|target| target.gone) == Some(address(callback)) {
        return Ok(Entry::Held(next_look(ctx)));
    }
    let due = known.as_ref().and_then(|target| target.next_probe_at);
    let (Some(due), Some(target)) = (due, &known) else {
        return Ok(Entry::Open(Pace { known }));
    };
    let now = ctx.clock.now();
    if due > now {
        return Ok(Entry::Held(due));
    }
    let next = jobs::later(ctx, pause(callback, target.probes + 1));
    let name = project.to_owned();
    let taken = ctx
        .store
        .write(move |tx| targets::probe(tx, &name, now, next));
    Ok(match taken.await? {
        true => Entry::Open(Pace { known }),
        false => Entry::Held(next),
    })
}

/// When it is next seen whether the settings name another address: one moment for all returns, so that one of them holds the others.
fn next_look(ctx: &Context) -> Timestamp {
    let period = LONGEST.as_secs().cast_signed();
    let next = (ctx.clock.now().as_second() / period + 1) * period;
    Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
}

/// What stands for the address that a project's returns go to.
fn address(callback: &Callback) -> Sha256 {
    sha256(callback.url.as_bytes())
}

/// The pause before the next probe, after `probes` of them.
fn pause(callback: &Callback, probes: u32) -> Duration {
    let doubled = callback.probe.saturating_mul(1 << probes.min(20));
    doubled.min(LONGEST.max(callback.probe))
}

impl Pace {
    /// What an acknowledgment says of the partner.
    pub(super) fn answered(&self, ctx: &Context, project: &str) -> Result<Effect> {
        let Some(target) = &self.known else {
            return Ok(Effect::Nothing);
        };
        let over = [
            Anomaly::PartnerFailing,
            Anomaly::PartnerGone,
            Anomaly::TargetRefused,
        ];
        let over = over.map(|code| incidents::clear(ctx, &Cause::of_project(ctx, code, project)));
        Ok(Effect::Answered(Answered {
            project: project.to_owned(),
            over: over.into_iter().collect::<Result<_>>()?,
            waking: (target.next_probe_at.is_some() || target.gone.is_some())
                .then(|| ctx.clock.now()),
        }))
    }

    /// When the next probe may begin, where this attempt was one: its pause counts from now.
    fn after_probe(&self, ctx: &Context, callback: &Callback) -> Option<Timestamp> {
        let probed = self.known.as_ref();
        let probed = probed.filter(|target| target.next_probe_at.is_some())?;
        Some(jobs::later(ctx, pause(callback, probed.probes + 1)))
    }

    /// What a refusal says of him, where `last` is the end of the refused return's span.
    pub(super) fn refused(
        &self,
        ctx: &Context,
        callback: &Callback,
        (row, last): (&ReturnRow, Timestamp),
        refusal: &Refusal,
    ) -> Result<Effect> {
        if is_about_the_piece(&refusal.reason) {
            return self.answered(ctx, &row.project);
        }
        let detail = serde_json::json!({ "reason": refusal.reason.to_string() });
        let ticket = |code| {
            let cause = Cause::of_project(ctx, code, &row.project);
            incidents::prepare(ctx, cause, detail.clone())
        };
        let asked = refusal.retry_after.map(|pause| {
            // The one that was refused is the last to be tried for it: at the end of its span, not after.
            jobs::later(ctx, pause.min(LONGEST_WISH)).min(last)
        });
        let failed = Failed {
            failure: Failure {
                project: row.project.clone(),
                owner: row.owner.clone(),
                at: ctx.clock.now(),
                slow_after: callback.slow_after,
                next_probe_at: jobs::later(ctx, pause(callback, 0)),
                after_probe: self.after_probe(ctx, callback),
                not_before: asked,
                gone: refusal.permanent.then(|| address(callback)),
            },
            slow: ticket(Anomaly::PartnerFailing)?,
            told: anomaly(&refusal.reason).map(ticket).transpose()?,
        };
        Ok(Effect::Failed(Box::new(failed)))
    }
}

/// Whether another return may well be taken by the partner that refused this one.
fn is_about_the_piece(reason: &Reason) -> bool {
    match reason {
        Reason::OtherReturn => true,
        Reason::Status(status) => {
            !matches!(status, 401 | 403 | 404 | 407 | 408 | 410 | 429 | 500..)
        }
        _ => false,
    }
}

/// The anomaly that is told at its first occurrence.
fn anomaly(reason: &Reason) -> Option<Anomaly> {
    match reason {
        Reason::Status(410) => Some(Anomaly::PartnerGone),
        Reason::AddressRefused => Some(Anomaly::TargetRefused),
        _ => None,
    }
}

/// What an attempt changes for the partner, written with the attempt.
pub(super) enum Effect {
    /// A healthy partner stays so.
    Nothing,
    /// He has answered.
    Answered(Answered),
    /// He has failed.
    Failed(Box<Failed>),
}

pub(super) struct Answered {
    project: String,
    over: Vec<Clearing>,
    /// Now, where returns wait for him.
    waking: Option<Timestamp>,
}

pub(super) struct Failed {
    failure: Failure,
    slow: Ticket,
    told: Option<Ticket>,
}

impl Effect {
    pub(super) fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Answered(answered) => answered.write(tx),
            Self::Failed(failed) => failed.write(tx),
        }
    }
}

impl Answered {
    fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        if !targets::answered(tx, &self.project)? {
            return Ok(());
        }
        for over in &self.over {
            over.close(tx)?;
        }
        match self.waking {
            Some(now) => targets::wake(tx, &jobs::delivery_lane(&self.project), now),
            None => Ok(()),
        }
    }
}

impl Failed {
    fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        if targets::failed(tx, &self.failure)? {
            self.slow.open(tx)?;
        }
        match &self.told {
            Some(ticket) => ticket.open(tx).map(drop),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_one_piece_is_an_answer_and_an_absent_or_failing_partner_is_none() {
        for status in [400, 409, 413, 415, 422] {
            assert!(is_about_the_piece(&Reason::Status(status)), "{status}");
        }
        for status in [401, 403, 404, 408, 410, 429, 500, 503, 599] {
            assert!(!is_about_the_piece(&Reason::Status(status)), "{status}");
        }
        for reason in [
            Reason::Timeout,
            Reason::AddressRefused,
            Reason::Redirect(302),
        ] {
            assert!(!is_about_the_piece(&reason), "{reason}");
        }
    }
}
