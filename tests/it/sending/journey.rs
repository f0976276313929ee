//! From the drop to the acknowledgment of the return, the same on every transport.

use navette::transport::path;
use serde_json::json;

use super::{
    acknowledge, dropped, entries, kinds, lot, return_json, returned, through, with_status,
};
use crate::{
    both_engines, everywhere,
    kit::{
        depot::{Depot, Make},
        gateway::PROJECT,
        wait,
    },
    reception::{exchange, receipt_named},
};

everywhere! {
    /// What is dropped is processed piece by piece, answered by one return archive, and done once that is acknowledged.
    fn an_archive_is_answered_by_one_return_and_its_acknowledgment_ends_it(kit, depot) {
        let gateway = through(kit, &depot).start();
        let bytes = lot().zip();
        let id = dropped(&depot, "LOT42.zip", &bytes);
        let name = returned(&depot);
        assert!(name.starts_with("LOT42-") && name.ends_with(".zip"), "{name}");
        let told = return_json(&depot, &name);
        assert_eq!(told["type"], "navette.archive-return/1");
        assert_eq!((&told["reconciliationId"], &told["project"]), (&json!(id), &json!(PROJECT)));
        assert_eq!((&told["kind"], &told["outcome"]), (&json!("archive"), &json!("processed")), "{told:#}");
        assert_eq!(told["archive"]["fileName"], "LOT42.zip");
        assert_eq!(told["archive"]["size"], bytes.len());
        let pieces = told["pieces"].as_array().unwrap();
        let uids: Vec<_> = pieces.iter().map(|piece| &piece["metadata"]["pieceUid"]).collect();
        assert_eq!(uids, ["P-1", "P-2"]);
        assert_eq!(pieces[1]["files"].as_array().unwrap().len(), 2);
        let controls = pieces[1]["controls"].as_array().unwrap();
        assert!(controls.iter().any(|control| control["file"] == 0 && control["code"] == "pdf-pages"), "{controls:?}");
        assert!(controls.iter().any(|control| control["file"] == 1 && control["code"] == "type"), "{controls:?}");
        assert!(name.contains(told["returnId"].as_str().unwrap()));
        assert_eq!(entries(&depot, &name).len(), 1);
        with_status(&gateway, &id, "returned");
        // The file is there before that is written.
        wait::until("the sending's record", super::SOON, || {
            (gateway.sql("SELECT state FROM exchange_return") == "sent").then_some(())
        });
        gateway.doctor();
        acknowledge(&depot, &name);
        with_status(&gateway, &id, "acknowledged");
        wait::until("acknowledgment leaving", super::SOON, || depot.names("acks").is_empty().then_some(()));
        gateway.await_idle();
        let told = ["archive.processed", "return.created", "return.sent", "return.acknowledged"];
        assert_eq!(kinds(&gateway, &id), told);
        assert_eq!(gateway.sql("SELECT http_status FROM acknowledgment"), "0");
        assert_eq!(gateway.count("SELECT count(*) FROM incident"), 0);
        assert_eq!(gateway.partner().count(), 0, "nothing goes by callback too");
        let shown = gateway.run(&["status", &id, "--local"]).succeeded();
        assert!(shown.contains("partnerReference: AR-1"), "{shown}");
        gateway.doctor();
    }
}

both_engines! {
    /// A name that is as long as names can be leaves room for that of its return, whatever its letters take.
    async fn an_archive_of_the_longest_name_is_answered_like_any_other(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = through(kit, &depot).start();
        let name = format!("{}.zip", "\u{6f22}".repeat(83));
        depot.put(&format!("in/{name}"), &lot().zip());
        let receipt = receipt_named(&depot, &path::receipt(&name, None));
        let answer = returned(&depot);
        assert!(answer.starts_with("\u{6f22}") && answer.len() < 200, "{answer}");
        acknowledge(&depot, &answer);
        with_status(&gateway, exchange(&receipt), "acknowledged");
    }
}
