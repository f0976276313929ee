//! Conformity of archives (TRC-3): each piece of the return is held to what was agreed before any of it leaves.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{dropped, lot, plis::pli, return_json, returned, through, with_status};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        gateway::{Gateway, Kit, REASON},
    },
    reception,
};

fn agreed(kit: Kit, schema: &Value) -> (Kit, PathBuf) {
    let file = kit.dir().join("resultat.schema.json");
    std::fs::write(&file, schema.to_string()).unwrap();
    let kit = kit.set_project("result_schema", format!("{file:?}"));
    (kit, file)
}

/// Only the second of the lot's pieces does not meet it.
fn schema() -> Value {
    json!({ "properties": { "files": { "maxItems": 1 } }, "required": ["outcome", "metadata", "controls", "results", "documents"] })
}

fn retry(gateway: &Gateway) {
    gateway
        .run(&["job", "retry", "--all-failed", "--reason", REASON])
        .succeeded();
}

both_engines! {
    /// One piece that does not conform holds the whole; mended and tried again, all pieces are worked on anew and one return leaves.
    async fn an_archive_with_a_piece_that_is_not_as_agreed_is_held_whole_until_mended(kit) {
        let depot = Depot::start(Make::Folder);
        let (kit, file) = agreed(through(kit, &depot), &schema());
        let mut gateway = kit.start();
        let id = dropped(&depot, "LOT.zip", &lot().zip());
        with_status(&gateway, &id, "nonconforming");
        assert_eq!(depot.names("out"), [""; 0]);
        assert_eq!(gateway.count("SELECT count(*) FROM exchange_return"), 0);
        let told = gateway.sql("SELECT code, state, detail FROM incident");
        assert!(told.starts_with("return-nonconforming|open|"), "{told}");
        let detail: Value = serde_json::from_str(told.splitn(3, '|').last().unwrap()).unwrap();
        assert_eq!(detail["pieces"], json!({ "count": 1, "first": 2 }), "{detail}");
        assert_eq!(detail["unmet"], json!(["/properties/files/maxItems"]));
        gateway.doctor();
        std::fs::write(&file, json!({}).to_string()).unwrap();
        assert!(gateway.stop().success());
        gateway.restart();
        retry(&gateway);
        let told = return_json(&depot, &returned(&depot));
        assert_eq!(told["pieces"].as_array().unwrap().len(), 2);
        with_status(&gateway, &id, "returned");
        assert_eq!(gateway.sql("SELECT code, state FROM incident"), "return-nonconforming|resolved");
        gateway.doctor();
    }

    /// By callback it is the same, of archives and of plis: nothing is posted before it conforms.
    async fn an_archive_or_a_pli_that_is_not_as_agreed_is_not_posted_until_mended(kit) {
        let depot = Depot::start(Make::Folder);
        let (kit, file) = agreed(reception::at(kit, &depot), &schema());
        let mut gateway = kit.start();
        let ids = [("LOT.zip", lot()), ("pli.zip", pli())].map(|(name, lot)| dropped(&depot, name, &lot.zip()));
        for id in &ids {
            with_status(&gateway, id, "nonconforming");
        }
        assert_eq!(gateway.partner().count(), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM exchange_return"), 0);
        let open = "SELECT count(*) FROM incident WHERE code = 'return-nonconforming' AND state = 'open'";
        assert_eq!(gateway.count(open), 2);
        std::fs::write(&file, json!({}).to_string()).unwrap();
        assert!(gateway.stop().success());
        gateway.restart();
        retry(&gateway);
        for id in &ids {
            with_status(&gateway, id, "acknowledged");
        }
        assert_eq!(gateway.partner().count(), 2);
        gateway.doctor();
    }
}
