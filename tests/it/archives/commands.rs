//! `navette archive pack` and `check`, run as people run them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::kit::{
    process::{self, Finished},
    scratch,
};

fn navette(folder: &Path, arguments: &[&str]) -> Finished {
    let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
    command
        .arg("archive")
        .args(arguments)
        .current_dir(folder)
        .env_remove("NAVETTE_CONFIG");
    process::run(&command, 60)
}

/// A folder `lot` with three files, and metadata `m.json` that say as little as they may.
fn lot() -> PathBuf {
    let folder = scratch::fresh("pack");
    fs::create_dir_all(folder.join("lot/pi\u{e8}ces")).unwrap();
    fs::copy(fixture("facture.pdf"), folder.join("lot/facture.pdf")).unwrap();
    fs::copy(
        fixture("scan-recto.png"),
        folder.join("lot/pi\u{e8}ces/scan.png"),
    )
    .unwrap();
    fs::write(folder.join("lot/table.csv"), "a;b\n1;2\n").unwrap();
    metadata(
        &folder,
        &json!({ "project": "aides-demo", "sourceApplication": "isis", "dossierId": "D-1", "iteration": 1 }),
    );
    folder
}

fn metadata(folder: &Path, value: &Value) {
    fs::write(folder.join("m.json"), value.to_string()).unwrap();
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

fn report(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:?}"))
}

fn pack(folder: &Path, name: &str) -> Finished {
    navette(
        folder,
        &["pack", "lot", "--metadata", "m.json", "-o", name, "--json"],
    )
}

#[test]
fn what_is_packed_is_checked_without_a_fault_in_every_format() {
    for name in ["LOT.zip", "LOT.tar", "LOT.tar.gz", "LOT.tgz"] {
        let folder = lot();
        let packed = report(&pack(&folder, name));
        assert_eq!(
            (&packed["pieces"], &packed["files"]),
            (&json!(3), &json!(3)),
            "{packed}"
        );
        let checked = navette(&folder, &["check", name, "--json", "--sae"]);
        let told = report(&checked);
        assert_eq!(
            (checked.status.code(), &told["valid"], &told["pieces"]),
            (Some(0), &json!(true), &json!(3)),
            "{told}"
        );
        let spoken = navette(&folder, &["check", name]).succeeded();
        assert!(spoken.starts_with("no fault: "), "{spoken}");
    }
}

#[test]
fn a_single_file_goes_into_a_gz_with_its_manifest_beside() {
    let folder = lot();
    fs::remove_dir_all(folder.join("lot/pi\u{e8}ces")).unwrap();
    pack(&folder, "LOT.gz").failed_with(2);
    fs::remove_file(folder.join("lot/table.csv")).unwrap();
    let packed = report(&pack(&folder, "facture.pdf.gz"));
    assert_eq!(packed["manifest"], "facture.pdf.gz.manifest.json");
    assert_eq!(
        report(&navette(&folder, &["check", "facture.pdf.gz", "--json"]))["valid"],
        true
    );
    fs::rename(
        folder.join("facture.pdf.gz.manifest.json"),
        folder.join("m2.json"),
    )
    .unwrap();
    let alone = navette(&folder, &["check", "facture.pdf.gz", "--json"]);
    assert_eq!(
        (alone.status.code(), &report(&alone)["findings"][0]["code"]),
        (Some(1), &json!("manifest-missing"))
    );
    let named = navette(
        &folder,
        &["check", "facture.pdf.gz", "--manifest", "m2.json"],
    );
    assert_eq!(named.status.code(), Some(0), "{named:?}");
}

#[test]
fn other_programs_read_what_is_packed() {
    let folder = lot();
    for (name, command) in [
        ("LOT.zip", "unzip -q LOT.zip -d out"),
        ("LOT.zip", "python3 -m zipfile -e LOT.zip out"),
        ("LOT.zip", "7z x -bso0 -bsp0 -oout LOT.zip"),
        ("LOT.zip", "mkdir out && bsdtar -xf LOT.zip -C out"),
        ("LOT.zip", "mkdir out && cd out && jar -xf ../LOT.zip"),
        ("LOT.zip", "mkdir out && cat LOT.zip | bsdtar -xf - -C out"),
        ("LOT.tar", "mkdir out && tar -xf LOT.tar -C out"),
        ("LOT.tar.gz", "mkdir out && tar -xzf LOT.tar.gz -C out"),
        ("LOT.tar.gz", "mkdir out && bsdtar -xf LOT.tar.gz -C out"),
    ] {
        if !folder.join(name).exists() {
            pack(&folder, name).succeeded();
        }
        let mut shell = Command::new("sh");
        let script = format!(
            "rm -rf out; {command} && cd \"$LOT\" && rm out/manifest.json && diff -r lot out"
        );
        shell
            .args(["-ec", &script])
            .current_dir(&folder)
            .env("LOT", &folder)
            .env("LC_ALL", "C.UTF-8");
        process::run(&shell, 60).succeeded();
    }
}

