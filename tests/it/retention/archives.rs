//! Archives go with all that they have beside, large ones in slices; refused ones go as others do, unless an incident is about them, or their receipt never left.

use std::fs;

use navette::{domain::ged::purge::survey, kernel::clock::Clock};
use serde_json::{Value, json};

use super::{
    AGED_DAYS, age, await_status,
    backup::Copy,
    clock::{frozen, hours},
    deaths::take_lease_away,
    dry_run,
    holds::hold,
    kept, purge,
};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        gateway::{Gateway, Kit, REASON},
        lot::Lot,
    },
    reception::{at, left},
    sending::{self, acknowledge, dropped, returned, through, through_with, with_status},
};

/// More than one slice of them.
const PIECES: u64 = 600;

/// Drops an archive under the one name of all of them; its exchange once it has left, with its receipt.
fn taken(gateway: &Gateway, depot: &Depot, bytes: &[u8]) -> String {
    let id = dropped(depot, "LOT.zip", bytes);
    left(gateway, depot, "LOT.zip");
    for name in depot.names("receipts") {
        fs::remove_file(depot.inside(&format!("receipts/{name}"))).unwrap();
    }
    gateway.await_idle();
    id
}

/// What the one incident of refused archives is about, and how often it occurred.
fn rejected(gateway: &Gateway) -> (Value, Value) {
    let said = gateway.run(&["incident", "list", "--code", "archive-rejected", "--json"]);
    let all: Value = serde_json::from_str(&said.succeeded()).expect("JSON was asked for");
    (all[0]["reconciliationId"].clone(), all[0]["count"].clone())
}

/// Ends the one incident that stands.
fn resolve(gateway: &Gateway) {
    let said = gateway.run(&["incident", "list", "--json"]).succeeded();
    let all: Value = serde_json::from_str(&said).expect("JSON was asked for");
    let id = all[0]["incidentId"].as_str().expect("an incident stands");
    gateway
        .run(&["incident", "resolve", id, "--reason", REASON])
        .succeeded();
}

/// How many rows of archives hold something sealed, or a natural key.
fn beside(gateway: &Gateway) -> [u64; 4] {
    [
        "archive_piece WHERE length(metadata) > 0 OR result IS NOT NULL",
        "exchange_dossier WHERE length(metadata) > 0",
        "archive WHERE name IS NOT NULL",
        "natural_key",
    ]
    .map(|rows| gateway.count(&format!("SELECT count(*) FROM {rows}")))
}

/// A gateway and the exchange of an archive whose return is acknowledged and whose term is over.
fn aged(kit: Kit, depot: &Depot, lot: &Lot) -> (Gateway, String) {
    let gateway = through(kit, depot).start();
    let id = dropped(depot, "LOT.zip", &lot.zip());
    acknowledge(depot, &returned(depot));
    with_status(&gateway, &id, "acknowledged");
    gateway.await_idle();
    age(&gateway, AGED_DAYS, &[]);
    (gateway, id)
}

