//! What concerns one piece is told of that piece; what concerns none refuses the archive.

use std::{io::Cursor, sync::Arc};

use navette::{
    codec::{CodePage, Format, Limits},
    domain::archives::check::{self, Checked, PieceAt, Rules},
    kernel::{
        digest::sha256,
        fault::{Code, Fault},
    },
};
use serde_json::{Value, json};

use super::{checked, codes_by, rules};
use crate::kit::archive::{
    manifest,
    zip::{Entry, zip},
};

const NAMES: [&str; 4] = ["a.txt", "b.txt", "c.txt", "d.txt"];

/// Four pieces of one file each, the manifest changed.
fn archive(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest = manifest(&NAMES);
    change(&mut manifest);
    let mut entries = vec![Entry::deflated(
        "manifest.json",
        manifest.to_string().as_bytes(),
    )];
    entries.extend(NAMES.iter().map(|name| Entry::deflated(name, &text(name))));
    zip(&entries)
}

fn text(name: &str) -> Vec<u8> {
    format!("words of {name}\n").repeat(100).into_bytes()
}

/// The codes, each with its piece.
fn flaws(checked: &Checked) -> Vec<(&'static str, Option<usize>)> {
    let flaws = checked.flaws.iter();
    flaws
        .map(|flaw| (flaw.finding.code.as_str(), flaw.piece.map(|at| at.piece)))
        .collect()
}

#[test]
fn every_declared_file_comes_out_with_its_hash_and_its_place() {
    let checked = checked(&archive(|_| {}), &rules());
    assert!(checked.is_sound() && !checked.is_refused_whole());
    let hashes: Vec<_> = checked.files.iter().map(|file| file.sha256).collect();
    assert_eq!(hashes, NAMES.map(|name| sha256(&text(name))));
    let places: Vec<_> = checked
        .files
        .iter()
        .map(|file| &*checked.directory.entries[file.entry].name)
        .collect();
    assert_eq!(places, NAMES);
    assert!(checked.files.iter().all(|file| file.found.agrees));
}

#[test]
fn faults_of_pieces_are_told_of_them_and_leave_the_others_sound() {
    let bytes = archive(|manifest| {
        let file = |place: usize| format!("/pieces/{place}/files/0");
        let mut set = |place: usize, field: &str, value: Value| {
            manifest.pointer_mut(&file(place)).unwrap()[field] = value;
        };
        set(
            0,
            "hash",
            json!({ "algorithm": "SHA-256", "value": "0".repeat(64) }),
        );
        set(1, "size", json!(7));
        set(2, "mediaType", json!("application/pdf"));
    });
    let checked = checked(&bytes, &rules());
    assert_eq!(
        flaws(&checked),
        [
            ("hash-mismatch", Some(0)),
            ("size-mismatch", Some(1)),
            ("type-mismatch", Some(2))
        ]
    );
    assert!(!checked.is_refused_whole());
    let faulty: Vec<_> = checked.faulty().into_iter().collect();
    assert_eq!(faulty, [0, 1, 2].map(|piece| PieceAt { dossier: 0, piece }));
}

#[test]
fn a_missing_file_is_its_pieces_fault_and_an_undeclared_one_the_archives() {
    let bytes = archive(|manifest| manifest["pieces"][1]["files"][0]["name"] = json!("other.txt"));
    let checked = checked(&bytes, &rules());
    assert_eq!(
        flaws(&checked),
        [("missing-file", Some(1)), ("undeclared-file", None)]
    );
    assert!(checked.is_refused_whole());
}

#[test]
fn an_empty_file_is_told() {
    let manifest = manifest(&["a.txt"]).to_string();
    let entries = [
        Entry::stored("manifest.json", manifest.as_bytes()),
        Entry::stored("a.txt", b""),
    ];
    assert_eq!(
        flaws(&checked(&zip(&entries), &rules())),
        [("empty-file", Some(0))]
    );
}

