use std::{io::Cursor, ops::Range};

use super::{Office, Outcome, Task, work};
use crate::{
    codec::{Directory, Entry, FindingCode, Method, Place},
    kernel::digest::{Hasher, Sha256, blocks::Lanes, sha256},
};

/// Files of these sizes, one after the other.
struct Store {
    text: Vec<u8>,
    directory: Directory,
}

impl Store {
    fn of(sizes: impl Iterator<Item = usize>) -> Self {
        let (mut text, mut directory) = (Vec::new(), Directory::default());
        for (place, size) in sizes.enumerate() {
            let content = (0..size).map(|at| (at * 31 + place * 7 + at / 251) as u8);
            let offset = text.len() as u64;
            text.extend(content);
            directory.entries.push(Entry {
                name: format!("{place}").into(),
                raw: None,
                size: size as u64,
                place: Place {
                    offset,
                    length: size as u64,
                    method: Method::Stored,
                },
                crc32: None,
            });
        }
        Self { text, directory }
    }

    fn content(&self, entry: usize) -> &[u8] {
        let place = self.directory.entries[entry].place;
        &self.text[place.offset as usize..][..place.length as usize]
    }
}

/// Hands out runs of three, and keeps what it is told.
struct Desk {
    next: std::cell::Cell<usize>,
    tasks: usize,
    told: Vec<Option<Outcome>>,
    read: std::cell::Cell<u64>,
}

impl Office for Desk {
    fn next(&self) -> Option<Range<usize>> {
        let start = self.next.get();
        self.next.set(start + 3);
        (start < self.tasks).then(|| start..self.tasks.min(start + 3))
    }

    fn lanes(&self) -> usize {
        16
    }

    fn advance(&self, bytes: u64) -> bool {
        self.read.set(self.read.get() + bytes);
        true
    }

    fn tell(&mut self, task: usize, outcome: Outcome) {
        assert!(self.told[task].replace(outcome).is_none(), "told twice");
    }
}

fn done(store: &Store, lanes: Lanes) -> Desk {
    let count = store.directory.entries.len();
    let task = |entry| Task {
        entry,
        with_sha512: entry % 2 == 0,
    };
    let tasks: Vec<_> = (0..count).map(task).collect();
    let mut desk = Desk {
        next: std::cell::Cell::new(0),
        tasks: count,
        told: (0..count).map(|_| None).collect(),
        read: std::cell::Cell::new(0),
    };
    let open = || Ok(Cursor::new(&store.text[..]));
    work(lanes, &store.directory, &tasks, open, &mut desk).unwrap();
    desk
}

fn sha256_of(outcome: Option<&Outcome>) -> Sha256 {
    match outcome {
        Some(Outcome::Whole { digests, .. }) => digests.sha256,
        _ => panic!("not whole"),
    }
}

#[test]
fn files_of_every_length_are_hashed_in_lanes_as_each_would_be_alone() {
    let sizes = [
        0, 1, 63, 64, 65, 8191, 8193, 65_535, 65_536, 65_537, 200_000, 20_000,
    ];
    let store = Store::of((0..60).map(|place| sizes[place * 7 % sizes.len()]));
    for lanes in [Lanes::One, Lanes::widest()] {
        let desk = done(&store, lanes);
        for (entry, outcome) in desk.told.iter().enumerate() {
            assert_eq!(
                sha256_of(outcome.as_ref()),
                sha256(store.content(entry)),
                "file {entry}"
            );
            let Some(Outcome::Whole { digests, prefix }) = outcome else {
                panic!("not whole");
            };
            let mut hasher = Hasher::new(entry % 2 == 0);
            hasher.update(store.content(entry));
            assert_eq!(digests.sha512, hasher.finish().sha512);
            assert_eq!(prefix[..], store.content(entry)[..prefix.len()]);
            assert_eq!(prefix.len(), store.content(entry).len().min(8192));
        }
        assert_eq!(desk.read.get(), store.text.len() as u64);
    }
}

#[test]
fn a_file_that_is_not_what_the_archive_says_is_told_and_its_neighbours_are_read_all_the_same() {
    let mut store = Store::of((0..20).map(|_| 100_000));
    store.directory.entries[7].crc32 = Some(1);
    store.directory.entries[8].place.length = u64::from(u32::MAX);
    store.directory.entries[8].size = u64::from(u32::MAX);
    let desk = done(&store, Lanes::widest());
    for (entry, outcome) in desk.told.iter().enumerate() {
        match (entry, outcome) {
            (7, Some(Outcome::False(finding))) => assert_eq!(finding.code, FindingCode::FalseCrc),
            (8, Some(Outcome::False(finding))) => assert_eq!(finding.code, FindingCode::Truncated),
            (_, Some(Outcome::Whole { digests, .. })) => {
                assert_eq!(digests.sha256, sha256(store.content(entry)))
            }
            _ => panic!("file {entry}"),
        }
    }
}
