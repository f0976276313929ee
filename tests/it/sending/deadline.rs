//! A return that nobody acknowledges in time, and one that is left again under the same id.

use std::fs;

use super::{SOON, acknowledge, dropped, kinds, lot, returned, through_with, with_status};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        gateway::{Engine, Gateway, Kit},
        wait,
    },
};

/// A gateway whose partner has a second to acknowledge.
fn hurried(kit: Kit, depot: &Depot) -> Gateway {
    let out = "direction = \"out\"\npath = \"out\"";
    let settings = depot
        .settings()
        .replace(out, &format!("{out}\nack_deadline_seconds = 1"));
    through_with(kit, depot, &settings).start()
}

#[track_caller]
fn overdue(gateway: &Gateway) {
    wait::until("incident", SOON, || {
        let incidents = gateway.sql("SELECT code, state FROM incident");
        (incidents == "return-unacknowledged|open").then_some(())
    });
}

both_engines! {
    /// An incident opens; an operator has it left again, under its id and name; the late acknowledgment ends all.
    async fn a_return_that_is_not_acknowledged_in_time_opens_an_incident_and_is_left_again_under_its_id(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = hurried(kit, &depot);
        let id = dropped(&depot, "LOT.zip", &lot().zip());
        let name = returned(&depot);
        let first = fs::read(depot.inside(&format!("out/{name}"))).unwrap();
        overdue(&gateway);
        gateway.doctor();
        assert_eq!(gateway.sql("SELECT state FROM exchange_return"), "sent");
        // The partner had lost it.
        fs::remove_file(depot.inside(&format!("out/{name}"))).unwrap();
        gateway.run(&["return", "redeliver", &id, "--reason", "perdu chez le partenaire"]).succeeded();
        assert_eq!(returned(&depot), name);
        assert!(fs::read(depot.inside(&format!("out/{name}"))).unwrap() == first);
        acknowledge(&depot, &name);
        with_status(&gateway, &id, "acknowledged");
        gateway.await_idle();
        assert_eq!(gateway.sql("SELECT code, state FROM incident"), "return-unacknowledged|resolved");
        assert_eq!(gateway.sql("SELECT state FROM redelivery"), "delivered");
        assert_eq!(gateway.count("SELECT count(*) FROM exchange_return"), 1);
        let all = kinds(&gateway, &id);
        assert_eq!(all.iter().filter(|kind| *kind == "return.sent").count(), 2, "{all:?}");
        gateway.doctor();
    }
}

/// What lies there already is not left twice.
#[test]
fn a_return_that_still_lies_on_its_depot_is_found_there_when_it_is_left_again() {
    let depot = Depot::start(Make::Folder);
    let gateway = hurried(Kit::new(Engine::Sqlite), &depot);
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    let name = returned(&depot);
    overdue(&gateway);
    gateway
        .run(&["return", "redeliver", &id, "--reason", "essai"])
        .succeeded();
    wait::until("second sending", SOON, || {
        (gateway.count("SELECT count(*) FROM journal WHERE kind = 'return.sent'") == 2)
            .then_some(())
    });
    assert_eq!(depot.names("out"), [name]);
    gateway
        .run(&[
            "return",
            "redeliver",
            "--since",
            "2020-01-01",
            "--project",
            "marche-1",
            "--state",
            "sent",
            "--reason",
            "essai",
        ])
        .succeeded();
}