both_engines! {
    /// What an archive of a few pieces has beside goes with it, at once.
    async fn nothing_that_is_sealed_is_left_of_an_archive_of_a_few_pieces(kit) {
        let depot = Depot::start(Make::Folder);
        let (gateway, id) = aged(kit, &depot, &sending::lot());
        assert_eq!(beside(&gateway), [2, 1, 1, 3], "pieces, dossiers, names, natural keys");
        assert_eq!(purge(&gateway)["exchanges"], 1);
        with_status(&gateway, &id, "purged");
        assert_eq!(beside(&gateway), [0; 4]);
        gateway.doctor();
        assert!(gateway.blobs().is_empty());
    }

    /// Whichever of a batch's dossiers is on hold, the archive stays whole; it goes once the hold is lifted.
    async fn a_hold_on_one_dossier_of_a_batch_keeps_its_archive(kit) {
        let depot = Depot::start(Make::Folder);
        let batch = Lot::batch(&["D-1", "D-2"]).piece_of(0, "P-1", &[("a.txt", b"a")]).piece_of(1, "P-2", &[("b.txt", b"b")]);
        let (gateway, id) = aged(kit, &depot, &batch);
        for dossier in ["D-2", "D-1"] {
            hold(&gateway, "add", dossier);
            let report = purge(&gateway);
            assert_eq!((&report["exchanges"], kept(&report, &id)), (&json!(0), Some(&json!(["hold"]))), "{dossier}: {report}");
            hold(&gateway, "remove", dossier);
        }
        assert_eq!(purge(&gateway)["exchanges"], 1);
        with_status(&gateway, &id, "purged");
    }

    /// It has left no file that a purge would remove: the ledger names it all the same.
    async fn a_refused_archive_that_was_purged_since_the_backup_is_purged_again(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let id = taken(&gateway, &depot, b"no archive at all");
        let (copy, _) = Copy::at(&gateway, "copie").made(&gateway, &[]);
        resolve(&gateway);
        age(&gateway, AGED_DAYS, &[]);
        assert_eq!(purge(&gateway)["exchanges"], 1);
        let ledger = gateway.dir().join("data/purges");
        let purges = ["--purges", ledger.to_str().unwrap()];
        let (house, said) = copy.restored_as(&gateway, |kit| at(kit, &depot), &purges);
        assert_eq!(said["purgedAgain"], 1, "{said}");
        with_status(&house, &id, "purged");
        house.doctor();
    }

    /// Its receipt names files, and is sealed and forgotten with it; what is asked for then keeps to the contract.
    async fn the_receipt_of_an_archive_with_findings_is_gone_with_it(kit) {
        let depot = Depot::start(Make::Folder);
        let kit = kit.set_project("acceptance", "\"valid-pieces\"");
        let incoming = "direction = \"in\"";
        let settings = depot.settings().replace(incoming, &format!("{incoming}\nclient = \"application\""));
        let mut gateway = through_with(kit, &depot, &settings).start();
        let mut lot = Lot::new("D-1").piece("P-1", "a.txt", b"a").piece("P-2", "b.txt", b"b");
        lot.files[1].1.push(b'x');
        let id = dropped(&depot, "LOT.zip", &lot.zip());
        acknowledge(&depot, &returned(&depot));
        with_status(&gateway, &id, "acknowledged");
        let client = gateway.client().await;
        let receipt = format!("/v1/pieces/{id}/receipt");
        assert_eq!(client.get(&receipt).await.status, 200);
        gateway.await_idle();
        // The incident of what was refused keeps all of it until it is over.
        resolve(&gateway);
        gateway.stop();
        age(&gateway, AGED_DAYS, &[]);
        assert_eq!(purge(&gateway)["exchanges"], 1);
        gateway.restart();
        client.get(&receipt).await.is_problem(410, "purged");
    }

    /// Refused, sent sound, refused again under one name: the incident that came back keeps the archive of now, and no other.
    async fn an_incident_that_came_back_keeps_what_it_is_about_now(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        taken(&gateway, &depot, b"no archive at all");
        let sound = taken(&gateway, &depot, &sending::lot().zip());
        with_status(&gateway, &sound, "acknowledged");
        let again = taken(&gateway, &depot, b"no archive again");
        assert_eq!(rejected(&gateway), (json!(again), json!(2)));
        age(&gateway, AGED_DAYS, &[]);
        let report = purge(&gateway);
        assert_eq!((&report["exchanges"], kept(&report, &again)), (&json!(2), Some(&json!(["incident"]))), "{report}");
        // Counted while it stands: it is about the last one, and the one before goes at its term.
        let last = taken(&gateway, &depot, b"no archive still");
        assert_eq!(rejected(&gateway), (json!(last), json!(3)));
        age(&gateway, AGED_DAYS, &[&last]);
        let report = purge(&gateway);
        assert_eq!((&report["exchanges"], kept(&report, &last)), (&json!(1), Some(&json!(["incident"]))), "{report}");
        gateway.doctor();
    }

    /// A refusal is acknowledged by its receipt's standing on the depot: one that never left is kept, and told.
    async fn a_refused_archive_whose_receipt_never_left_is_kept_and_told(kit) {
        let depot = Depot::start(Make::Folder);
        fs::remove_dir(depot.inside("receipts")).unwrap();
        let gateway = at(kit, &depot).start();
        depot.put("in/LOT.zip", b"no archive at all");
        await_status(&gateway, "refused", 1);
        assert_eq!(dry_run(&gateway)["keptBackCount"], 0, "its term is not over yet");
        let later = Clock::system().now() + hours(24 * 2 * AGED_DAYS);
        let (ctx, _) = frozen(&gateway, later).await;
        let report = survey::dry_run(&ctx).await.unwrap();
        let told: Vec<_> = report.kept_back.iter().map(|kept| &kept.reasons[..]).collect();
        assert_eq!((report.exchanges, told), (0, vec![&["refused"][..]]));
    }

    /// Killed between two slices: it is purged and sound already, and the next run does the rest.
    async fn a_large_archive_that_is_purged_by_half_is_gone_and_the_next_purge_does_the_rest(kit) {
        let depot = Depot::start(Make::Folder);
        let mut gateway = through(kit, &depot).start();
        let pieces = 0..PIECES;
        let lot = pieces.fold(Lot::new("D-1"), |lot, number| {
            lot.piece(&format!("P-{number}"), &format!("{number}.txt"), number.to_string().as_bytes())
        });
        let id = dropped(&depot, "LOT.zip", &lot.zip());
        acknowledge(&depot, &returned(&depot));
        with_status(&gateway, &id, "acknowledged");
        gateway.await_idle();
        assert!(gateway.stop().success());
        age(&gateway, AGED_DAYS, &[]);
        let left = "SELECT count(*) FROM document WHERE purged_at IS NULL";
        gateway.run_until_death(&["purge", "--reason", REASON], "purge.after-slice");
        take_lease_away(&gateway);
        with_status(&gateway, &id, "purged");
        let by_half = gateway.count(left);
        assert!(by_half > 0 && by_half < PIECES, "{by_half} documents are left");
        gateway.doctor();
        assert_eq!(purge(&gateway)["exchanges"], 0);
        assert_eq!(gateway.count(left), 0);
        assert_eq!(beside(&gateway), [0; 4]);
        assert_eq!(gateway.count("SELECT count(*) FROM archive WHERE token IS NOT NULL"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE kind = 'exchange.purged'"), 1);
        gateway.doctor();
        assert!(gateway.blobs().is_empty());
    }
}
