//! Which files of a flow are there to be taken: those of its pattern that are complete, and whose turn it is.
//!
//! A growing, vanished or half file is left alone, and so is one whose manifest beside it still grows. What failed is tried again
//! later and later. A gz whose manifest is not there yet is waited for a few polls long.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use wildmatch::WildMatch;

use super::troubles::Troubles;
use crate::{
    config::depots::{Complete, Incoming, MANIFESTS, RECEIPTS},
    domain::archives::{rest::Rest, strangers::Strangers},
    transport::Listed,
};

/// What is remembered of a flow from one look to the next.
#[derive(Default)]
pub struct Memory {
    rest: Rest,
    /// Files that no flow takes.
    pub(super) strangers: Strangers,
    /// Files that could not be taken.
    pub(super) troubles: Troubles,
}

/// A file whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The file.
    pub file: Listed,
    /// What lay beside it, where it might be its manifest.
    pub beside: Vec<Listed>,
    /// Whether it is given time for a manifest that is not there yet.
    pub is_patient: bool,
}

impl Memory {
    /// The files of `listed` that are complete at `now` and whose turn it is, in the order of their dates.
    pub fn ready(
        &mut self,
        flow: &Incoming,
        mut listed: Vec<Listed>,
        now: Timestamp,
        poll: Duration,
    ) -> Vec<Ready> {
        self.forget(&listed);
        let pattern = WildMatch::new(&flow.pattern);
        let stem = |name: &str| {
            let stem = flow
                .complete
                .marker()
                .and_then(|suffix| name.strip_suffix(suffix));
            stem.map(str::to_owned)
        };
        let markers: HashSet<String> = listed.iter().filter_map(|file| stem(&file.name)).collect();
        let mut beside = manifests(&listed);
        listed.retain(|file| {
            pattern.matches(&file.name) && stem(&file.name).is_none() && !is_beside(&file.name)
        });
        let with_its_manifest = |file: Listed| Ready {
            beside: beside.remove(&file.name).unwrap_or_default(),
            is_patient: self.troubles.is_patient(&file),
            file,
        };
        let mut ready: Vec<Ready> = listed.into_iter().map(with_its_manifest).collect();
        ready.retain(|ready| match &flow.complete {
            Complete::Rename => true,
            Complete::Marker(_) => markers.contains(&ready.file.name),
            Complete::Stable => self.is_at_rest(ready, now, poll),
        });
        ready.retain(|ready| self.troubles.is_due(&ready.file, now));
        ready.sort_by(|a, b| (a.file.modified, &a.file.name).cmp(&(b.file.modified, &b.file.name)));
        ready
    }

    /// Notes that a file was taken.
    pub fn taken(&mut self, file: &Listed) {
        self.rest.forget(&file.name);
        self.troubles.over(file);
    }

    fn forget(&mut self, listed: &[Listed]) {
        let there: HashSet<&str> = listed.iter().map(|file| file.name.as_str()).collect();
        self.rest.keep(|name| there.contains(name));
        self.troubles.keep(|name| there.contains(name));
    }

    /// Whether the file and what may be its manifest are stable. All are looked at: each has a time of its own.
    fn is_at_rest(&mut self, ready: &Ready, now: Timestamp, poll: Duration) -> bool {
        let files = std::iter::once(&ready.file).chain(&ready.beside);
        let moving = files.filter(|file| !self.rest.is_at_rest(file, now, poll));
        moving.count() == 0
    }
}

fn is_beside(name: &str) -> bool {
    let mut endings = RECEIPTS.iter().chain(&MANIFESTS);
    endings.any(|ending| name.ends_with(ending))
}

/// What may be manifests, by the name of the file that they would be of.
fn manifests(listed: &[Listed]) -> HashMap<String, Vec<Listed>> {
    let mut found: HashMap<String, Vec<Listed>> = HashMap::new();
    for file in listed {
        let mut stems = MANIFESTS.iter();
        if let Some(stem) = stems.find_map(|ending| file.name.strip_suffix(ending)) {
            found.entry(stem.to_owned()).or_default().push(file.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests;
