//! A depot that does not take returns: they wait, are told, and leave when it does.

use std::fs;

use super::{SOON, dropped, lot, through_with, with_status};
use crate::kit::{
    depot::{Depot, Make},
    gateway::{Engine, Kit},
    lot::Lot,
    wait,
};

/// A way out that leads nowhere yet.
fn astray(depot: &Depot, kit: Kit) -> Kit {
    let settings = depot
        .settings()
        .replace("path = \"out\"", "path = \"plus-tard\"");
    through_with(kit, depot, &settings)
}

#[test]
fn a_return_that_the_depot_does_not_take_waits_and_leaves_when_it_does() {
    let depot = Depot::start(Make::Folder);
    let kit = Kit::new(Engine::Sqlite)
        .set_project("return.over_seconds", 40)
        .set_project("return.attempts", 8);
    let gateway = astray(&depot, kit).start();
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    wait::until("incident", SOON, || {
        gateway
            .sql("SELECT code FROM incident WHERE state = 'open'")
            .contains("return-stuck")
            .then_some(())
    });
    with_status(&gateway, &id, "returned");
    fs::create_dir(depot.inside("plus-tard")).unwrap();
    wait::until("return", SOON, || {
        (!depot.names("plus-tard").is_empty()).then_some(())
    });
    wait::until("sent", SOON, || {
        (gateway.sql("SELECT state FROM exchange_return") == "sent").then_some(())
    });
    assert_eq!(gateway.sql("SELECT state FROM incident"), "resolved");
    gateway.doctor();
}

/// Whichever return it takes, the depot's trouble is over; the one that it did not take still waits for its time.
#[test]
fn a_depot_that_takes_another_return_is_in_no_trouble_any_more() {
    let depot = Depot::start(Make::Folder);
    let kit = Kit::new(Engine::Sqlite)
        .set_project("return.over_seconds", 40)
        .set_project("return.attempts", 8);
    let gateway = astray(&depot, kit).start();
    dropped(&depot, "LOT-1.zip", &lot().zip());
    let stuck = |state: &str| {
        format!("SELECT count(*) FROM incident WHERE code = 'return-stuck' AND state = '{state}'")
    };
    wait::until("incident", SOON, || {
        (gateway.count(&stuck("open")) == 1).then_some(())
    });
    let far = 9_000_000_000_000_000_u64;
    wait::until("a return whose next try is far away", SOON, || {
        gateway.sql(&format!(
            "UPDATE job SET run_at = {far} WHERE kind = 'send-return' AND lease_token IS NULL; SELECT 1"
        ));
        (gateway
            .count("SELECT count(*) FROM job WHERE kind = 'send-return' AND lease_token IS NULL")
            == 1)
            .then_some(())
    });
    fs::create_dir(depot.inside("plus-tard")).unwrap();
    let other = Lot::new("D-2").piece("P-9", "b.txt", b"Bonsoir");
    dropped(&depot, "LOT-2.zip", &other.zip());
    wait::until("end of the incident", SOON, || {
        (gateway.count(&stuck("resolved")) == 1).then_some(())
    });
    let pending = "SELECT count(*) FROM exchange_return WHERE state = 'pending'";
    assert_eq!(gateway.count(pending), 1);
}

/// After its last try it is undelivered, and an operator has it tried again.
#[test]
fn a_return_that_no_try_could_leave_is_undelivered_until_an_operator_has_it_tried_again() {
    let depot = Depot::start(Make::Folder);
    let kit = Kit::new(Engine::Sqlite)
        .set_project("return.attempts", 2)
        .set_project("return.over_seconds", 1);
    let gateway = astray(&depot, kit).start();
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    with_status(&gateway, &id, "undelivered");
    assert!(
        gateway
            .sql("SELECT code FROM incident")
            .contains("undelivered")
    );
    gateway.doctor();
    fs::create_dir(depot.inside("plus-tard")).unwrap();
    gateway
        .run(&["job", "retry", "--all-failed", "--reason", "dépôt réparé"])
        .succeeded();
    with_status(&gateway, &id, "returned");
    wait::until("return", SOON, || {
        (!depot.names("plus-tard").is_empty()).then_some(())
    });
    wait::until("end of the incident", SOON, || {
        (gateway.count("SELECT count(*) FROM incident WHERE state = 'open'") == 0).then_some(())
    });
    gateway.doctor();
}

#[test]
fn settings_whose_returns_lead_to_no_outgoing_flow_do_not_load() {
    for (depot, flow) in [
        ("\"ailleurs\"", "\"retours\""),
        ("\"partenaire\"", "\"rien\""),
        ("\"partenaire\"", "\"lots\""),
    ] {
        let server = Depot::start(Make::Folder);
        let kit = crate::reception::at(Kit::new(Engine::Sqlite), &server);
        let kit = kit
            .set_project("return.depot", depot)
            .set_project("return.flow", flow);
        kit.write();
        let said = kit.run(&["check-config"]).failed_with(3);
        assert!(said.contains("return."), "{said}");
    }
    let kit = Kit::new(Engine::Sqlite).set_project("return_channel", "\"depot\"");
    kit.write();
    kit.run(&["check-config"]).failed_with(3);
}
