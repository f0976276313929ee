//! What the lock file may hold, whatever an update brings: no version with a published fault, no licence, source or crate that
//! `deny.toml` does not allow.
//!
//! The advisories are those of RustSec that concern a crate of the lock file: all 129 were gone through on 2026-11-23, in a copy
//! whose newest is of 2026-09-14. What is published later is for `make audit`, which fetches them.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde::Deserialize;
use serde_json::Value;

use crate::kit::process;

/// A crate's version: what stands before a mark of pre-release or build.
type Version = [u64; 3];

/// An advisory of 2024 or later, its crate, and the least sound version: of each series, where a fix went back to several.
const SOUND_FROM: [(&str, &str, &[Version]); 32] = [
    ("RUSTSEC-2024-0006", "shlex", &[[1, 3, 0]]),
    ("RUSTSEC-2024-0019", "mio", &[[0, 8, 11]]),
    ("RUSTSEC-2024-0346", "zerovec-derive", &[[0, 10, 3]]),
    ("RUSTSEC-2024-0347", "zerovec", &[[0, 10, 4]]),
    ("RUSTSEC-2024-0401", "zlib-rs", &[[0, 4, 0]]),
    ("RUSTSEC-2024-0402", "hashbrown", &[[0, 15, 1]]),
    ("RUSTSEC-2024-0404", "anstream", &[[0, 6, 8]]),
    ("RUSTSEC-2024-0421", "idna", &[[1, 0, 0]]),
    ("RUSTSEC-2025-0009", "ring", &[[0, 17, 12]]),
    ("RUSTSEC-2025-0022", "openssl", &[[0, 10, 72]]),
    ("RUSTSEC-2025-0023", "tokio", &[[1, 44, 2]]),
    ("RUSTSEC-2025-0024", "crossbeam-channel", &[[0, 5, 15]]),
    ("RUSTSEC-2025-0047", "slab", &[[0, 4, 11]]),
    ("RUSTSEC-2025-0055", "tracing-subscriber", &[[0, 3, 20]]),
    ("RUSTSEC-2025-0168", "zip", &[[2, 3, 0]]),
    ("RUSTSEC-2026-0003", "cmov", &[[0, 4, 4]]),
    ("RUSTSEC-2026-0007", "bytes", &[[1, 11, 1]]),
    ("RUSTSEC-2026-0009", "time", &[[0, 3, 47]]),
    ("RUSTSEC-2026-0048", "aws-lc-sys", &[[0, 39, 0]]),
    ("RUSTSEC-2026-0068", "tar", &[[0, 4, 45]]),
    ("RUSTSEC-2026-0097", "rand", &[[0, 9, 3], [0, 10, 1]]),
    ("RUSTSEC-2026-0104", "rustls-webpki", &[[0, 103, 13]]),
    ("RUSTSEC-2026-0141", "lettre", &[[0, 11, 22]]),
    ("RUSTSEC-2026-0178", "tokio-postgres", &[[0, 7, 18]]),
    ("RUSTSEC-2026-0180", "postgres-protocol", &[[0, 6, 12]]),
    ("RUSTSEC-2026-0185", "quinn-proto", &[[0, 11, 15]]),
    ("RUSTSEC-2026-0187", "lopdf", &[[0, 42, 0]]),
    ("RUSTSEC-2026-0195", "quick-xml", &[[0, 41, 0]]),
    ("RUSTSEC-2026-0204", "crossbeam-epoch", &[[0, 9, 20]]),
    ("RUSTSEC-2026-0271", "suppaftp", &[[10, 0, 2]]),
    ("RUSTSEC-2026-0285", "rustls", &[[0, 23, 45]]),
    ("one HTTP library, kept", "hyper", &[[1, 0, 0]]),
];

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    /// None of our own.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Allowed {
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = fs::read_to_string(file).expect("it is committed");
    toml::from_str(&text).expect("it is as described")
}

fn locked() -> Vec<Locked> {
    read::<Lock>("Cargo.lock").package
}

fn version(text: &str) -> Version {
    let plain = text.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.parse().expect("a number"));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// What is compatible with each other: one major version, or one minor version of the zeroth.
