//! Terms in calendar units, counted in whole days of legal time: how long things are kept.
//!
//! A term of months ends on the day of the same number, or on the month's last where it has none, and that day counts
//! whole: what was acknowledged on 30 November at any hour is kept, for three months, to the end of 28 February. So whether a term is over
//! depends on dates alone, and all that is over of one term was begun before one instant ([`Term::cutoff`]).

use jiff::{Span, Timestamp, ToSpan, Unit, civil::Date, tz::TimeZone};

use super::fault::{Code, Fault, Result};

/// French legal time, by its rule since 1996: it needs no database of time zones on the machine.
const LEGAL_TIME: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
/// The longest term.
const LONGEST_DAYS: i32 = 3660;
/// How far the end of a term may lie from where taking it off leads: months differ by three days.
const SLACK_DAYS: i64 = 5;

/// A term such as `3 months`, `90 days`, `1 year 6 months`.
#[derive(Clone, Copy, Debug)]
pub struct Term(Span);

impl Term {
    /// Reads a term. Fails with `configuration` where it is not of whole years, months, weeks and days, is nothing, or
    /// is longer than ten years.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || {
            let detail = "expected a term in years, months, weeks or days, such as \"3 months\", ten years at most";
            Fault::new(Code::Configuration, detail)
        };
        let span: Span = text.parse().map_err(|_| refused())?;
        let first = Date::constant(2001, 1, 1);
        let end = first.checked_add(span).map_err(|_| refused())?;
        let days = first
            .until((Unit::Day, end))
            .map_err(|_| refused())?
            .get_days();
        let clock = [
            span.get_hours().into(),
            span.get_minutes(),
            span.get_seconds(),
        ];
        let finer = [
            span.get_milliseconds(),
            span.get_microseconds(),
            span.get_nanoseconds(),
        ];
        let has_time = clock.into_iter().chain(finer).any(|part: i64| part != 0);
        match (1..=LONGEST_DAYS).contains(&days) && !has_time {
            true => Ok(Self(span)),
            false => Err(refused()),
        }
    }

    /// A term of so many months.
    pub fn months(months: u8) -> Self {
        Self(i64::from(months).months())
    }

    /// The first day on which what began at `from` is kept no more.
    pub fn over_on(&self, from: Timestamp) -> Date {
        let last = self.last_day(day(from));
        last.tomorrow().unwrap_or(Date::MAX)
    }

    /// Everything that began before this instant, and nothing else, has outlived the term at `now`.
    pub fn cutoff(&self, now: Timestamp) -> Timestamp {
        let today = day(now);
        let near = today
            .saturating_sub(self.0)
            .saturating_add(SLACK_DAYS.days());
        let over = std::iter::successors(Some(near), |date| date.yesterday().ok())
            .find(|date| self.last_day(*date) < today);
        over.and_then(|date| date.tomorrow().ok())
            .and_then(|date| date.to_zoned(legal_time()).ok())
            .map_or(Timestamp::MIN, |begins| begins.timestamp())
    }

    fn last_day(&self, from: Date) -> Date {
        from.saturating_add(self.0)
    }
}

/// As ISO 8601 writes it, such as `P3M`.
impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

/// The day of an instant in legal time.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(legal_time()).date()
}

/// The last instant, `now` at the latest, at which legal time showed `hour` and `minute`.
pub fn last_time_of_day(now: Timestamp, hour: i8, minute: i8) -> Timestamp {
    let today = day(now);
    match time_of_day(today, hour, minute) {
        Some(at) if at <= now => at,
        _ => {
            let yesterday = today.yesterday().ok();
            let at = yesterday.and_then(|date| time_of_day(date, hour, minute));
            at.unwrap_or(Timestamp::MIN)
        }
    }
}

/// The instant at which the day begins in legal time that is `days` days after that of `at`.
pub fn midnight_after(at: Timestamp, days: i64) -> Timestamp {
    let day = Span::new()
        .try_days(days)
        .map(|days| day(at).saturating_add(days));
    let begins = day.and_then(|day| day.to_zoned(legal_time()));
    begins.map_or(Timestamp::MAX, |begins| begins.timestamp())
}

/// The instant at which legal time shows `hour` and `minute` of a day; nothing at the end of the calendar.
pub fn time_of_day(on: Date, hour: i8, minute: i8) -> Option<Timestamp> {
    let at = on.at(hour, minute, 0, 0).to_zoned(legal_time()).ok()?;
    Some(at.timestamp())
}

fn legal_time() -> TimeZone {
    TimeZone::posix(LEGAL_TIME).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn over(term: &str, from: &str, now: &str) -> bool {
        at(from) < Term::parse(term).unwrap().cutoff(at(now))
    }

    #[test]
    fn the_last_day_of_a_term_counts_whole_in_legal_time() {
        let from = "2026-03-15T09:00:00Z";
        assert!(!over("3 months", from, "2026-06-15T21:59:59Z"));
        assert!(over("3 months", from, "2026-06-15T22:00:00Z"));
        // In winter midnight comes an hour later.
        assert!(!over(
            "3 months",
            "2026-11-15T09:00:00Z",
            "2027-02-15T22:59:59Z"
        ));
        assert!(over(
            "3 months",
            "2026-11-15T09:00:00Z",
            "2027-02-15T23:00:00Z"
        ));
    }

    #[test]
    fn a_month_without_the_day_ends_the_term_on_its_last_whatever_the_hour() {
        for from in [
            "2026-11-28T12:00:00Z",
            "2026-11-29T22:59:00Z",
            "2026-11-30T01:00:00Z",
        ] {
            assert!(!over("3 months", from, "2027-02-28T22:59:59Z"), "{from}");
            assert!(over("3 months", from, "2027-02-28T23:00:00Z"), "{from}");
        }
        // The 1 December of legal time begins on 30 November.
        assert!(!over(
            "3 months",
            "2026-11-30T23:30:00Z",
            "2027-03-01T12:00:00Z"
        ));
    }

    #[test]
    fn a_term_is_of_calendar_units_and_not_nothing() {
        for good in ["3 months", "90 days", "1 year 6 months", "2 weeks", "1d"] {
            assert!(Term::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "0 days",
            "-3 months",
            "3 hours",
            "1 day 1 hour",
            "3",
            "11 years",
            "always",
            "3 months ago",
        ] {
            assert!(Term::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_last_time_of_day_is_the_last_that_has_passed() {
        let last = |now| last_time_of_day(at(now), 2, 30).to_string();
        assert_eq!(last("2026-11-22T01:30:00Z"), "2026-11-22T01:30:00Z");
        assert_eq!(last("2026-11-22T01:29:59Z"), "2026-11-21T01:30:00Z");
        assert_eq!(last("2026-07-22T00:30:00Z"), "2026-07-22T00:30:00Z");
    }

    proptest! {
        /// The one cutoff says of every instant what the date of its own end says.
        #[test]
        fn the_cutoff_says_what_each_term_says_by_itself(
            days in 0..4000i64, hour in 0..24i64, now in 0..4000i64, term in prop::sample::select(vec!["1 month", "3 months", "1 year", "45 days"]),
        ) {
            let term = Term::parse(term).unwrap();
            let begin = at("2020-01-01T00:30:00Z");
            let from = begin + (days * 24 + hour).hours();
            let now = begin + (now * 24).hours();
            prop_assert_eq!(from < term.cutoff(now), term.over_on(from) <= day(now));
        }
    }
}
