//! Zips whose bytes are not all accounted for: before, between, behind, or by an end that lies.

use super::{
    codes,
    hostile_zip::{and, sound, with},
};
use crate::kit::archive::zip::{Entry, central, end, local, zip};

#[test]
fn bytes_before_between_and_after_are_refused() {
    let whole = zip(&sound());
    let before = |prefix: &[u8]| codes(&[prefix, &whole].concat());
    assert_eq!(before(b"PK\x03\x04 and then words"), ["prefix-bytes"]);
    assert_eq!(codes(&[&whole[..], b"x"].concat()), ["trailing-bytes"]);
    assert_eq!(codes(&[&whole[..], &[0; 8]].concat()), ["trailing-bytes"]);
    let mut filled = whole.clone();
    filled.resize(10_240, 0);
    assert_eq!(
        codes(&filled),
        [""; 0],
        "zeros that fill up a record, as a packer does that writes to a pipe"
    );
    filled.resize(20_480, 0);
    assert_eq!(codes(&filled), ["trailing-bytes"]);
    assert_eq!(codes(&[&whole[..], &whole].concat()), ["prefix-bytes"]);
    assert_eq!(
        codes(&with(|entry| entry.after = b"hidden".to_vec())),
        ["hidden-bytes"]
    );
    // A file that stands there and not in the directory: one that only readers of streams would see.
    let unlisted = Entry::stored("b", b"x").with(|entry| entry.listed = false);
    assert_eq!(codes(&and(unlisted)), ["hidden-bytes"]);
    let mut entries = sound();
    entries.insert(
        0,
        Entry::stored("b", b"x").with(|entry| entry.listed = false),
    );
    assert_eq!(codes(&zip(&entries)), ["prefix-bytes"]);
}

#[test]
fn an_end_that_can_be_found_in_two_places_is_refused() {
    let entries = sound();
    let whole = zip(&entries);
    let (front, last) = whole.split_at(whole.len() - 22);
    // The comment is an end record of its own.
    let other = end(0, 0, 0, b"");
    let mut changed = last[..20].to_vec();
    changed.extend((other.len() as u16).to_le_bytes());
    assert_eq!(codes(&[front, &changed, &other].concat()), ["malformed"]);
    // A comment in which readers from behind find a mark: they would look at other bytes.
    let mut changed = last[..20].to_vec();
    let comment = b"PK\x05\x06";
    changed.extend((comment.len() as u16).to_le_bytes());
    assert_eq!(codes(&[front, &changed, comment].concat()), ["truncated"]);
    // A comment of words is one.
    let mut changed = last[..20].to_vec();
    changed.extend(5_u16.to_le_bytes());
    assert_eq!(codes(&[front, &changed, b"words"].concat()), [""; 0]);
}

#[test]
fn an_archive_that_is_cut_anywhere_is_refused() {
    let whole = zip(&sound());
    for length in (4..whole.len()).step_by(7) {
        let found = codes(&whole[..length]);
        assert!(!found.is_empty(), "cut at {length}");
    }
    assert_eq!(codes(&whole[..whole.len() - 1]), ["truncated"]);
    assert_eq!(codes(&whole[..whole.len() - 30]), ["truncated"]);
}

#[test]
fn a_directory_that_counts_wrongly_is_refused() {
    let entries = sound();
    let whole = zip(&entries);
    let front = &whole[..whole.len() - 22];
    let first = local(&entries[0]).len() + entries[0].stored.len();
    let start = first + local(&entries[1]).len() + entries[1].stored.len();
    let size = central(&entries[0], 0).len() + central(&entries[1], 0).len();
    let ended = |entries, size: usize, start: usize| {
        codes(&[front, &end(entries, size as u32, start as u32, b"")].concat())
    };
    assert_eq!(ended(2, size, start), [""; 0]);
    for (entries, size, start) in [
        (1, size, start),
        (3, size, start),
        (2, size - 1, start),
        (2, size, start + 1),
        (65_535, size, start),
    ] {
        let found = ended(entries, size, start);
        assert!(
            found == ["malformed"] || found == ["prefix-bytes"],
            "{entries} {size} {start}: {found:?}"
        );
    }
    let volumes = |at: usize| {
        let mut bytes = whole.clone();
        let at = bytes.len() - 22 + at;
        bytes[at] = 1;
        codes(&bytes)
    };
    assert_eq!(
        (volumes(4), volumes(6)),
        (vec!["multi-volume"], vec!["multi-volume"])
    );
}
