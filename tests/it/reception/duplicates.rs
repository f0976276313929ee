//! The same archive again, the same pieces again, another content under a known uid.

use std::fs;

use navette::transport::path;

use super::{SOON, at, exchange, left, receipt, receipt_named, with_poll};
use crate::{
    both_engines,
    kit::{
        clamd::Impostor,
        depot::{Depot, Make},
        document,
        lot::{Lot, gz},
        wait,
    },
};

fn lot(label: &str) -> Lot {
    Lot::new("D-1").piece("P-1", "a.pdf", &document::small(label))
}

both_engines! {
    /// The same archive under any name gets its first receipt again, marked, and nothing runs twice.
    async fn the_same_archive_gets_its_first_receipt_again(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &lot("a").zip());
        let first = receipt(&depot, "a.zip");
        left(&gateway, &depot, "a.zip");
        depot.put("in/b.zip", &lot("a").zip());
        let again = receipt(&depot, "b.zip");
        left(&gateway, &depot, "b.zip");
        assert_eq!(again["duplicateOf"], first["reconciliationId"], "{again:#}");
        for field in ["receiptId", "reconciliationId", "receivedAt", "sha256", "outcome", "pieces"] {
            assert_eq!(again[field], first[field], "{field}");
        }
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM archive"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM archive_piece"), 1);
        assert_eq!(gateway.count("SELECT repetitions FROM exchange"), 1);
        assert_eq!(gateway.kept().blobs, 1);
        gateway.doctor();
    }

    /// Dropped again under its own name while the first receipt is still there, the second lies beside it.
    async fn two_archives_of_one_name_each_get_their_receipt(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &lot("a").zip());
        let first = receipt(&depot, "a.zip");
        left(&gateway, &depot, "a.zip");
        let other = Lot::new("D-2").piece("P-1", "a.pdf", &document::small("b"));
        depot.put("in/a.zip", &other.zip());
        left(&gateway, &depot, "a.zip");
        let names = depot.names("receipts");
        assert_eq!(names.len(), 4, "{names:?}");
        let own = names.iter().find(|name| name.ends_with(".ack.json") && *name != "a.zip.ack.json");
        let second = receipt_named(&depot, own.unwrap().trim_end_matches(".json"));
        assert_eq!(second["outcome"], "accepted");
        assert_ne!(exchange(&second), exchange(&first));
        gateway.doctor();
    }

    /// Receipt and signature bear one name: where an earlier signature still lies there, both bear another.
    async fn a_receipt_and_its_signature_never_stand_apart(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &lot("a").zip());
        receipt(&depot, "a.zip");
        left(&gateway, &depot, "a.zip");
        // The sender has taken the receipt away, and not its signature.
        fs::remove_file(depot.inside("receipts/a.zip.ack.json")).unwrap();
        let other = Lot::new("D-2").piece("P-1", "a.pdf", &document::small("b"));
        depot.put("in/a.zip", &other.zip());
        left(&gateway, &depot, "a.zip");
        let mut names = depot.names("receipts");
        names.retain(|name| name != "a.zip.ack.p7s");
        let stems: Vec<_> = names.iter().filter_map(|name| name.rsplit_once('.')).collect();
        let [(one, "json"), (other, "p7s")] = stems[..] else { panic!("{names:?}") };
        assert_eq!(one, other);
        assert_eq!(receipt_named(&depot, one)["outcome"], "accepted");
    }

    /// A name as long as names can be leaves no room for a receipt's: its end is shortened, the same at each time.
    async fn an_archive_of_the_longest_name_gets_its_receipt(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let name = format!("{}.zip", "\u{e9}".repeat(125));
        for (archive, known) in [lot("a"), Lot::new("D-2").piece("P", "b.pdf", &document::small("b"))].iter().zip([0, 2]) {
            assert_eq!(depot.names("receipts").len(), known);
            depot.put(&format!("in/{name}"), &archive.zip());
            left(&gateway, &depot, &name);
        }
        assert_eq!(receipt_named(&depot, &path::receipt(&name, None))["outcome"], "accepted");
        assert_eq!(depot.names("receipts").len(), 4);
    }

    /// A known uid with another content is a conflict; with the same content, and beside new pieces, it passes.
    async fn another_content_under_an_accepted_uid_is_a_conflict_and_the_same_passes(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &lot("a").zip());
        receipt(&depot, "a.zip");
        depot.put("in/b.zip", &lot("other").zip());
        let conflict = receipt(&depot, "b.zip");
        assert_eq!(conflict["outcome"], "rejected");
        assert_eq!(conflict["findings"][0]["code"], "piece-conflict", "{conflict:#}");
        let split = lot("a").piece("P-2", "b.pdf", &document::small("b"));
        depot.put("in/c.zip", &split.zip());
        assert_eq!(receipt(&depot, "c.zip")["outcome"], "accepted");
        let next = lot("other").with(|manifest| manifest["dossiers"][0]["iteration"] = 2.into());
        depot.put("in/d.zip", &next.zip());
        assert_eq!(receipt(&depot, "d.zip")["outcome"], "accepted");
        left(&gateway, &depot, "d.zip");
        gateway.doctor();
    }

    /// Where the project takes valid pieces, one in conflict is named and the others are taken: the return speaks of these alone.
    async fn beside_a_piece_in_conflict_the_new_ones_are_taken_where_the_project_says_so(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).set_project("acceptance", "\"valid-pieces\"").start();
        depot.put("in/a.zip", &lot("a").zip());
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        let mixed = lot("other").piece("P-2", "b.pdf", &document::small("b"));
        depot.put("in/b.zip", &mixed.zip());
        let partial = receipt(&depot, "b.zip");
        assert_eq!((&partial["outcome"], &partial["pieces"]["accepted"]), (&"partial".into(), &1.into()), "{partial:#}");
        let findings = partial["findings"].as_array().unwrap();
        let found: Vec<_> = findings.iter().map(|found| (&found["code"], &found["pieceUid"])).collect();
        assert_eq!(found, [(&"piece-conflict".into(), &"P-1".into())]);
        let returns = gateway.partner().wait_for(2, SOON).await;
        let mut returns = returns.iter().map(|received| received.json());
        let told = returns.find(|told| told["reconciliationId"] == *exchange(&partial)).expect("its return");
        let pieces = told["pieces"].as_array().unwrap();
        let uids: Vec<_> = pieces.iter().map(|piece| &piece["metadata"]["pieceUid"]).collect();
        assert_eq!(uids, ["P-2"], "{told:#}");
        left(&gateway, &depot, "b.zip");
        gateway.doctor();
    }

    /// The same bytes on two depots at once: both are looked at before either is visible, and one of them becomes the exchange.
    async fn the_same_archive_on_two_depots_at_once_is_one_exchange(kit) {
        let (one, other) = (Depot::start(Make::Folder), Depot::start(Make::Folder));
        let settings = other.settings().replace("depot = \"partenaire\"", "depot = \"autre\"");
        let antivirus = Impostor::start(None);
        let kit = antivirus.looking(at(kit, &one)).set("antivirus.timeout_seconds", 60);
        let gateway = kit.with_depot("autre", with_poll(&settings)).start();
        let bytes = lot("a").zip();
        for depot in [&one, &other] {
            depot.put("in/a.zip", &bytes);
        }
        wait::until("both being looked at", SOON, || (antivirus.asked() == 2).then_some(()));
        antivirus.answer(b"stream: OK\0");
        let receipts = [&one, &other].map(|depot| receipt(depot, "a.zip"));
        let (first, again): (Vec<_>, Vec<_>) = receipts.iter().partition(|receipt| receipt["duplicateOf"].is_null());
        let ([first], [again]) = (&first[..], &again[..]) else { panic!("{receipts:#?}") };
        assert_eq!(again["duplicateOf"], first["reconciliationId"]);
        assert_eq!(again["receiptId"], first["receiptId"]);
        for depot in [&one, &other] {
            left(&gateway, depot, "a.zip");
        }
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM archive_piece"), 1);
        gateway.await_idle();
        assert_eq!((gateway.partner().count(), gateway.kept().blobs), (1, 1));
        gateway.doctor();
    }

    /// A piece that was sent by API and comes in an archive with another content is the same conflict.
    async fn a_uid_that_came_by_api_is_known_to_archives(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let client = gateway.client().await;
        let mut metadata = crate::kit::client::metadata("D-1");
        metadata["pieceUid"] = "P-1".into();
        let sent = client.push(&metadata, document::small("api")).await;
        assert_eq!(sent.status, 202, "{sent:?}");
        depot.put("in/a.zip", &lot("other").zip());
        let refused = receipt(&depot, "a.zip");
        assert_eq!(refused["findings"][0]["code"], "piece-conflict", "{refused:#}");
        depot.put("in/b.zip", &lot("api").zip());
        assert_eq!(receipt(&depot, "b.zip")["outcome"], "accepted");
        left(&gateway, &depot, "b.zip");
    }

    /// A piece that came in an archive and is sent by API is told to have come: it has no receipt of its own.
    async fn a_uid_that_came_in_an_archive_is_known_to_the_api(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let client = gateway.client().await;
        depot.put("in/a.zip", &lot("a").zip());
        receipt(&depot, "a.zip");
        let mut metadata = crate::kit::client::metadata("D-1");
        metadata["pieceUid"] = "P-1".into();
        for label in ["a", "other"] {
            let sent = client.push(&metadata, document::small(label)).await;
            sent.is_problem(409, "piece-conflict");
        }
        left(&gateway, &depot, "a.zip");
        gateway.doctor();
    }

    /// What a gz is its manifest says, beside it: the same bytes for another dossier are another archive; with the same manifest
    /// they are the same one.
    async fn the_same_gz_with_another_manifest_is_another_archive(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let content = document::pdf("seul", 100_000);
        let gz = gz(&content);
        let taken = |name: &str, dossier: &str| {
            let manifest = Lot::new(dossier).piece("P-1", "seul.pdf", &content).manifest.to_string();
            depot.put(&format!("in/{name}.manifest.json"), manifest.as_bytes());
            depot.put(&format!("in/{name}"), &gz);
            let receipt = receipt(&depot, name);
            left(&gateway, &depot, name);
            assert_eq!(receipt["outcome"], "accepted", "{receipt:#}");
            receipt
        };
        let (first, other) = (taken("a.gz", "D-1"), taken("b.gz", "D-2"));
        assert!(other["duplicateOf"].is_null(), "{other:#}");
        assert_ne!(exchange(&other), exchange(&first));
        for (name, dossier, known) in [("c.gz", "D-1", &first), ("d.gz", "D-2", &other)] {
            assert_eq!(taken(name, dossier)["duplicateOf"], known["reconciliationId"], "{name}");
        }
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 2);
        assert_eq!(gateway.count("SELECT count(*) FROM archive_piece"), 2);
        gateway.doctor();
    }
}
