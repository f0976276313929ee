//! Sound archives with a few bytes changed, cut or repeated: whatever comes of it is taken or refused, never more. The
//! fuzz targets (`fuzz/`) do the same for as long as one wants.

use std::{fs, path::Path};

use navette::codec::{CodePage, Directory, Finding, Format, Limits, Refusal, Window, unpack};

use crate::kit::chance::Chance;

const ROUNDS: usize = 400;

fn seeds(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(kind);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One to four small damages.
fn mutant(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len() as u64) as usize;
        match chance.below(5) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = [0, 0xFF, 0x7F, 0x80, b'/'][chance.below(5) as usize],
            2 => bytes.truncate(at.max(1)),
            3 => {
                let more = bytes[at..].iter().copied().take(64).collect::<Vec<_>>();
                bytes.splice(at..at, more);
            }
            _ => {
                let end = (at + 4).min(bytes.len());
                bytes[at..end].fill(0xFF);
            }
        }
    }
    bytes
}

/// Walks and reads all; `false` where it is refused.
fn walked(bytes: &[u8], format: Format) -> bool {
    let mut window = Window::new(std::io::Cursor::new(bytes)).unwrap();
    let directory = match Directory::read(&mut window, format, &Limits::default(), CodePage::Auto) {
        Ok(directory) => directory,
        Err(Refusal::Unsafe(findings)) => {
            assert!(!findings.is_empty());
            return false;
        }
        Err(Refusal::Unreadable(error)) => panic!("memory answers: {error}"),
    };
    directory.entries.iter().all(|entry| {
        match std::io::copy(&mut entry.open(&mut window), &mut std::io::sink()) {
            Ok(size) => size == entry.size,
            Err(error) => {
                assert!(Finding::of(&error).is_some(), "memory answers: {error}");
                false
            }
        }
    })
}

fn all(kind: &str, walk: impl Fn(&[u8]) -> bool) {
    let mut chance = Chance::new();
    for seed in seeds(kind) {
        assert!(walk(&seed), "a seed of {kind} is refused");
        let taken = (0..ROUNDS)
            .filter(|_| walk(&mutant(&seed, &mut chance)))
            .count();
        assert!(taken < ROUNDS, "no mutant of {kind} was refused");
    }
}

#[test]
fn mutants_of_zips_are_taken_or_refused() {
    all("zip", |bytes| walked(bytes, Format::Zip));
}

#[test]
fn mutants_of_tars_are_taken_or_refused() {
    all("tar", |bytes| walked(bytes, Format::Tar));
}

#[test]
fn mutants_of_gzips_are_taken_or_refused() {
    all("gz", |bytes| {
        match unpack(bytes, |_| Ok(()), &Limits::default()) {
            Ok(_) => true,
            Err(Refusal::Unsafe(findings)) => findings.is_empty(),
            Err(Refusal::Unreadable(error)) => panic!("memory answers: {error}"),
        }
    });
}
