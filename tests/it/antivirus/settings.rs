//! Settings with which contents would go unseen do not load.

use crate::kit::gateway::{Engine, Kit};

fn kit() -> Kit {
    Kit::new(Engine::Sqlite)
}

#[track_caller]
fn refused(kit: &Kit, key: &str) {
    kit.write();
    let said = kit.run(&["check-config"]).failed_with(3);
    assert!(said.contains(key), "{said}");
}

#[test]
fn a_project_that_demands_a_scan_needs_an_antivirus() {
    refused(&kit().set_project("antivirus", "\"required\""), "antivirus");
}

#[test]
fn an_antivirus_that_takes_less_than_a_request_is_refused() {
    let kit = kit().set("antivirus.address", "\"unix:/run/clamav/clamd.ctl\"");
    refused(
        &kit.set("antivirus.max_bytes", 1_000_000),
        "antivirus.max_bytes",
    );
}

#[test]
fn an_address_of_another_form_is_refused() {
    for address in [
        "localhost:3310",
        "tcp:localhost",
        "unix:relative",
        "http://localhost:3310",
        "tcp::3310",
    ] {
        let kit = kit().set("antivirus.address", format!("{address:?}"));
        refused(&kit, "antivirus.address");
    }
}
