//! Zips that lie, each in one way; the same archive without the lie is taken.

use navette::codec::Limits;

use super::{basis, codes, codes_by, keeps_its_limits, within};
use crate::kit::archive::{
    manifest_text,
    zip::{Entry, deflate, local, zip},
};

/// The manifest, and a sound file that it declares.
pub fn sound() -> Vec<Entry> {
    let (manifest, text) = basis();
    vec![
        Entry::deflated("manifest.json", &manifest),
        Entry::stored("a.txt", text),
    ]
}

/// The sound archive with its file changed.
pub fn with(change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut entries = sound();
    change(&mut entries[1]);
    zip(&entries)
}

/// The sound archive with one entry more.
pub fn and(entry: Entry) -> Vec<u8> {
    let mut entries = sound();
    entries.push(entry);
    zip(&entries)
}

#[test]
fn the_sound_archive_is_taken_stored_deflated_and_with_every_form_of_descriptor() {
    assert_eq!(codes(&zip(&sound())), [""; 0]);
    let (manifest, text) = basis();
    for (mark, long) in [(true, false), (true, true), (false, false), (false, true)] {
        let entries = [
            Entry::deflated("manifest.json", &manifest).described(mark, long),
            Entry::deflated("a.txt", text).described(mark, long),
        ];
        assert_eq!(codes(&zip(&entries)), [""; 0], "{mark} {long}");
    }
    let folder = Entry::stored("lot/", b"").mode(0o40_755);
    assert_eq!(codes(&and(folder)), [""; 0]);
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for name in [
        "../a.txt",
        "/a.txt",
        "a/../../b",
        "C:\\a",
        "c:a",
        "..\\a",
        "a\0b",
        "a//b",
        "a/./b",
        "a\nb",
        "a\u{202E}b",
    ] {
        assert_eq!(
            codes(&and(Entry::stored(name, b"x"))),
            ["unsafe-path"],
            "{name:?}"
        );
    }
    let folder = Entry::stored("../lot/", b"").mode(0o40_755);
    assert_eq!(codes(&and(folder)), ["unsafe-path"]);
}

#[test]
fn what_is_not_a_plain_file_is_refused() {
    let of = |mode| codes(&and(Entry::stored("b", b"/etc/passwd").mode(mode)));
    assert_eq!(of(0o120_777), ["link-entry"]);
    for mode in [0o140_644, 0o010_644, 0o020_644, 0o060_644] {
        assert_eq!(of(mode), ["device-entry"], "{mode:o}");
    }
    for mode in [0o104_755, 0o102_755, 0o101_644, 0o4755] {
        assert_eq!(of(mode), ["setuid-entry"], "{mode:o}");
    }
    assert_eq!(of(0o040_755), ["special-entry"]);
    let reparse = Entry::stored("b", b"x").with(|entry| entry.attributes = 0x400);
    assert_eq!(codes(&and(reparse)), ["link-entry"]);
    let full = Entry::stored("lot/", b"x").mode(0o40_755);
    assert_eq!(codes(&and(full)), ["special-entry"]);
}

#[test]
fn two_names_that_some_system_takes_for_one_are_refused() {
    for name in ["a.txt", "A.TXT", "a.TXT"] {
        assert_eq!(
            codes(&and(Entry::stored(name, b"x"))),
            ["duplicate-name"],
            "{name}"
        );
    }
    let (composed, apart) = ("\u{e9}.txt", "e\u{301}.txt");
    let entries = [
        Entry::stored("manifest.json", &manifest_text(&[composed])),
        Entry::stored(composed, b"words"),
        Entry::stored(apart, b"words"),
    ];
    assert_eq!(codes(&zip(&entries)), ["duplicate-name"]);
    assert_eq!(
        codes(&and(Entry::stored("a.txt/b", b"x"))),
        ["duplicate-name"]
    );
    for folder in ["A.txt/", "a.txt/b/", "a.txt/b/c/"] {
        let folder = Entry::stored(folder, b"").mode(0o40_755);
        assert_eq!(codes(&and(folder)), ["duplicate-name"]);
    }
}

