//! Settings by which nobody would be told do not load.

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
fn contacts_need_a_mail_server() {
    let contacts = "[\"a@asp.example\"]";
    refused(
        &kit().set("incidents.contacts", contacts),
        "incidents.contacts",
    );
    refused(
        &kit().set_project("incidents.contacts", contacts),
        "incidents.contacts",
    );
}

#[test]
fn a_contact_that_is_no_address_is_refused() {
    for contact in [
        "asp.example",
        "A <a@asp.example>",
        "a@asp.example\\r\\nBcc: b@asp.example",
    ] {
        refused(
            &kit().set("incidents.contacts", format!("[\"{contact}\"]")),
            "incidents.contacts",
        );
    }
}

#[test]
fn more_contacts_than_one_mail_may_have_are_refused() {
    let contacts: Vec<_> = (0..21).map(|n| format!("c{n}@asp.example")).collect();
    refused(
        &kit().set("incidents.contacts", format!("{contacts:?}")),
        "20 addresses",
    );
}

#[test]
fn a_mail_server_without_its_authorities_or_its_sender_is_refused() {
    let kit = kit().set("smtp.host", "\"localhost\"");
    refused(&kit, "smtp.ca");
    refused(&kit, "smtp.from");
}

#[test]
fn a_mail_server_in_clear_cannot_be_asked_for() {
    let kit = kit()
        .set("smtp.host", "\"localhost\"")
        .set("smtp.security", "\"none\"");
    refused(&kit, "smtp.security");
}

#[test]
fn a_ticketing_tool_is_called_by_https_and_signed_to() {
    let kit = kit().set("incidents.webhook_url", "\"http://tickets.example\"");
    refused(&kit, "incidents.webhook_url");
    refused(&kit, "incidents.webhook_key_file");
}
