//! Files at rest: of the same size and date in two looks that lie a poll apart, however many were between.

use std::{collections::HashMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{kernel::clock::has_passed, transport::Listed};

/// Size and date of each file of a folder that is looked at again and again, and since when they are what they are.
#[derive(Default)]
pub(super) struct Rest(HashMap<String, (u64, i64, Timestamp)>);

impl Rest {
    /// Whether a file has been what it is for a poll. Its rest begins anew where the clock was set back since: that it stood still
    /// once tells nothing.
    pub(super) fn is_at_rest(&mut self, file: &Listed, now: Timestamp, poll: Duration) -> bool {
        match self.0.get(&file.name) {
            Some((size, modified, since))
                if (*size, *modified) == (file.size, file.modified) && *since <= now =>
            {
                let poll = SignedDuration::try_from(poll).unwrap_or(SignedDuration::MAX);
                has_passed(poll, *since, now)
            }
            _ => {
                let seen = (file.size, file.modified, now);
                self.0.insert(file.name.clone(), seen);
                false
            }
        }
    }

    /// Forgets those whose names are not to be kept.
    pub(super) fn keep(&mut self, is_there: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| is_there(name));
    }

    /// Forgets a file.
    pub(super) fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }
}
