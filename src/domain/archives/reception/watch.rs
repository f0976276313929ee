//! Which files of a flow are there to be taken: those of its pattern that are complete, and whose turn it is.
//!
//! A growing, vanished or half file is left alone. What failed is tried again later and later.

use std::{collections::HashMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use wildmatch::WildMatch;

use crate::{
    config::depots::{Complete, Incoming},
    transport::Listed,
};

/// What files beside an archive end with, which are none themselves: our receipts, and the manifest of a gz.
const BESIDE: [&str; 4] = [".ack.json", ".ack.p7s", ".manifest.json", ".manifest.xml"];
/// The longest pause between two tries of one file.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What is remembered of a flow from one look to the next.
#[derive(Default)]
pub struct Memory {
    /// Size and date of each file that was there, and since when they are what they are.
    stable: HashMap<String, (u64, i64, Timestamp)>,
    /// Files that could not be taken.
    troubled: HashMap<String, Trouble>,
}

/// A file that could not be taken.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    size: u64,
    modified: i64,
    failures: u32,
    not_before: Timestamp,
}

impl Memory {
    /// The files of `listed` that are complete at `now` and whose turn it is, in the order of their dates.
    pub fn ready(
        &mut self,
        flow: &Incoming,
        mut listed: Vec<Listed>,
        now: Timestamp,
        poll: Duration,
    ) -> Vec<Listed> {
        let pattern = WildMatch::new(&flow.pattern);
        let markers: std::collections::HashSet<String> = match &flow.complete {
            Complete::Marker(suffix) => {
                let names = listed.iter().map(|file| file.name.as_str());
                let stems = names.filter_map(|name| name.strip_suffix(suffix.as_str()));
                stems.map(str::to_owned).collect()
            }
            Complete::Rename | Complete::Stable => Default::default(),
        };
        let is_marker = |name: &str| matches!(&flow.complete, Complete::Marker(suffix) if name.ends_with(suffix.as_str()));
        listed.retain(|file| {
            pattern.matches(&file.name)
                && !is_marker(&file.name)
                && !BESIDE.iter().any(|ending| file.name.ends_with(ending))
        });
        self.forget(&listed);
        listed.retain(|file| match &flow.complete {
            Complete::Rename => true,
            Complete::Marker(_) => markers.contains(&file.name),
            Complete::Stable => self.is_stable(file, now, poll),
        });
        listed.retain(|file| self.is_due(file, now));
        listed.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
        listed
    }

    /// Notes that a file could not be taken; answers how often that was so in a row.
    pub fn failed(&mut self, file: &Listed, now: Timestamp, least: Duration) -> u32 {
        let before = self
            .troubled
            .get(&file.name)
            .filter(|known| known.is_of(file));
        let failures = before.map_or(0, |known| known.failures) + 1;
        let pause = least
            .saturating_mul(1 << failures.min(12))
            .min(LONGEST_PAUSE);
        let pause = SignedDuration::try_from(pause.max(least)).unwrap_or(SignedDuration::MAX);
        let trouble = Trouble {
            size: file.size,
            modified: file.modified,
            failures,
            not_before: now.checked_add(pause).unwrap_or(Timestamp::MAX),
        };
        self.troubled.insert(file.name.clone(), trouble);
        failures
    }

    /// Notes that a file was taken; answers whether it had failed before.
    pub fn taken(&mut self, file: &Listed) -> bool {
        self.stable.remove(&file.name);
        self.troubled.remove(&file.name).is_some()
    }

    /// When the next file that failed may be tried, after `now`. One whose turn has come is being tried, or is not complete: no
    /// look is to be hastened for it.
    pub fn next_try(&self, now: Timestamp) -> Option<Timestamp> {
        let turns = self.troubled.values().map(|trouble| trouble.not_before);
        turns.filter(|turn| *turn > now).min()
    }

    fn forget(&mut self, listed: &[Listed]) {
        let there: std::collections::HashSet<&str> =
            listed.iter().map(|file| file.name.as_str()).collect();
        self.stable.retain(|name, _| there.contains(name.as_str()));
        self.troubled
            .retain(|name, _| there.contains(name.as_str()));
    }

    fn is_stable(&mut self, file: &Listed, now: Timestamp, poll: Duration) -> bool {
        let known = self.stable.get(&file.name);
        match known {
            Some((size, modified, since)) if (*size, *modified) == (file.size, file.modified) => {
                let poll = SignedDuration::try_from(poll).unwrap_or(SignedDuration::MAX);
                now.duration_since(*since) >= poll
            }
            _ => {
                let seen = (file.size, file.modified, now);
                self.stable.insert(file.name.clone(), seen);
                false
            }
        }
    }