#[test]
fn entries_over_the_same_bytes_are_refused() {
    let same = Entry::stored("b", b"some words\n").with(|entry| entry.written = false);
    let mut entries = sound();
    let place = local(&entries[0]).len() + entries[0].stored.len();
    entries.push(same.with(|entry| entry.at = Some(place as u32)));
    let found = codes(&zip(&entries));
    assert!(found.contains(&"overlapping-entries"), "{found:?}");
    // A bomb of quines: an entry that lies within another one's content.
    let inner = Entry::stored("b", b"x");
    let header = local(&inner);
    let outer = Entry::stored("c", &[&header[..], b"x"].concat());
    let at = place + local(&sound()[1]).len() + b"some words\n".len() + local(&outer).len();
    let mut entries = sound();
    entries.push(outer);
    entries.push(inner.with(|entry| (entry.written, entry.at) = (false, Some(at as u32))));
    let found = codes(&zip(&entries));
    assert!(found.contains(&"overlapping-entries"), "{found:?}");
}

#[test]
fn encrypted_entries_and_other_methods_are_refused() {
    for flag in [1, 1 << 6 | 1, 1 << 13] {
        assert_eq!(
            codes(&with(|entry| entry.flags |= flag)),
            ["encrypted-entry"]
        );
    }
    let by = |method| {
        codes(&with(|entry| {
            entry.method = method;
            entry.local_method = method;
        }))
    };
    assert_eq!(by(99), ["encrypted-entry"]);
    for method in [1, 6, 9, 12, 14, 93, 95, 98] {
        assert_eq!(by(method), ["method-unsupported"], "{method}");
    }
}

#[test]
fn false_sizes_and_checksums_are_refused() {
    assert_eq!(codes(&with(|entry| entry.crc ^= 1)), ["false-crc"]);
    assert_eq!(codes(&with(|entry| entry.size += 1)), ["false-size"]);
    let deflated = |change: fn(&mut Entry)| {
        let (_, text) = basis();
        codes(&with(|entry| {
            *entry = Entry::deflated("a.txt", text);
            change(entry);
        }))
    };
    assert_eq!(deflated(|_| {}), [""; 0]);
    assert_eq!(deflated(|entry| entry.size += 1), ["false-size"]);
    assert_eq!(deflated(|entry| entry.size -= 1), ["false-size"]);
    assert_eq!(deflated(|entry| entry.crc ^= 1), ["false-crc"]);
    // Bytes behind the end of the deflate stream, counted as its own.
    assert_eq!(
        deflated(|entry| {
            entry.stored.extend(b"hidden");
            entry.packed += 6;
        }),
        ["false-size"]
    );
    // A stream that is cut, and one that is none.
    assert_eq!(
        deflated(|entry| {
            entry.stored.truncate(5);
            entry.packed = 5;
        }),
        ["damaged-content"]
    );
    assert_eq!(
        deflated(|entry| entry.stored[0] = 0xFF),
        ["damaged-content"]
    );
}

#[test]
fn two_headers_that_say_otherwise_are_refused() {
    let cases: [fn(&mut Entry); 6] = [
        |entry| entry.local_name = b"b.txt".to_vec(),
        |entry| entry.local_method = 8,
        |entry| entry.at = Some(3),
        |entry| {
            *entry = entry
                .clone()
                .described(true, false)
                .with(|entry| entry.after[5] ^= 1)
        },
        |entry| {
            *entry = entry
                .clone()
                .described(true, true)
                .with(|entry| entry.after.truncate(11))
        },
        |entry| entry.local_extra = b"\x01\0\x08".to_vec(),
    ];
    for (place, case) in cases.into_iter().enumerate() {
        let found = codes(&with(case));
        assert!(found.contains(&"false-header"), "case {place}: {found:?}");
    }
}