fn series(version: Version) -> [u64; 2] {
    match version {
        [0, minor, _] => [0, minor],
        [major, ..] => [major, 0],
    }
}

fn is_sound(version: Version, from: &[Version]) -> bool {
    let own = from.iter().find(|from| series(**from) == series(version));
    own.map_or_else(
        || from.iter().all(|from| version > *from),
        |from| version >= *from,
    )
}

/// Whether a licence's expression can be met by what is allowed: `OR` (or the old `/`) is a choice, `AND` is not.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let all = |text: &str| {
        let mut every = text.split(" AND ").map(str::trim);
        every.all(|one| allowed.contains(one))
    };
    let met_by = allowed.first().map_or("", String::as_str);
    let mut closed = expression.replace('/', " OR ");
    // From the innermost brackets: what they hold is allowed or not, as one licence is.
    while let Some((before, rest)) = closed.rsplit_once('(') {
        let (inner, after) = rest.split_once(')').expect("brackets in pairs");
        let met = inner.split(" OR ").any(all);
        let word = if met { met_by } else { "NONE" };
        closed = format!("{before}{word}{after}");
    }
    closed.split(" OR ").any(all)
}

#[test]
fn what_is_linked_has_no_published_fault() {
    let locked = locked();
    for (advisory, name, from) in SOUND_FROM {
        let mut found = locked
            .iter()
            .filter(|locked| locked.name == name)
            .peekable();
        assert!(found.peek().is_some(), "{name} is not there any more");
        for Locked { version: text, .. } in found {
            assert!(
                is_sound(version(text), from),
                "{advisory}: {name} {text} is below {from:?}"
            );
        }
    }
}

#[test]
fn what_is_banned_or_of_another_source_is_not_in_the_lock_file() {
    let allowed: Allowed = read("deny.toml");
    for locked in locked() {
        let banned = allowed
            .bans
            .deny
            .iter()
            .find(|banned| banned.name == locked.name);
        assert!(banned.is_none_or(|banned| panic!("{}: {}", banned.name, banned.reason)));
        let Some(source) = locked.source else {
            assert_eq!(locked.name, "navette");
            continue;
        };
        let registry = source.strip_prefix("registry+").unwrap_or(&source);
        let known = allowed
            .sources
            .allow_registry
            .iter()
            .any(|known| known == registry);
        assert!(known, "{} comes from {source}", locked.name);
    }
}

#[test]
fn every_licence_is_one_that_we_may_pass_on() {
    let allowed = read::<Allowed>("deny.toml").licenses.allow;
    let mut metadata = Command::new(env!("CARGO"));
    metadata.current_dir(env!("CARGO_MANIFEST_DIR")).args([
        "metadata",
        "--locked",
        "--format-version=1",
        "--filter-platform",
        "x86_64-unknown-linux-gnu",
    ]);
    let told = process::run(&metadata, 120).succeeded();
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let packages = told["packages"].as_array().expect("packages");
    assert!(packages.len() > 300, "{}", packages.len());
    for package in packages {
        let licence = package["license"].as_str().unwrap_or("none told");
        assert!(
            is_allowed(licence, &allowed),
            "{}: {licence}",
            package["name"]
        );
    }
}

#[test]
fn a_fix_that_went_back_to_two_series_is_asked_of_each() {
    let from = [[0, 9, 3], [0, 10, 1]];
    assert!(
        is_sound([0, 9, 3], &from) && is_sound([0, 10, 1], &from) && is_sound([0, 11, 0], &from)
    );
    assert!(
        !is_sound([0, 9, 2], &from) && !is_sound([0, 10, 0], &from) && !is_sound([0, 8, 9], &from)
    );
}

#[test]
fn a_licence_is_a_choice_or_a_sum() {
    let allowed = BTreeSet::from(["MIT", "ISC"].map(String::from));
    for met in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "ISC AND (GPL-3.0 OR MIT)",
    ] {
        assert!(is_allowed(met, &allowed), "{met}");
    }
    for refused in [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "ISC AND (GPL-3.0 OR BSL-1.0)",
        "none told",
    ] {
        assert!(!is_allowed(refused, &allowed), "{refused}");
    }
}
