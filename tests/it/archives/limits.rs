//! Memory follows the number of files, not what an archive claims nor how much it holds.

use std::{fs::File, io::Write, path::Path, process::Command};

use crate::kit::{
    archive::{
        manifest_text,
        zip::{Entry, zip},
    },
    process, scratch,
};

/// The peak memory of a check, in kilobytes, and its exit code.
fn peak(archive: &Path) -> (u64, String) {
    let mut time = Command::new("/usr/bin/time");
    time.args([
        "-f",
        "%M",
        env!("CARGO_BIN_EXE_navette"),
        "archive",
        "check",
    ])
    .arg(archive);
    time.current_dir(archive.parent().unwrap());
    // A build without optimisation on a busy machine takes its time.
    let done = process::run(&time, 900);
    let peak = done
        .stderr
        .lines()
        .last()
        .unwrap_or_default()
        .trim()
        .parse();
    (peak.unwrap_or_else(|_| panic!("{done:?}")), done.stdout)
}

#[test]
fn a_hundred_thousand_pieces_are_checked_in_little_memory() {
    let names: Vec<String> = (0..99_999)
        .map(|place| format!("lot/piece-{place:06}.txt"))
        .collect();
    let declared: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut entries = vec![Entry::deflated("manifest.json", &manifest_text(&declared))];
    entries.extend(
        declared
            .iter()
            .map(|name| Entry::stored(name, name.as_bytes())),
    );
    let path = scratch::fresh("large").join("many.zip");
    // More entries than a short end can count: the long one comes before it.
    let count = entries.len() as u64;
    let mut bytes = zip(&entries);
    let end = bytes.split_off(bytes.len() - 22);
    let (size, start) = (&end[12..16], &end[16..20]);
    let at = bytes.len() as u64;
    let mut long = b"PK\x06\x06".to_vec();
    long.extend(44_u64.to_le_bytes());
    long.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    long.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    long.extend([size, &[0; 4], start, &[0; 4]].concat());
    long.extend(
        [
            &b"PK\x06\x07\0\0\0\0"[..],
            &at.to_le_bytes(),
            &1_u32.to_le_bytes(),
        ]
        .concat(),
    );
    long.extend([&end[..8], &[0xFF; 4], size, start, &[0, 0]].concat());
    File::create(&path)
        .unwrap()
        .write_all(&[bytes, long].concat())
        .unwrap();
    let (kilobytes, said) = peak(&path);
    assert!(said.starts_with("no fault"), "{said}");
    assert!(kilobytes < 110_000, "{kilobytes} kB");
}

#[test]
fn large_files_are_checked_in_constant_memory() {
    let folder = scratch::fresh("large");
    let names = ["a.txt", "b.txt", "c.txt"];
    std::fs::write(folder.join("manifest.json"), manifest_text(&names)).unwrap();
    let text: Vec<u8> = (0..100_000_000_u32)
        .map(|at| b'a' + (at.wrapping_mul(2_654_435_761) >> 28) as u8)
        .collect();
    for name in names {
        std::fs::write(folder.join(name), &text).unwrap();
    }
    let mut zip = Command::new("zip");
    zip.args([
        "-q",
        "-1",
        "large.zip",
        "manifest.json",
        "a.txt",
        "b.txt",
        "c.txt",
    ])
    .current_dir(&folder);
    process::run(&zip, 120).succeeded();
    let (kilobytes, said) = peak(&folder.join("large.zip"));
    assert!(said.starts_with("no fault"), "{said}");
    assert!(kilobytes < 60_000, "{kilobytes} kB");
}

#[test]
fn a_directory_that_claims_more_than_there_is_costs_nothing() {
    let folder = scratch::fresh("claims");
    let path = folder.join("claims.zip");
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.resize(1000, 0);
    let mut long = b"PK\x06\x06".to_vec();
    long.extend(44_u64.to_le_bytes());
    long.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let many = 99_000_u64.to_le_bytes();
    long.extend([many, many, 996_u64.to_le_bytes(), 4_u64.to_le_bytes()].concat());
    long.extend(
        [
            &b"PK\x06\x07\0\0\0\0"[..],
            &1000_u64.to_le_bytes(),
            &1_u32.to_le_bytes(),
        ]
        .concat(),
    );
    long.extend([&b"PK\x05\x06\0\0\0\0"[..], &[0xFF; 12], &[0, 0]].concat());
    std::fs::write(&path, [bytes, long].concat()).unwrap();
    let (kilobytes, said) = peak(&path);
    assert!(said.starts_with("malformed"), "{said}");
    assert!(kilobytes < 60_000, "{kilobytes} kB");
}
