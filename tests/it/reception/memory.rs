//! What the worker holds in memory while it takes an archive of very many files.

use super::{at, receipt};
use crate::kit::{
    depot::{Depot, Make},
    gateway::{Engine, Kit},
    lot::Lot,
};

/// The most that the worker may hold, in MB (the bench measures it on a hundred thousand files).
const MOST: u64 = 128;

#[test]
fn an_archive_of_twenty_thousand_files_is_taken_in_little_memory() {
    let files: u64 = std::env::var("KIT_FILES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(20_000);
    let depot = Depot::start(Make::Folder);
    let gateway = at(Kit::new(Engine::Sqlite), &depot)
        .without_worker()
        .start();
    let worker = gateway.start_worker(&[]);
    let mut lot = Lot::new("D-1");
    for number in 0..files {
        lot = lot.piece(
            &format!("P-{number}"),
            &format!("{number}.txt"),
            format!("texte {number}").as_bytes(),
        );
    }
    depot.put("in/a.zip", &lot.zip());
    let receipt = receipt(&depot, "a.zip");
    assert_eq!(receipt["pieces"]["accepted"], files, "{receipt:#}");
    let peak = worker.peak();
    println!("{files} files: {peak} kB");
    assert!(peak * 1024 <= MOST * 1_000_000, "{peak} kB");
}