#[test]
fn what_the_project_asks_is_asked() {
    let bytes = archive(|_| {});
    let ask = |change: fn(&mut Rules)| {
        let mut rules = rules();
        change(&mut rules);
        codes_by(&bytes, &rules)
    };
    assert_eq!(ask(|rules| rules.sae = true), ["hash-required"]);
    assert_eq!(
        ask(|rules| rules.project = Some("autre".to_owned())),
        ["project-mismatch"]
    );
    assert_eq!(
        ask(|rules| rules.project = Some("aides-demo".to_owned())),
        [""; 0]
    );
    assert_eq!(
        ask(|rules| rules.applications = vec!["osiris".to_owned()]),
        ["application-forbidden"]
    );
    assert_eq!(
        ask(|rules| rules.applications = vec!["isis".to_owned()]),
        [""; 0]
    );
    assert_eq!(
        ask(|rules| rules.media_types = vec!["application/pdf".to_owned()]),
        ["media-type-not-accepted"]
    );
    assert_eq!(
        ask(|rules| rules.media_types = vec!["text/*".to_owned()]),
        [""; 0]
    );
    let hidden = archive(|manifest| {
        manifest["pieces"][0]["files"][0]["mediaType"] = json!("application/octet-stream")
    });
    let mut rules = rules();
    rules.media_types = vec!["application/octet-stream".to_owned(), "text/csv".to_owned()];
    assert!(codes_by(&hidden, &rules).contains(&"media-type-not-accepted"));
}

#[test]
fn a_hash_of_512_bits_is_held_too() {
    let digest = |name: &str| {
        let mut hasher = navette::kernel::digest::Sha512::default();
        hasher.update(&text(name));
        navette::kernel::digest::hex(&hasher.finish())
    };
    let with = |of: &str| {
        let value = digest(of);
        archive(move |manifest| {
            manifest["pieces"][0]["files"][0]["hash"] =
                json!({ "algorithm": "SHA-512", "value": value });
        })
    };
    let sound = checked(&with("a.txt"), &rules());
    assert!(sound.is_sound() && sound.files[0].sha512.is_some() && sound.files[1].sha512.is_none());
    assert_eq!(
        flaws(&checked(&with("b.txt"), &rules())),
        [("hash-mismatch", Some(0))]
    );
}

#[test]
fn a_manifest_that_is_not_there_or_there_twice_refuses_the_archive() {
    let entries = [Entry::stored("a.txt", b"words")];
    assert_eq!(codes_by(&zip(&entries), &rules()), ["manifest-missing"]);
    let folder = [
        Entry::stored(
            "lot/manifest.json",
            manifest(&["lot/a.txt"]).to_string().as_bytes(),
        ),
        Entry::stored("lot/a.txt", b"words"),
    ];
    assert_eq!(codes_by(&zip(&folder), &rules()), ["manifest-missing"]);
    let both = [
        Entry::stored("manifest.json", b"{}"),
        Entry::stored("manifest.xml", b"<manifest/>"),
    ];
    assert_eq!(codes_by(&zip(&both), &rules()), ["manifest-ambiguous"]);
    let damaged = Entry::deflated("manifest.json", manifest(&["a.txt"]).to_string().as_bytes())
        .with(|entry| entry.crc ^= 1);
    assert_eq!(
        codes_by(&zip(&[damaged, Entry::stored("a.txt", b"words")]), &rules()),
        ["false-crc"]
    );
    let xml = Entry::deflated("manifest.xml", b"<manifest><project>").with(|entry| entry.crc ^= 1);
    let found = codes_by(&zip(&[xml]), &rules());
    assert!(
        found == ["false-crc"] || found == ["manifest-unreadable"],
        "{found:?}"
    );
}

#[test]
fn the_manifest_of_a_gz_lies_beside_it() {
    let rules = Rules {
        beside: Some(manifest(&["pieces/facture.txt"]).to_string().into_bytes()),
        ..rules()
    };
    let text: Arc<[u8]> = (*b"the words of the only file").into();
    let check = |rules: &Rules| {
        let text = Arc::clone(&text);
        check::check(
            &move || Ok(Cursor::new(Arc::clone(&text))),
            Format::Gz,
            rules,
            &(),
        )
        .unwrap()
    };
    let found = check(&rules);
    assert!(found.is_sound(), "{:?}", found.flaws);
    assert_eq!(found.files[0].sha256, sha256(&text));
    assert_eq!(flaws(&check(&super::rules())), [("manifest-missing", None)]);
}

