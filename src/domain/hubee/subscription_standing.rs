//! Where a subscription that is written stands from then on, and when it becomes active by itself (R52).
//!
//! [`Standing::of`] is asked before the transaction, for what is shown, and again in it, with the row that the transaction holds: what
//! is not said stays as it is *then*, whatever another has written meanwhile.
//!
//! An activation that was due stays due as long as status and date are said as they were, its date being past or not: clients send
//! back the object that they read.

use jiff::Timestamp;

use super::forms::date;
use crate::{kernel::term, storage::hubee::subscriptions::SubscriptionRow};

/// It receives folders.
pub const ACTIVE: &str = "Actif";
/// It does not, or not yet.
pub const INACTIVE: &str = "Inactif";
/// Every status.
pub const STATUSES: [&str; 4] = [ACTIVE, INACTIVE, "Refusé", "Suspendu"];

/// When on its day a subscription becomes active: hour and minute of legal time (R52).
const AWAKENING: (i8, i8) = (0, 1);

/// What is said of where a subscription is to stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    /// The status, where it is said.
    pub status: Option<&'static str>,
    /// Whether it stands in a file, which may be imported again: what has become active on its day since does not become
    /// inactive by a file that says both as before.
    pub by_file: bool,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// The status.
    pub status: String,
    /// When it becomes active by itself, where it will.
    pub due_at: Option<Timestamp>,
}

impl Standing {
    /// What `said` and the date make of it at `now`, where `before` is there.
    pub fn of(
        said: Said,
        activate_at: Option<Timestamp>,
        before: Option<&SubscriptionRow>,
        now: Timestamp,
    ) -> Self {
        let kept = before.map_or(INACTIVE, |before| before.status.as_str());
        let status = said.status.unwrap_or(kept);
        let as_dated =
            before.filter(|before| before.activate_at.map(date) == activate_at.map(date));
        match as_dated {
            Some(before) if status == INACTIVE && before.status == INACTIVE => Self {
                status: status.to_owned(),
                due_at: before.activation_due_at,
            },
            Some(before) if said.by_file && status == INACTIVE && before.status == ACTIVE => {
                Self::again(activate_at, now)
            }
            _ => Self {
                status: status.to_owned(),
                due_at: due(status, activate_at, now),
            },
        }
    }

    /// Of an active one that a file calls inactive, as of the date that it has.
    fn again(activate_at: Option<Timestamp>, now: Timestamp) -> Self {
        let has_come = activate_at.and_then(awakening).is_some_and(|at| at <= now);
        let status = if has_come { ACTIVE } else { INACTIVE };
        Self {
            status: status.to_owned(),
            due_at: due(status, activate_at, now),
        }
    }

    /// Gives a row this standing.
    pub fn settle(self, row: &mut SubscriptionRow) {
        row.status = self.status;
        row.activation_due_at = self.due_at;
    }
}

/// When a subscription becomes active by itself: where it is inactive and its date is to come, at 00:01 of that day in legal
/// time. One that was made inactive after its day stays so.
fn due(status: &str, activate_at: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let at = activate_at.filter(|at| status == INACTIVE && *at > now)?;
    awakening(at)
}

/// 00:01 of that day.
fn awakening(at: Timestamp) -> Option<Timestamp> {
    term::time_of_day(term::day(at), AWAKENING.0, AWAKENING.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// R52: on that day at 00:01 in Paris, whatever the hour that was said, in winter and in summer.
    #[test]
    fn a_date_to_come_is_kept_as_the_first_minute_of_its_day_in_paris() {
        let now = at("2026-01-10T12:00:00Z");
        for (said, due_at) in [
            ("2026-01-12T15:00:00Z", "2026-01-11T23:01:00Z"),
            ("2026-01-11T23:30:00Z", "2026-01-11T23:01:00Z"),
            ("2026-01-11T22:59:59Z", "2026-01-10T23:01:00Z"),
            ("2026-07-14T08:00:00Z", "2026-07-13T22:01:00Z"),
            ("2026-01-10T12:00:01Z", "2026-01-09T23:01:00Z"),
        ] {
            assert_eq!(
                due(INACTIVE, Some(at(said)), now),
                Some(at(due_at)),
                "{said}"
            );
        }
        assert_eq!(due(INACTIVE, Some(now), now), None);
        assert_eq!(due(INACTIVE, None, now), None);
        let tomorrow = Some(at("2026-01-11T12:00:00Z"));
        assert_eq!(due("Suspendu", tomorrow, now), None);
        assert_eq!(due(ACTIVE, tomorrow, now), None);
    }
}
