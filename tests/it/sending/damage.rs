//! What an inspection tells of a return that lost a part of what it is made of; and what is told of a file that is damaged before
//! it is processed.

use navette::{
    domain::{
        Context,
        incidents::{self, Cause, Code},
    },
    storage::exchanges,
};
use serde_json::json;

use super::{SOON, acknowledge, dropped, lot, returned, through, with_status};
use crate::{
    both_engines, inside,
    kit::{
        depot::{Depot, Make},
        gateway::{Engine, Gateway, Kit, damage},
        lot::Lot,
        wait,
    },
};

/// What is done to a house of one archive whose return was left on its depot, and the codes that tell it.
const DAMAGES: [(&str, &[&str]); 4] = [
    (
        "DELETE FROM return_file RETURNING 1",
        &["delivery-job-missing"],
    ),
    (
        "DELETE FROM job WHERE kind = 'await-acknowledgment' RETURNING 1",
        &["delivery-job-missing"],
    ),
    (
        "DELETE FROM document WHERE role = 'return' RETURNING 1",
        &["content-missing"],
    ),
    (
        "UPDATE archive_piece SET outcome = NULL WHERE ordinal = 0 RETURNING 1",
        &["result-missing"],
    ),
];

#[test]
fn a_return_that_lost_a_part_of_it_is_told() {
    let depot = Depot::start(Make::Folder);
    let mut gateway = through(Kit::new(Engine::Sqlite), &depot).start();
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    returned(&depot);
    with_status(&gateway, &id, "returned");
    wait::until("sent", SOON, || {
        (gateway.sql("SELECT state FROM exchange_return") == "sent").then_some(())
    });
    gateway.doctor();
    assert!(gateway.stop().success());
    let file = gateway.dir().join("data/navette.db");
    gateway.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    let whole = std::fs::read(&file).unwrap();
    for (statement, codes) in DAMAGES {
        gateway.sql(statement);
        let told: Vec<_> = gateway
            .differences()
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert_eq!(told, codes, "{statement}");
        for journal in ["data/navette.db-wal", "data/navette.db-shm"] {
            let _ = std::fs::remove_file(gateway.dir().join(journal));
        }
        std::fs::write(&file, &whole).unwrap();
    }
    gateway.doctor();
}

#[track_caller]
fn corrupt_blob(gateway: &Gateway, state: &str) {
    let asked =
        format!("SELECT count(*) FROM incident WHERE code = 'corrupt-blob' AND state = '{state}'");
    wait::until(&format!("{state} incident"), SOON, || {
        (gateway.count(&asked) == 1).then_some(())
    });
}

/// Opens the incident of a trouble that a job of this kind has met with an exchange.
async fn met_by(ctx: &Context, kind: &str, code: Code, id: &str) {
    let id = id.parse().unwrap();
    let found = ctx.store.read(move |tx| exchanges::find(tx, id)).await;
    let cause = Cause::of_exchange(code, &found.unwrap().unwrap());
    let ticket = incidents::prepare(ctx, cause, json!({ "job": kind })).unwrap();
    let opened = ctx.store.write(move |tx| ticket.open(tx).map(drop));
    opened.await.unwrap();
}

/// Codes and states of the incidents, by code.
fn incidents_of(gateway: &Gateway) -> Vec<String> {
    let found = gateway.sql("SELECT code, state FROM incident ORDER BY code");
    found.lines().map(str::to_owned).collect()
}

both_engines! {
    /// The partner's word drops the sending that failed here: with it goes what that had met. Damaged bytes stay damaged, and what
    /// another work has met stays its own.
    async fn what_a_sending_has_met_ends_with_the_word_that_drops_it(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = through(kit, &depot).start();
        let ctx = inside::house(&gateway).await.ctx;
        for (name, kind, state) in [("LOT-1.zip", "send-return", "resolved"), ("LOT-2.zip", "forward", "open")] {
            gateway.sql("DELETE FROM incident; SELECT 1");
            let bytes = Lot::new(name).piece("P-1", "a.txt", name.as_bytes()).zip();
            let id = dropped(&depot, name, &bytes);
            let left = returned(&depot);
            with_status(&gateway, &id, "returned");
            met_by(&ctx, kind, Code::ProcessingFailed, &id).await;
            met_by(&ctx, "send-return", Code::CorruptBlob, &id).await;
            std::fs::remove_file(depot.inside(&format!("out/{left}"))).unwrap();
            wait::until("sent", SOON, || {
                (gateway.count("SELECT count(*) FROM exchange_return WHERE state = 'sent'") == 1).then_some(())
            });
            acknowledge(&depot, &left);
            with_status(&gateway, &id, "acknowledged");
            assert_eq!(incidents_of(&gateway), ["corrupt-blob|open".to_owned(), format!("processing-failed|{state}")]);
        }
    }

    /// An archive goes on slice by slice, each as if its job were new: the incident of a file that was damaged ends all the same.
    async fn a_damaged_file_of_an_archive_is_an_incident_until_it_is_processed(kit) {
        let depot = Depot::start(Make::Folder);
        let mut gateway = through(kit, &depot).set("worker.lease_seconds", 1).stopped();
        depot.put("in/LOT.zip", &lot().zip());
        gateway.launch(&[("NAVETTE_FAILPOINT".to_owned(), "slice.before-settle".to_owned())]);
        gateway.ended();
        let mut whole = Vec::new();
        for blob in gateway.blobs() {
            whole.push((blob.clone(), std::fs::read(&blob).unwrap()));
            damage(&blob);
        }
        gateway.restart();
        corrupt_blob(&gateway, "open");
        for (blob, bytes) in whole {
            std::fs::write(blob, bytes).unwrap();
        }
        corrupt_blob(&gateway, "resolved");
        returned(&depot);
        gateway.doctor();
    }
}