#[test]
fn names_in_the_code_page_of_the_flow_meet_those_of_the_manifest_whose_accents_are_composed_or_not()
{
    let archive = |raw: &[u8], declared: &str| {
        let manifest = manifest(&[declared]).to_string();
        let file = Entry::stored("x", b"words").named(raw);
        zip(&[Entry::stored("manifest.json", manifest.as_bytes()), file])
    };
    for (page, raw, declared) in [
        (CodePage::Cp437, &b"re\x87u.txt"[..], "re\u{e7}u.txt"),
        (CodePage::Cp850, b"\xb5.txt", "\u{c1}.txt"),
        (
            CodePage::Cp1252,
            b"re\xe7u \x80.txt",
            "re\u{e7}u \u{20ac}.txt",
        ),
        (CodePage::Auto, "e\u{301}.txt".as_bytes(), "\u{e9}.txt"),
        (CodePage::Auto, "\u{e9}.txt".as_bytes(), "e\u{301}.txt"),
    ] {
        let rules = Rules {
            code_page: page,
            ..rules()
        };
        let found = checked(&archive(raw, declared), &rules);
        assert!(found.is_sound(), "{page:?} {declared}: {:?}", found.flaws);
        assert_eq!(found.directory.entries[1].raw_name(), raw);
    }
    let utf8 = Rules {
        code_page: CodePage::Utf8,
        ..rules()
    };
    assert_eq!(
        codes_by(&archive(b"re\x87u.txt", "x"), &utf8),
        ["name-unreadable"]
    );
}

#[test]
fn a_source_that_does_not_answer_is_no_fault_of_the_archive() {
    let bytes: Arc<[u8]> = archive(|_| {}).into();
    let fault = Fault::new(Code::Corrupt, "altered");
    for allowed in [0, 1, 2] {
        let opened = std::sync::atomic::AtomicUsize::new(0);
        let source = || match opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            times if times < allowed => Ok(Cursor::new(Arc::clone(&bytes))),
            _ => Err(std::io::Error::other(fault.clone())),
        };
        let rules = Rules {
            threads: 3,
            ..rules()
        };
        match check::check(&source, Format::Zip, &rules, &()) {
            Err(found) => assert_eq!(found.code(), Code::Corrupt),
            Ok(found) => assert!(allowed == 2 && found.is_sound(), "{allowed}"),
        }
    }
}

#[test]
fn files_of_every_length_are_hashed_as_they_are_however_many_at_once() {
    let sizes = [
        1, 55, 56, 63, 64, 65, 127, 128, 8191, 8192, 65_535, 65_536, 65_537, 300_000, 2_500_000,
    ];
    let names: Vec<String> = (0..sizes.len() * 5)
        .map(|place| format!("{place}.txt"))
        .collect();
    let text = |place: usize| -> Vec<u8> {
        let mut state = place as u64 + 1;
        let letter = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            b' ' + (state >> 32) as u8 % 90
        };
        (0..sizes[place % sizes.len()]).map(letter).collect()
    };
    let declared: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut entries = vec![Entry::deflated(
        "manifest.json",
        manifest(&declared).to_string().as_bytes(),
    )];
    entries.extend(
        names
            .iter()
            .enumerate()
            .map(|(place, name)| match place % 2 {
                0 => Entry::stored(name, &text(place)),
                _ => Entry::deflated(name, &text(place)),
            }),
    );
    let bytes = zip(&entries);
    for threads in [1, 2, 4] {
        let rules = Rules {
            threads,
            limits: Limits::default(),
            ..rules()
        };
        let found = checked(&bytes, &rules);
        assert!(found.is_sound(), "{:?}", found.flaws);
        assert_eq!(found.files.len(), names.len());
        for (place, file) in found.files.iter().enumerate() {
            assert_eq!(file.sha256, sha256(&text(place)), "file {place}");
        }
    }
}
