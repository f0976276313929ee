//! Archives as they come: sound ones from every packer that partners use, hostile ones of every kind.

mod commands;
mod foreign;
mod hostile_gz;
mod hostile_tar;
mod hostile_zip;
mod hostile_zip_bytes;
mod limits;
mod manifests;
mod manifests_xml;
mod mutants;
mod pieces;

use std::{io::Cursor, sync::Arc};

use navette::{
    codec::{CodePage, FindingCode, Format, Limits},
    domain::archives::check::{self, Checked, Rules},
};

use crate::kit::archive::manifest_text;

/// The codes of what a check finds in these bytes, by the rules of a project that asks nothing special.
fn codes(bytes: &[u8]) -> Vec<&'static str> {
    codes_by(bytes, &rules())
}

/// The same by other rules.
fn codes_by(bytes: &[u8], rules: &Rules) -> Vec<&'static str> {
    let mut codes: Vec<_> = checked(bytes, rules)
        .flaws
        .iter()
        .map(|flaw| flaw.finding.code.as_str())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// What a check finds in a zip or a tar.
fn checked(bytes: &[u8], rules: &Rules) -> Checked {
    let format = Format::detect(bytes).expect("a zip or a tar");
    let shared: Arc<[u8]> = bytes.into();
    check::check(&|| Ok(Cursor::new(Arc::clone(&shared))), format, rules, &())
        .expect("memory can be read")
}

fn rules() -> Rules {
    Rules {
        code_page: CodePage::Auto,
        threads: 2,
        ..Rules::default()
    }
}

/// The manifest of a file `a.txt`, and its content.
fn basis() -> (Vec<u8>, &'static [u8]) {
    (manifest_text(&["a.txt"]), b"some words\n")
}

/// Rules with other limits.
fn within(limits: Limits) -> Rules {
    Rules { limits, ..rules() }
}

/// The sound archive of [`basis`] is refused for having too many entries, and for being too large, where it may not have as many.
#[track_caller]
fn keeps_its_limits(sound: &[u8]) {
    let few = within(Limits {
        entries: 1,
        ..Limits::default()
    });
    assert_eq!(codes_by(sound, &few), ["too-many-entries"]);
    let small = within(Limits {
        bytes: 100,
        ..Limits::default()
    });
    assert_eq!(codes_by(sound, &small), ["too-large"]);
}

#[test]
fn every_code_is_a_word_of_its_own() {
    let mut words: Vec<_> = FindingCode::ALL.iter().map(|code| code.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), FindingCode::ALL.len());
    assert!(
        words
            .iter()
            .all(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
    );
}