#[test]
fn the_same_folder_makes_the_same_archive_and_a_corrected_file_another_uid() {
    let folder = lot();
    let uids = |name: &str| {
        pack(&folder, name).succeeded();
        let mut unzip = Command::new("unzip");
        unzip
            .args(["-p", name, "manifest.json"])
            .current_dir(&folder);
        let manifest: Value = serde_json::from_str(&process::run(&unzip, 30).succeeded()).unwrap();
        let pieces = manifest["pieces"].as_array().unwrap().iter();
        pieces
            .map(|piece| piece["uid"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = uids("1.zip");
    assert_eq!(uids("2.zip"), first);
    assert!(fs::read(folder.join("1.zip")).unwrap() == fs::read(folder.join("2.zip")).unwrap());
    fs::write(folder.join("lot/table.csv"), "a;b\n1;3\n").unwrap();
    let corrected = uids("3.zip");
    assert_eq!(
        corrected.iter().filter(|uid| !first.contains(uid)).count(),
        1
    );
}

#[test]
fn a_batch_takes_the_folder_of_each_dossier() {
    let folder = scratch::fresh("pack");
    for dossier in ["D-1", "D-2"] {
        fs::create_dir_all(folder.join("lot").join(dossier)).unwrap();
        for name in ["a.txt", "b.txt"] {
            fs::write(
                folder.join("lot").join(dossier).join(name),
                format!("{dossier} {name}"),
            )
            .unwrap();
        }
    }
    let dossier = |id: &str| json!({ "dossierId": id, "iteration": 1 });
    let batch = json!({ "project": "p", "sourceApplication": "a", "dossiers": [dossier("D-1"), dossier("D-2")] });
    metadata(&folder, &batch);
    let packed = report(&pack(&folder, "LOT.zip"));
    assert_eq!(
        (&packed["dossiers"], &packed["pieces"]),
        (&json!(2), &json!(4)),
        "{packed}"
    );
    assert_eq!(
        navette(&folder, &["check", "LOT.zip"]).status.code(),
        Some(0)
    );
    // A file that belongs to none is told, and nothing is packed.
    fs::write(folder.join("lot/alone.txt"), "x").unwrap();
    let said = pack(&folder, "OTHER.zip").failed_with(2);
    assert!(
        said.contains("alone.txt") && !folder.join("OTHER.zip").exists(),
        "{said}"
    );
}

#[test]
fn wrong_use_is_told_and_leaves_nothing_behind() {
    let folder = lot();
    let list = || {
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = list();
    pack(&folder, "LOT.rar").failed_with(2);
    navette(
        &folder,
        &["pack", "nowhere", "--metadata", "m.json", "-o", "L.zip"],
    )
    .failed_with(2);
    navette(
        &folder,
        &["pack", "lot", "--metadata", "nothing.json", "-o", "L.zip"],
    )
    .failed_with(2);
    navette(&folder, &["check", "nothing.zip"]).failed_with(2);
    metadata(
        &folder,
        &json!({ "project": "Grand Projet", "iteration": 0 }),
    );
    let said = pack(&folder, "L.zip").failed_with(2);
    for place in ["/project", "/sourceApplication", "/dossierId", "/iteration"] {
        assert!(said.contains(place), "{place} not in {said}");
    }
    assert_eq!(list(), before);
    fs::write(folder.join("L.zip"), "mine").unwrap();
    pack(&folder, "L.zip").failed_with(2);
    assert_eq!(fs::read(folder.join("L.zip")).unwrap(), b"mine");
}

#[test]
fn every_fault_is_listed_and_the_answer_is_no() {
    let folder = lot();
    let file = |name: &str, hash: &str| json!({ "name": name, "mediaType": "application/pdf", "hash": { "algorithm": "SHA-256", "value": hash } });
    let pieces = json!([
        { "uid": "P-1", "files": [file("facture.pdf", &"0".repeat(64))] },
        { "uid": "P-2", "files": [file("table.csv", &"0".repeat(64))] },
        { "uid": "P-3", "files": ["pi\u{e8}ces/scan.png"] },
    ]);
    metadata(
        &folder,
        &json!({ "project": "p", "sourceApplication": "a", "dossierId": "D", "iteration": 1, "pieces": pieces }),
    );
    pack(&folder, "LOT.zip").succeeded();
    let checked = navette(
        &folder,
        &[
            "check",
            "LOT.zip",
            "--json",
            "--media-type",
            "application/pdf",
        ],
    );
    let told = report(&checked);
    let findings = told["findings"].as_array().unwrap().iter();
    let mut found: Vec<_> = findings
        .map(|finding| {
            format!(
                "{} {}",
                finding["pieceUid"].as_str().unwrap(),
                finding["code"].as_str().unwrap()
            )
        })
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "P-1 hash-mismatch",
            "P-2 hash-mismatch",
            "P-2 type-mismatch",
            "P-3 media-type-not-accepted"
        ]
    );
    assert_eq!(checked.status.code(), Some(1));
    let spoken = navette(&folder, &["check", "LOT.zip"]);
    assert!(
        spoken.stdout.contains("hash-mismatch facture.pdf") && spoken.stdout.contains("[D / P-1]"),
        "{spoken:?}"
    );
    let no_archive = navette(&folder, &["check", "m.json"]);
    assert_eq!(no_archive.status.code(), Some(1));
    assert!(
        no_archive.stdout.starts_with("format-unknown"),
        "{no_archive:?}"
    );
}

#[test]
fn help_shows_examples() {
    for command in ["pack", "check"] {
        let help = navette(&scratch::fresh("help"), &[command, "--help"]).succeeded();
        assert!(
            help.contains(&format!("navette archive {command} ")),
            "{help}"
        );
    }
}
