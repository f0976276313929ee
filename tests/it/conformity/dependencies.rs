//! What the lock file must hold, whatever an update brings: minimum versions that mend known faults, and what we never link.

use std::{fs, path::Path};

/// A crate, the least version that is sound, and why.
const AT_LEAST: [(&str, [u64; 3], &str); 4] = [
    (
        "rustls-webpki",
        [0, 103, 13],
        "chose the wrong revocation list",
    ),
    ("rustls", [0, 23, 18], "RUSTSEC-2024-0399"),
    ("hyper", [1, 0, 0], "one HTTP library, kept"),
    ("openssl", [0, 10, 72], "RUSTSEC-2025-0022"),
];

/// Crates that must not be linked, and why.
const NEVER: [(&str, &str); 2] = [
    (
        "h2",
        "the partners speak HTTP/1.1; HTTP/2 is attack surface (RUSTSEC-2026-0258)",
    ),
    ("native-tls", "one TLS library on the wire: rustls"),
];

/// Every package of the lock file with its version.
fn locked() -> Vec<(String, [u64; 3])> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let text = fs::read_to_string(file).expect("the lock file is committed");
    let packages = text.split("[[package]]").skip(1);
    packages
        .map(|package| (field(package, "name"), version(&field(package, "version"))))
        .collect()
}

fn field(package: &str, name: &str) -> String {
    let start = format!("{name} = \"");
    let line = package.lines().find_map(|line| line.strip_prefix(&start));
    line.expect("every package has it")
        .trim_end_matches('"')
        .to_owned()
}

fn version(text: &str) -> [u64; 3] {
    let plain = text.split(['-', '+']).next().unwrap_or_default();
    let mut parts = plain.split('.').map(|part| part.parse().expect("a number"));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[test]
fn what_is_linked_has_the_versions_that_mend_known_faults() {
    let locked = locked();
    for (name, least, why) in AT_LEAST {
        let found: Vec<_> = locked.iter().filter(|(locked, _)| locked == name).collect();
        assert!(!found.is_empty(), "{name} is not there any more");
        for (_, version) in found {
            assert!(
                *version >= least,
                "{name} {version:?} is below {least:?}: {why}"
            );
        }
    }
}

#[test]
fn what_we_never_link_is_not_in_the_lock_file() {
    let locked = locked();
    for (name, why) in NEVER {
        assert!(
            locked.iter().all(|(locked, _)| locked != name),
            "{name}: {why}"
        );
    }
}
