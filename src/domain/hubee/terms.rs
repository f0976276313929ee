//! What a process says about its cases' files: at which status they may go, and when (R23).

use jiff::Timestamp;

use super::{
    process::{self, Process},
    status::CaseStatus,
};
use crate::{
    kernel::{fault::Result, term},
    storage::Tx,
};

/// When the files of a process's cases go.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    status: String,
    days: i64,
}

impl Terms {
    /// Those of a process.
    pub fn of(process: &Process) -> Self {
        Self {
            status: process.status_before_file_deletion.clone(),
            days: process.time_before_file_deletion.into(),
        }
    }

    /// Those of the process of that code; files of a process that is not there any more stay.
    pub fn find(tx: &mut Tx<'_>, code: &str) -> Result<Self> {
        let process = process::find_in(tx, code)?;
        Ok(process.as_ref().map(Self::of).unwrap_or_default())
    }

    /// From when on the files of a case may go that comes to `to` at `now` and had them go from `before` on.
    ///
    /// The day on which it reaches the status counts whole, then the process's days. Whatever leads away from the status has
    /// the files stay again, but to close the case is no such thing.
    pub fn purge_at(
        &self,
        to: CaseStatus,
        before: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        match to {
            _ if to.as_str() == self.status => Some(term::midnight_after(now, self.days + 1)),
            CaseStatus::Closed | CaseStatus::Archived => before,
            _ => None,
        }
    }

    /// From when on files may go that came at `now` to a case whose others go from `before` on: not before they had the days of
    /// the process themselves.
    pub fn late(&self, before: Timestamp, now: Timestamp) -> Timestamp {
        before.max(term::midnight_after(now, self.days + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(status: &str, days: i64) -> Terms {
        let status = status.to_owned();
        Terms { status, days }
    }

    /// R23: that day, plus the process's days, plus one; midnight is that of legal time.
    #[test]
    fn files_go_when_the_days_after_the_status_are_over() {
        let now: Timestamp = "2026-03-02T22:59:00Z".parse().unwrap();
        let at = terms("DONE", 3).purge_at(CaseStatus::Done, None, now);
        assert_eq!(at.unwrap().to_string(), "2026-03-05T23:00:00Z");
        let none = terms("DONE", 0).purge_at(CaseStatus::Done, None, now);
        assert_eq!(none.unwrap().to_string(), "2026-03-02T23:00:00Z");
    }

    /// R23, HUB-3: what comes after the status was reached has days of its own, and never fewer than the others.
    #[test]
    fn files_that_come_late_have_their_own_days() {
        let (reached, now): (Timestamp, Timestamp) = (
            "2026-03-02T12:00:00Z".parse().unwrap(),
            "2026-03-12T12:00:00Z".parse().unwrap(),
        );
        let terms = terms("DONE", 3);
        let before = terms.purge_at(CaseStatus::Done, None, reached).unwrap();
        assert_eq!(terms.late(before, reached), before);
        assert_eq!(terms.late(before, now).to_string(), "2026-03-15T23:00:00Z");
        let far = "2027-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(terms.late(far, now), far);
    }

    /// R23: leaving the status has them stay; closing the case is not leaving it.
    #[test]
    fn files_stay_once_the_case_is_opened_again() {
        let now = Timestamp::UNIX_EPOCH;
        let terms = terms("DONE", 3);
        let before = Some(now);
        assert_eq!(terms.purge_at(CaseStatus::InProgress, before, now), None);
        assert_eq!(terms.purge_at(CaseStatus::Notified, before, now), None);
        assert_eq!(terms.purge_at(CaseStatus::Closed, before, now), before);
        assert_eq!(terms.purge_at(CaseStatus::Closed, None, now), None);
    }
}
