//! Returns of archives by callback, where the project says so and they fit.

use serde_json::json;

use super::{conforms, dropped, lot, return_json, returned, through, with_status};
use crate::{
    both_engines,
    kit::{
        contract::Contract,
        depot::{Depot, Make},
        gateway::{Engine, Kit},
        lot::Lot,
    },
    reception,
};

both_engines! {
    async fn an_archive_is_answered_by_callback_where_the_project_says_so(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = reception::at(kit, &depot).start();
        let id = dropped(&depot, "LOT.zip", &lot().zip());
        let call = gateway.partner().wait_for(1, super::SOON).await.remove(0);
        let told = call.json();
        conforms(&told);
        assert_eq!((&told["type"], &told["reconciliationId"]), (&json!("navette.archive-return/1"), &json!(id)));
        assert_eq!(told["pieces"].as_array().unwrap().len(), 2);
        Contract::callback()
            .check_request("receiveReturn", Some(call.header("content-type")), &call.headers, &call.body)
            .unwrap();
        with_status(&gateway, &id, "acknowledged");
        assert_eq!(depot.names("out"), [""; 0]);
        gateway.await_idle();
        gateway.doctor();
    }
}

/// So many pieces that their return is over the limit of a transaction.
fn large() -> Lot {
    let mut lot = Lot::new("D-1");
    for number in 0..400 {
        let name = format!("{number}.txt");
        lot = lot.piece(&format!("P-{number}"), &name, name.as_bytes());
    }
    lot
}

#[test]
fn a_return_that_does_not_fit_the_api_leaves_through_the_depot() {
    let depot = Depot::start(Make::Folder);
    let kit = through(Kit::new(Engine::Sqlite), &depot)
        .set_project("return_channel", "\"callback\"")
        .set("limits.transaction_bytes", 200_000)
        .set("limits.return_reserve_bytes", 64_000);
    let gateway = kit.start();
    let id = dropped(&depot, "LOT.zip", &large().zip());
    let told = return_json(&depot, &returned(&depot));
    assert_eq!(told["pieces"].as_array().unwrap().len(), 400);
    with_status(&gateway, &id, "returned");
    assert_eq!(gateway.partner().count(), 0);
    gateway.doctor();
}

/// Nothing is cut or left out: where it fits nowhere, it is held and told.
#[test]
fn a_return_that_fits_no_channel_is_held_with_an_incident() {
    let depot = Depot::start(Make::Folder);
    let kit = reception::at(Kit::new(Engine::Sqlite), &depot)
        .set("limits.transaction_bytes", 200_000)
        .set("limits.return_reserve_bytes", 64_000);
    let gateway = kit.start();
    let id = dropped(&depot, "LOT.zip", &large().zip());
    with_status(&gateway, &id, "nonconforming");
    assert_eq!(gateway.sql("SELECT code FROM incident"), "return-too-large");
    assert_eq!(gateway.partner().count(), 0);
    gateway.doctor();
}
