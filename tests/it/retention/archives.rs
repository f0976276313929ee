//! Large archives go in slices.

use super::{AGED_DAYS, age, deaths::take_lease_away, purge};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        gateway::REASON,
        lot::Lot,
    },
    sending::{acknowledge, dropped, returned, through, through_with, with_status},
};

/// More than one slice of them.
const PIECES: u64 = 600;

both_engines! {
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
        let incident = gateway.run(&["incident", "list", "--json"]).succeeded();
        let incident: serde_json::Value = serde_json::from_str(&incident).unwrap();
        let incident = incident[0]["incidentId"].as_str().unwrap();
        gateway.run(&["incident", "resolve", incident, "--reason", REASON]).succeeded();
        gateway.stop();
        age(&gateway, AGED_DAYS, &[]);
        assert_eq!(purge(&gateway)["exchanges"], 1);
        gateway.restart();
        client.get(&receipt).await.is_problem(410, "purged");
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
        let kept = "SELECT count(*) FROM archive_piece WHERE length(metadata) > 0 OR result IS NOT NULL";
        assert_eq!(gateway.count(kept), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM exchange_dossier WHERE length(metadata) > 0"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM natural_key"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM archive WHERE token IS NOT NULL"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE kind = 'exchange.purged'"), 1);
        gateway.doctor();
        assert!(gateway.blobs().is_empty());
    }
}