#[test]
fn a_bomb_is_refused_whatever_it_says_of_itself() {
    let zeros = vec![0; 10_000_000];
    assert_eq!(
        codes(&and(Entry::deflated("b", &zeros))),
        ["ratio-exceeded"]
    );
    // One that says it is small is held to what it said, from the first byte too many on.
    let bomb = Entry::deflated("a.txt", &zeros).with(|entry| entry.size = 1000);
    let (manifest, _) = basis();
    assert_eq!(
        codes(&zip(&[Entry::stored("manifest.json", &manifest), bomb])),
        ["false-size"]
    );
    // Many small ones are one large one together.
    let names: Vec<_> = (0..40).map(|place| format!("b{place}")).collect();
    let mut entries = sound();
    entries.extend(
        names
            .iter()
            .map(|name| Entry::deflated(name, &zeros[..120_000])),
    );
    assert_eq!(codes(&zip(&entries)), ["ratio-exceeded"]);
    // A blank page is none.
    let (manifest, _) = basis();
    let blank = vec![b' '; 100_000];
    assert_eq!(
        codes(&zip(&[
            Entry::stored("manifest.json", &manifest),
            Entry::deflated("a.txt", &blank)
        ])),
        [""; 0]
    );
}

#[test]
fn limits_are_kept() {
    keeps_its_limits(&zip(&sound()));
    let short = within(Limits {
        manifest: 10,
        ..Limits::default()
    });
    assert_eq!(codes_by(&zip(&sound()), &short), ["manifest-too-large"]);
    let long = "n".repeat(4097);
    assert_eq!(codes(&and(Entry::stored(&long, b"x"))), ["name-too-long"]);
    assert_eq!(
        codes(&and(Entry::stored(&long[1..], b"x"))),
        ["undeclared-file"]
    );
}

#[test]
fn an_archive_within_an_archive_is_a_file_and_never_opened() {
    let inner = zip(&[
        Entry::stored("../x", b"x"),
        Entry::deflated("b", &vec![0; 10_000_000]),
    ]);
    let text = String::from_utf8(manifest_text(&["a.zip"]))
        .unwrap()
        .replace("text/plain", "application/zip");
    let entries = [
        Entry::stored("manifest.json", text.as_bytes()),
        Entry::stored("a.zip", &inner),
    ];
    assert_eq!(codes(&zip(&entries)), [""; 0]);
}

#[test]
fn a_name_in_unicode_beside_the_old_one_counts_only_where_it_is_of_that_one() {
    let unicode = |of: &[u8], name: &str| {
        let field = [
            &[1][..],
            &crate::kit::archive::zip::crc(of).to_le_bytes(),
            name.as_bytes(),
        ]
        .concat();
        [
            &[0x75, 0x70][..],
            &(field.len() as u16).to_le_bytes(),
            &field,
        ]
        .concat()
    };
    let manifest = manifest_text(&["\u{e9}.txt"]);
    let archive = |raw: &[u8], extra: Vec<u8>| {
        let file = Entry::stored("x", b"words")
            .named(raw)
            .with(|entry| entry.extra = extra);
        codes(&zip(&[Entry::stored("manifest.json", &manifest), file]))
    };
    assert_eq!(archive(b"_.txt", unicode(b"_.txt", "\u{e9}.txt")), [""; 0]);
    assert_eq!(
        archive(b"_.txt", unicode(b"other", "\u{e9}.txt")),
        ["missing-file", "undeclared-file"]
    );
    assert_eq!(
        archive(b"_.txt", unicode(b"_.txt", "../\u{e9}.txt")),
        ["unsafe-path"]
    );
}

#[test]
fn every_fault_of_a_structure_is_told_at_once() {
    let mut entries = sound();
    entries.push(Entry::stored("../b", b"x"));
    entries.push(Entry::stored("c", b"x").mode(0o120_777));
    entries.push(Entry::stored("d", b"x").with(|entry| entry.flags |= 1));
    entries.push(Entry::stored("A.txt", b"x"));
    entries.push(
        Entry::stored("e", &deflate(b"x"))
            .with(|entry| (entry.method, entry.local_method) = (12, 12)),
    );
    assert_eq!(
        codes(&zip(&entries)),
        [
            "duplicate-name",
            "encrypted-entry",
            "link-entry",
            "method-unsupported",
            "unsafe-path"
        ]
    );
}
