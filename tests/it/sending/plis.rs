//! Plis (PAP-1, PAP-3): an exchange that the contractor's own digitisation opens; its one return goes under the pli's id.

use serde_json::json;

use super::{acknowledge, conforms, dropped, lot, return_json, returned, through, with_status};
use crate::{
    everywhere,
    kit::{
        depot::{Depot, Make},
        gateway::{Engine, Kit},
        lot::Lot,
    },
    reception,
};

/// The lot as a pli.
pub fn pli() -> Lot {
    lot().with(|manifest| {
        manifest["kind"] = json!("pli");
        manifest["pliId"] = json!("PLI-2026/42");
        manifest["receivedOn"] = json!("2026-11-20");
        manifest["digitisedOn"] = json!("2026-11-21");
    })
}

everywhere! {
    fn a_pli_is_answered_under_its_id_and_acknowledged(kit, depot) {
        let gateway = through(kit, &depot).start();
        let id = dropped(&depot, "numerisation-7.zip", &pli().zip());
        let name = returned(&depot);
        assert!(name.starts_with("PLI-2026_42-"), "{name}");
        let told = return_json(&depot, &name);
        assert_eq!((&told["kind"], &told["pliId"]), (&json!("pli"), &json!("PLI-2026/42")), "{told:#}");
        assert_eq!((&told["receivedOn"], &told["digitisedOn"]), (&json!("2026-11-20"), &json!("2026-11-21")));
        acknowledge(&depot, &name);
        with_status(&gateway, &id, "acknowledged");
        gateway.doctor();
    }
}

#[test]
fn a_pli_is_answered_by_callback_where_the_project_says_so() {
    let depot = Depot::start(Make::Folder);
    let gateway = reception::at(Kit::new(Engine::Sqlite), &depot).start();
    let id = dropped(&depot, "pli.zip", &pli().zip());
    with_status(&gateway, &id, "acknowledged");
    let told = gateway.partner().received().remove(0).json();
    conforms(&told);
    assert_eq!(told["pliId"], "PLI-2026/42");
}
