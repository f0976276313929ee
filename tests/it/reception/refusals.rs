//! Archives that are refused, whole or in part: the negative receipt is the one return, and says what to mend.

use super::{at, exchange, left, receipt};
use crate::{
    both_engines, everywhere,
    kit::{
        depot::{Depot, Make, noise},
        document,
        gateway::Gateway,
        lot::Lot,
    },
};
use navette::kernel::digest::{hex, sha256};

fn sound() -> Lot {
    Lot::new("D-1").piece("P-1", "a.pdf", &document::small("a"))
}

/// Codes of the open incidents.
fn incidents(gateway: &Gateway) -> Vec<String> {
    let found = gateway.sql("SELECT code FROM incident WHERE state <> 'resolved' ORDER BY code");
    found.lines().map(str::to_owned).collect()
}

everywhere! {
    /// What is no archive is refused: negative receipt, rejected path, incident, and nothing of it is kept.
    fn what_is_no_archive_gets_a_negative_receipt_and_moves_to_the_rejected_path(kit, depot) {
        let gateway = at(kit, &depot).start();
        depot.put("in/bad.zip", b"this is no archive at all");
        let receipt = receipt(&depot, "bad.zip");
        assert_eq!(receipt["outcome"], "rejected");
        assert_eq!(receipt["findings"][0]["code"], "format-unknown", "{receipt:#}");
        left(&gateway, &depot, "bad.zip");
        assert_eq!(depot.names("rejected"), ["bad.zip"]);
        assert_eq!(incidents(&gateway), ["archive-rejected"]);
        let id = gateway.id(exchange(&receipt));
        assert_eq!(gateway.sql(&format!("SELECT status FROM exchange WHERE id = {id}")).trim(), "refused");
        assert_eq!(gateway.count("SELECT count(*) FROM document"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM exchange_return WHERE acknowledged_at IS NOT NULL"), 1);
        gateway.await_idle();
        assert_eq!(gateway.kept().blobs, 0);
        gateway.doctor();
    }
}

both_engines! {
    /// A sound archive under the name of a refused one is accepted, and ends the incident.
    async fn a_mended_archive_is_accepted_and_ends_the_incident(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let mut bad = sound();
        bad.files[0].1.push(b'x');
        depot.put("in/a.zip", &bad.zip());
        let first = receipt(&depot, "a.zip");
        let codes: Vec<_> = first["findings"].as_array().unwrap().iter().map(|found| found["code"].clone()).collect();
        assert!(codes.contains(&"hash-mismatch".into()), "{first:#}");
        assert_eq!(first["findings"][0]["pieceUid"], "P-1");
        left(&gateway, &depot, "a.zip");
        assert_eq!(incidents(&gateway), ["archive-rejected"]);
        for name in depot.names("receipts") {
            std::fs::remove_file(depot.inside(&format!("receipts/{name}"))).unwrap();
        }
        depot.put("in/a.zip", &sound().zip());
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
        assert!(incidents(&gateway).is_empty());
        gateway.doctor();
    }

    /// Of a project that takes valid pieces, the sound ones are accepted and the others named.
    async fn sound_pieces_are_accepted_and_the_others_named_where_the_project_says_so(kit) {
        let depot = Depot::start(Make::Folder);
        let kit = kit.set_project("acceptance", "\"valid-pieces\"");
        let gateway = at(kit, &depot).start();
        let mut lot = sound().piece("P-2", "b.pdf", &document::small("b"));
        lot.files[1].1.push(b'x');
        depot.put("in/a.zip", &lot.zip());
        let receipt = receipt(&depot, "a.zip");
        assert_eq!(receipt["outcome"], "partial", "{receipt:#}");
        assert_eq!(receipt["pieces"]["accepted"], 1);
        assert_eq!(receipt["pieces"]["refused"], 1);
        assert!(receipt["findings"].as_array().unwrap().iter().all(|found| found["pieceUid"] == "P-2"));
        left(&gateway, &depot, "a.zip");
        assert_eq!(gateway.count("SELECT count(*) FROM archive_piece WHERE state = 'accepted'"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM natural_key"), 2);
        assert_eq!(incidents(&gateway), ["archive-rejected"]);
        gateway.doctor();
    }

    /// The same archive of a project that takes all or nothing is refused whole.
    async fn one_bad_piece_refuses_the_whole_where_the_project_takes_all_or_nothing(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let mut lot = sound().piece("P-2", "b.pdf", &document::small("b"));
        lot.files[1].1.push(b'x');
        depot.put("in/a.zip", &lot.zip());
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "rejected");
        left(&gateway, &depot, "a.zip");
        assert_eq!(gateway.count("SELECT count(*) FROM archive_piece"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM natural_key"), 0);
        gateway.doctor();
    }

    /// What is over the limit as it lies there gets its negative receipt, with its digest, and none of it is ever in the store;
    /// one that is over it only once it is unpacked is refused by the same code, and a sound one passes.
    async fn what_is_over_the_limit_is_refused_without_being_kept(kit) {
        let depot = Depot::start(Make::Folder);
        let mut gateway = at(kit, &depot).set("limits.archive_bytes", LIMIT).stopped();
        let large = vec![b'x'; 3 * LIMIT];
        depot.put("in/large.zip", &large);
        gateway.launch(&[("NAVETTE_FAILPOINT".to_owned(), "archive.after-spool".to_owned())]);
        gateway.ended();
        assert_eq!(gateway.kept().blobs, 0);
        gateway.restart();
        // Far from a bomb.
        let content = [noise(1, LIMIT / 2), vec![b' '; LIMIT]].concat();
        let swelling = Lot::new("D-2").piece("P-1", "a.txt", &content);
        for (name, bytes) in [("large.zip", &large), ("swelling.tar.gz", &swelling.tar_gz()), ("swelling.zip", &swelling.zip())] {
            if name != "large.zip" {
                depot.put(&format!("in/{name}"), bytes);
            }
            let refused = receipt(&depot, name);
            assert_eq!(refused["outcome"], "rejected");
            assert_eq!(refused["findings"][0]["code"], "too-large", "{name}: {refused:#}");
            assert_eq!(refused["sha256"], hex(&sha256(bytes)).as_str(), "{name}");
            assert_eq!(refused["size"], bytes.len());
            left(&gateway, &depot, name);
        }
        assert_eq!(depot.names("rejected").len(), 3);
        depot.put("in/a.zip", &sound().zip());
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
        gateway.await_idle();
        assert_eq!(gateway.kept().blobs, 1);
        gateway.doctor();
    }
}

/// The least that the settings take.
const LIMIT: usize = 1_000_000;
