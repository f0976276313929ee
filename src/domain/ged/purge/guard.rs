//! The clock's guard: a purge destroys for good, so it does not run by a clock that cannot be believed.
//!
//! Two witnesses stand against the clock: the journal's last entry, and the mark that the house sets at each look while it
//! believes the clock ([`watch`]). A clock an hour behind either, or a day ahead of the mark, has jumped, or the house
//! stood still for a day; either way an operator has to vouch for it once.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    domain::{
        Context,
        incidents::{self, Cause, Code as Incident},
    },
    kernel::fault::{Code, Fault, Result},
    storage::purges,
};

/// How far the clock may stand behind what was written last: more is no correction of a drift.
const BEHIND: SignedDuration = SignedDuration::from_hours(1);
/// How far it may have gone on since the house last looked.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// How often the mark is set anew, at most.
const REMARK: SignedDuration = SignedDuration::from_mins(10);

/// What the house knows of the time beside the clock.
#[derive(Clone, Copy, Debug, Default)]
struct Witnesses {
    mark: Option<Timestamp>,
    last_entry: Option<Timestamp>,
}

impl Witnesses {
    async fn hear(ctx: &Context) -> Result<Self> {
        let heard = ctx.store.read(|tx| {
            Ok(Self {
                mark: purges::mark(tx)?,
                last_entry: purges::last_entry(tx)?,
            })
        });
        heard.await
    }

    /// What they say against `now`.
    fn objection(&self, now: Timestamp) -> Option<String> {
        let behind = [self.last_entry, self.mark].into_iter().flatten().max();
        if let Some(seen) = behind
            && now.duration_since(seen) < -BEHIND
        {
            return Some(format!(
                "the clock shows {now}, more than an hour before {seen}, when the house last wrote"
            ));
        }
        let seen = self.mark.or(self.last_entry)?;
        (now.duration_since(seen) > AHEAD).then(|| {
            format!(
                "the clock shows {now}, more than a day after {seen}, when the house last saw it"
            )
        })
    }
}

/// Believes the clock, or fails with `clock-untrusted`. Where an operator vouches for it, it is believed from now on.
pub async fn believe(ctx: &Context, confirmed: bool) -> Result<()> {
    let now = ctx.clock.now();
    if !confirmed && let Some(objection) = Witnesses::hear(ctx).await?.objection(now) {
        return Err(untrusted(&objection));
    }
    let clearing = incidents::clear(ctx, &cause(ctx))?;
    let marked = ctx.store.write(move |tx| {
        purges::set_mark(tx, now)?;
        clearing.close(tx).map(drop)
    });
    marked.await
}

fn untrusted(objection: &str) -> Fault {
    let detail = format!(
        "{objection}: check the machine's time, then vouch for it with `navette purge --confirm-clock`"
    );
    Fault::new(Code::ClockUntrusted, detail)
}

fn cause(ctx: &Context) -> Cause {
    Cause::of_house(ctx, Incident::ClockJump, "clock")
}

/// Looks at the clock: sets the mark anew where it is believed, opens an incident where it is not. Answers which.
pub async fn watch(ctx: &Context) -> Result<bool> {
    let (now, witnesses) = (ctx.clock.now(), Witnesses::hear(ctx).await?);
    if witnesses.objection(now).is_some() {
        let ticket = incidents::prepare(ctx, cause(ctx), json!({ "clock": now }))?;
        ctx.store.write(move |tx| ticket.open(tx).map(drop)).await?;
        return Ok(false);
    }
    let fresh = |mark: Timestamp| now.duration_since(mark) < REMARK;
    if !witnesses.mark.is_some_and(fresh) {
        ctx.store.write(move |tx| purges::set_mark(tx, now)).await?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(mark: Option<i64>, last_entry: Option<i64>, now: i64) -> bool {
        let at = |minutes| Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap();
        let witnesses = Witnesses {
            mark: mark.map(at),
            last_entry: last_entry.map(at),
        };
        witnesses.objection(at(now)).is_some()
    }

    #[test]
    fn a_clock_more_than_an_hour_behind_a_witness_is_not_believed() {
        assert!(!objects(None, None, 0));
        assert!(!objects(Some(60), Some(60), 0));
        assert!(objects(Some(61), None, 0));
        assert!(objects(None, Some(61), 0));
        assert!(objects(Some(0), Some(61), 0));
    }

    #[test]
    fn a_clock_more_than_a_day_after_the_last_look_is_not_believed_whatever_was_written_since() {
        assert!(!objects(Some(0), Some(0), 24 * 60));
        assert!(objects(Some(0), Some(0), 24 * 60 + 1));
        assert!(objects(Some(0), Some(24 * 60), 24 * 60 + 1));
        assert!(objects(None, Some(0), 24 * 60 + 1));
    }
}
