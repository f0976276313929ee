//! The house's order, read from its sources: which room may know which, how long a file may be, what stands in none.

mod points;
mod uses;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use uses::names;

/// The most lines of a source file.
const LONGEST: usize = 400;

/// Crates of the outer world.
const WORLD: &str = "axum hyper hyper_util reqwest rusqlite tokio_postgres postgres_openssl tokio_rustls rustls lettre ssh2 suppaftp";

/// The arrows of ARCHITECTURE.md: a room, and what none of its files may name.
const RULES: [(&str, &str); 15] = [
    ("src/kernel", WORLD),
    (
        "src/kernel",
        "crate::app crate::cli crate::config crate::domain crate::http crate::outbound crate::sandbox crate::storage \
         crate::vault crate::worker",
    ),
    ("src/domain", WORLD),
    (
        "src/domain",
        "crate::app crate::cli crate::http crate::sandbox crate::worker crate::storage::engine",
    ),
    (
        "src/storage",
        "crate::app crate::cli crate::domain crate::http crate::outbound crate::vault crate::worker",
    ),
    (
        "src/vault",
        "crate::app crate::cli crate::domain crate::http crate::storage crate::worker",
    ),
    (
        "src/outbound",
        "crate::app crate::cli crate::domain crate::http crate::storage crate::worker",
    ),
    (
        "src/transport",
        "crate::app crate::cli crate::domain crate::http crate::storage crate::vault crate::worker",
    ),
    (
        "src/config",
        "crate::app crate::cli crate::domain crate::http crate::storage crate::worker",
    ),
    (
        "src/http",
        "crate::app crate::cli crate::worker crate::storage::engine rusqlite tokio_postgres",
    ),
    (
        "src/worker",
        "crate::app crate::cli crate::http crate::storage::engine rusqlite tokio_postgres reqwest",
    ),
    (
        "src/sandbox",
        "crate::app crate::cli crate::http crate::storage crate::vault crate::worker",
    ),
    ("src/codec", WORLD),
    (
        "src/codec",
        "crate::app crate::cli crate::config crate::domain crate::http crate::outbound crate::sandbox crate::storage \
         crate::transport crate::vault crate::worker",
    ),
    ("src/app.rs", "crate::cli"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `start`, or `start` itself.
fn files(start: &str) -> Vec<PathBuf> {
    fn walk(path: &Path, found: &mut Vec<PathBuf>) {
        match fs::read_dir(path) {
            Ok(entries) => {
                entries.for_each(|entry| walk(&entry.expect("a readable folder").path(), found))
            }
            Err(_) => found.push(path.to_owned()),
        }
    }
    let mut found = Vec::new();
    walk(&root().join(start), &mut found);
    assert!(!found.is_empty(), "{start} is empty");
    found.sort();
    found
}

fn sources(start: &str) -> Vec<(String, String)> {
    let files = files(start).into_iter();
    let sources = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    sources.map(|path| (name(&path), read(&path))).collect()
}

fn name(path: &Path) -> String {
    let inside = path.strip_prefix(root()).expect("below the root");
    inside.display().to_string()
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("a readable file")).into_owned()
}

/// Tests may use what they want.
fn is_test(name: &str) -> bool {
    name.contains("tests/") || name.ends_with("tests.rs") || name.contains("/rig")
}

#[test]
fn no_room_names_what_lies_against_the_arrows() {
    let mut wrong = Vec::new();
    for (room, forbidden) in RULES {
        for (name, text) in sources(room).iter().filter(|(name, _)| !is_test(name)) {
            let found = forbidden.split(' ').filter(|path| names(text, path));
            wrong.extend(found.map(|path| format!("{name} names {path}")));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn only_the_engines_folder_knows_the_databases_drivers() {
    let sources = sources("src").into_iter();
    let wrong = sources.filter(|(name, text)| {
        !name.starts_with("src/storage/engine/")
            && (names(text, "rusqlite") || names(text, "tokio_postgres"))
    });
    assert_eq!(wrong.map(|(name, _)| name).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_source_file_opens_with_a_page_and_is_short() {
    let mut wrong = Vec::new();
    for (name, text) in sources("src").iter().chain(&sources("tests")) {
        let lines = text.lines().count();
        if lines > LONGEST {
            wrong.push(format!("{name} has {lines} lines"));
        }
        if !text.starts_with("//!") && !is_test(name) {
            wrong.push(format!("{name} opens without a page"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn no_source_silences_a_warning_for_good_or_leaves_work_for_later() {
    // Put together here, so that this file does not find itself.
    let banned = [
        ["#[all", "ow("],
        ["#![all", "ow("],
        ["TO", "DO"],
        ["FIX", "ME"],
        ["todo", "!("],
        ["dbg", "!("],
    ]
    .map(|parts| parts.concat());
    let mut wrong = Vec::new();
    for (name, text) in sources("src").iter().chain(&sources("tests")) {
        let found = banned.iter().filter(|word| text.contains(word.as_str()));
        wrong.extend(found.map(|word| format!("{name} holds {word}")));
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn no_file_names_a_folder_of_the_machine_that_it_was_written_on() {
    let homes = [
        ["/ro", "ot/"],
        ["/ho", "me/"],
        ["/Use", "rs/"],
        ["/wo", "rk/"],
        ["/tmp/", "trees"],
    ]
    .map(|parts| parts.concat());
    let places = [
        "src",
        "tests",
        "schemas",
        "certs",
        "fixtures",
        "fuzz/fuzz_targets",
        "deploy",
        "scripts",
        "Makefile",
        "Cargo.toml",
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ];
    let mut wrong = Vec::new();
    for path in places.into_iter().flat_map(files) {
        let text = read(&path);
        // A folder's name may end so inside of a longer path, such as `src/worker/`.
        let found = homes.iter().filter(|home| {
            text.match_indices(home.as_str()).any(|(at, _)| {
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '}' || c == '.')
            })
        });
        wrong.extend(found.map(|home| format!("{} names {home}", name(&path))));
    }
    assert_eq!(wrong, [""; 0]);
}

/// The metrics that the alerts name, as they name them.
pub fn asked_by_the_alerts() -> BTreeSet<String> {
    let alerts = read(&root().join("deploy/monitoring/alerts.yml"));
    let words = alerts.split(|c: char| !c.is_ascii_lowercase() && c != '_');
    let asked = words.filter(|word| word.starts_with("navette_"));
    asked.map(str::to_owned).collect()
}

#[test]
fn the_alerts_ask_only_for_what_the_program_counts() {
    let counted: String = sources("src").into_iter().map(|(_, text)| text).collect();
    let asked = asked_by_the_alerts();
    assert!(asked.len() > 5, "{asked:?}");
    let names = asked.iter().map(|name| name.trim_end_matches("_bucket"));
    let unknown: Vec<_> = names
        .filter(|name| !counted.contains(&format!("\"{name}\"")))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
