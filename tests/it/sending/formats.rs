//! The return archive in the format that the flow wants, and a batch of many pieces.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;

use super::{conforms, dropped, lot, return_json, returned, through, through_with, with_status};
use crate::kit::{
    depot::{Depot, Make},
    document,
    gateway::{Engine, Kit},
    lot::Lot,
    process, scratch, wait,
};

fn by_format(format: &str, options: &[&str]) {
    let depot = Depot::start(Make::Folder);
    let out = "direction = \"out\"\npath = \"out\"";
    let settings = depot
        .settings()
        .replace(out, &format!("{out}\nformat = \"{format}\""));
    let gateway = through_with(Kit::new(Engine::Sqlite), &depot, &settings).start();
    dropped(&depot, "LOT.zip", &lot().zip());
    let name = returned(&depot);
    assert!(name.ends_with(&format!(".{format}")), "{name}");
    let folder = scratch::fresh("unpacked");
    let mut tar = Command::new("tar");
    tar.args(options)
        .arg(depot.inside(&format!("out/{name}")))
        .arg("-C")
        .arg(&folder);
    process::run(&tar, 30).succeeded();
    let told: Value =
        serde_json::from_slice(&fs::read(folder.join("return.json")).unwrap()).unwrap();
    conforms(&told);
    gateway.doctor();
}

#[test]
fn the_return_leaves_as_a_tar_where_the_flow_wants_one() {
    by_format("tar", &["-xf"]);
}

#[test]
fn the_return_leaves_as_a_tar_gz_where_the_flow_wants_one() {
    by_format("tar.gz", &["-xzf"]);
}

/// Several slices of pieces, several dossiers: all of them are in the return, in order, each once.
#[test]
fn a_batch_of_hundreds_of_pieces_is_answered_whole() {
    let depot = Depot::start(Make::Folder);
    let gateway = through(Kit::new(Engine::Sqlite), &depot).start();
    let mut lot = Lot::batch(&["D-1", "D-2", "D-3"]);
    for number in 0..450 {
        let (dossier, uid) = (number / 150, format!("P-{number:03}"));
        let name = format!("{uid}.txt");
        lot = lot.piece_of(dossier, &uid, &[(&name, uid.as_bytes())]);
    }
    let id = dropped(&depot, "LOT.zip", &lot.zip());
    let told = return_json(&depot, &returned(&depot));
    let pieces = told["pieces"].as_array().unwrap();
    let uids: Vec<_> = pieces
        .iter()
        .map(|piece| piece["metadata"]["pieceUid"].as_str().unwrap())
        .collect();
    assert_eq!(uids.len(), 450);
    assert!(uids.is_sorted(), "{uids:?}");
    assert_eq!(uids.iter().collect::<BTreeSet<_>>().len(), 450);
    assert_eq!(pieces[449]["metadata"]["dossierId"], "D-3");
    with_status(&gateway, &id, "returned");
    gateway.doctor();
}

/// A piece that cannot be used makes the archive partial, not unusable.
#[test]
fn the_outcome_of_an_archive_is_what_its_pieces_come_to() {
    let depot = Depot::start(Make::Folder);
    let gateway = through(Kit::new(Engine::Sqlite), &depot).start();
    let broken = fs::read("fixtures/bad/truncated.pdf").unwrap();
    let lot = Lot::new("D-1")
        .piece("P-1", "bon.pdf", &document::small("bon"))
        .piece("P-2", "coupé.pdf", &broken);
    dropped(&depot, "LOT.zip", &lot.zip());
    let told = return_json(&depot, &returned(&depot));
    assert_eq!(told["outcome"], "partial", "{told:#}");
    assert_eq!(told["pieces"][0]["outcome"], "processed");
    assert_eq!(told["pieces"][1]["outcome"], "unprocessable", "{told:#}");
    wait::until("tally", super::SOON, || {
        let detail = gateway.sql("SELECT detail FROM journal WHERE kind = 'archive.processed'");
        detail.contains("\"unprocessable\":1").then_some(())
    });
}
