//! Files that could not be taken, and when each is tried again: later and later where it failed, a poll later where its manifest
//! is not there yet.

use std::{collections::HashMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{kernel::clock::has_passed, transport::Listed};

/// The longest pause between two tries of one file.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How many polls a gz is given for its manifest.
pub(super) const WAITS: u32 = 6;

/// The files of a flow that could not be taken, by name.
#[derive(Default)]
pub(super) struct Troubles(HashMap<String, Trouble>);

/// What is known of one, as long as its size and date stay what they are.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    size: u64,
    modified: i64,
    failures: u32,
    /// Whether it was another one than listed when it was to be read, or none.
    was_another: bool,
    /// How often its manifest was missing.
    waits: u32,
    /// When it was put off last, and how long.
    put_off: Option<(Timestamp, SignedDuration)>,
}

impl Troubles {
    /// Notes that a file could not be taken; answers how often that was so in a row.
    pub fn failed(&mut self, file: &Listed, now: Timestamp, least: Duration) -> u32 {
        let trouble = self.of(file);
        trouble.failures += 1;
        let pause = least
            .saturating_mul(1 << trouble.failures.min(12))
            .min(LONGEST_PAUSE);
        trouble.put_off(now, pause.max(least));
        trouble.failures
    }

    /// Notes that a file was another one than listed when it was to be read, or none; answers whether it was so before and is
    /// still listed as it was then: no look will tell it otherwise.
    pub fn is_another_again(&mut self, file: &Listed) -> bool {
        std::mem::replace(&mut self.of(file).was_another, true)
    }

    /// Notes that a file's manifest is not there yet: it is tried again a poll later.
    pub fn awaits_manifest(&mut self, file: &Listed, now: Timestamp, poll: Duration) {
        let trouble = self.of(file);
        trouble.waits += 1;
        trouble.put_off(now, poll);
    }

    /// Forgets the file, which was taken.
    pub fn over(&mut self, file: &Listed) {
        self.0.remove(&file.name);
    }

    /// Forgets those whose names are not to be kept.
    pub fn keep(&mut self, is_there: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| is_there(name));
    }

    /// Whether it is a file's turn.
    pub fn is_due(&self, file: &Listed, now: Timestamp) -> bool {
        let known = self.known(file);
        known.is_none_or(|trouble| trouble.is_due(now))
    }

    /// Whether a file is given more time for a manifest that is not there yet.
    pub fn is_patient(&self, file: &Listed) -> bool {
        let known = self.known(file);
        known.is_none_or(|trouble| trouble.waits < WAITS)
    }

    /// When the next file may be tried, after `now`. One whose turn has come is being tried, or is not complete: no look is to be
    /// hastened for it.
    pub fn next_try(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.0.values().filter(|trouble| !trouble.is_due(now));
        let turn = |(at, pause): (Timestamp, SignedDuration)| {
            at.checked_add(pause).unwrap_or(Timestamp::MAX)
        };
        waiting
            .filter_map(|trouble| trouble.put_off.map(turn))
            .min()
    }

    fn known(&self, file: &Listed) -> Option<&Trouble> {
        let known = self.0.get(&file.name);
        known.filter(|trouble| trouble.is_of(file))
    }

    /// What is known of a file; nothing yet of another one of its name.
    fn of(&mut self, file: &Listed) -> &mut Trouble {
        let fresh = Trouble::of(file);
        let known = self.0.entry(file.name.clone()).or_insert(fresh);
        if !known.is_of(file) {
            *known = fresh;
        }
        known
    }
}

impl Trouble {
    fn of(file: &Listed) -> Self {
        Self {
            size: file.size,
            modified: file.modified,
            failures: 0,
            was_another: false,
            waits: 0,
            put_off: None,
        }
    }

    fn is_of(&self, file: &Listed) -> bool {
        (self.size, self.modified) == (file.size, file.modified)
    }

    fn put_off(&mut self, now: Timestamp, pause: Duration) {
        let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
        self.put_off = Some((now, pause));
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let put_off = self.put_off;
        put_off.is_none_or(|(at, pause)| has_passed(pause, at, now))
    }
}