    fn is_due(&self, file: &Listed, now: Timestamp) -> bool {
        let trouble = self.troubled.get(&file.name);
        trouble.is_none_or(|trouble| !trouble.is_of(file) || now >= trouble.not_before)
    }
}

impl Trouble {
    fn is_of(&self, file: &Listed) -> bool {
        (self.size, self.modified) == (file.size, file.modified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::depots::{CodePage, Then},
        kernel::clock::instant,
    };

    const POLL: Duration = Duration::from_secs(10);

    fn flow(complete: Complete) -> Incoming {
        Incoming {
            pattern: "*.zip".to_owned(),
            complete,
            then: Then::Delete,
            receipts: "receipts".to_owned(),
            rejected: None,
            client: None,
            code_page: CodePage::Cp437,
        }
    }

    fn file(name: &str, size: u64, modified: i64) -> Listed {
        Listed {
            name: name.to_owned(),
            size,
            modified,
        }
    }

    fn ready(memory: &mut Memory, flow: &Incoming, files: &[Listed], second: i64) -> Vec<String> {
        let now = instant(second * 1_000_000);
        let ready = memory.ready(flow, files.to_vec(), now, POLL);
        ready.into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn what_was_renamed_is_complete_and_other_names_are_left_alone() {
        let flow = flow(Complete::Rename);
        let files = [
            file("b.zip", 1, 5),
            file("a.zip", 1, 9),
            file("a.zip.tmp", 1, 1),
            file("a.zip.ack.json", 1, 1),
        ];
        let found = ready(&mut Memory::default(), &flow, &files, 100);
        assert_eq!(found, ["b.zip", "a.zip"]);
    }

    #[test]
    fn a_file_waits_for_its_marker() {
        let flow = flow(Complete::Marker(".ok".to_owned()));
        let mut memory = Memory::default();
        let files = [
            file("a.zip", 1, 5),
            file("b.zip", 1, 5),
            file("b.zip.ok", 0, 6),
        ];
        assert_eq!(ready(&mut memory, &flow, &files, 100), ["b.zip"]);
    }

    #[test]
    fn a_file_is_stable_after_two_looks_a_poll_apart_with_the_same_size_and_date() {
        let flow = flow(Complete::Stable);
        let mut memory = Memory::default();
        let none: [&str; 0] = [];
        assert_eq!(ready(&mut memory, &flow, &[file("a.zip", 1, 5)], 100), none);
        // Rung early: nothing is told by that.
        assert_eq!(ready(&mut memory, &flow, &[file("a.zip", 1, 5)], 101), none);
        assert_eq!(ready(&mut memory, &flow, &[file("a.zip", 2, 5)], 111), none);
        assert_eq!(
            ready(&mut memory, &flow, &[file("a.zip", 2, 5)], 121),
            ["a.zip"]
        );
    }

    #[test]
    fn what_failed_is_tried_again_later_and_a_new_file_of_that_name_at_once() {
        let flow = flow(Complete::Rename);
        let (mut memory, old) = (Memory::default(), file("a.zip", 1, 5));
        assert_eq!(memory.failed(&old, instant(100_000_000), POLL), 1);
        let none: [&str; 0] = [];
        assert_eq!(
            ready(&mut memory, &flow, std::slice::from_ref(&old), 105),
            none
        );
        assert_eq!(
            ready(&mut memory, &flow, &[file("a.zip", 2, 5)], 105),
            ["a.zip"]
        );
        assert_eq!(
            ready(&mut memory, &flow, std::slice::from_ref(&old), 121),
            ["a.zip"]
        );
        assert_eq!(memory.failed(&old, instant(121_000_000), POLL), 2);
        assert!(memory.taken(&old));
    }

    #[test]
    fn a_file_whose_turn_has_come_hastens_no_look() {
        let mut memory = Memory::default();
        memory.failed(&file("a.zip", 1, 5), instant(100_000_000), POLL);
        memory.failed(&file("b.zip", 1, 5), instant(105_000_000), POLL);
        let next = |second: i64| memory.next_try(instant(second * 1_000_000));
        assert_eq!(next(119), Some(instant(120_000_000)));
        // The first is being tried, as long as that takes.
        assert_eq!(next(120), Some(instant(125_000_000)));
        assert_eq!(next(125), None);
        assert_eq!(next(1000), None);
    }
}
