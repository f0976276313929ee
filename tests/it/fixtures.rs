//! The fixtures are what their script makes, on every machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of the fixtures.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn outputs(folder: &Path) -> Vec<String> {
    let listed = |sub: &str| fs::read_dir(folder.join(sub)).unwrap();
    let names = ["", "bad/"].iter().flat_map(|sub| {
        let files = listed(sub).map(|entry| entry.unwrap());
        let files = files.filter(|entry| entry.file_type().unwrap().is_file());
        files.map(move |entry| format!("{sub}{}", entry.file_name().to_str().unwrap()))
    });
    let mut names: Vec<_> = names.filter(|name| !name.ends_with(".py")).collect();
    names.sort();
    names
}

#[test]
fn the_script_makes_every_committed_fixture_again_byte_for_byte() {
    let made = tempfile::tempdir().unwrap();
    let script = folder().join("make.py");
    let mut python = Command::new("python3");
    let ran = python.arg("-B").arg(script).arg(made.path()).status();
    assert!(ran.unwrap().success());
    assert_eq!(outputs(made.path()), outputs(&folder()));
    for name in outputs(made.path()) {
        let same =
            fs::read(made.path().join(&name)).unwrap() == fs::read(folder().join(&name)).unwrap();
        assert!(same, "{name} is not what the script makes");
    }
}

#[test]
fn the_fixtures_stay_small() {
    let size = |name: &String| fs::metadata(folder().join(name)).unwrap().len();
    assert!(outputs(&folder()).iter().map(size).sum::<u64>() < 1_500_000);
}
