//! What an operator does about an incident, and what is kept of it.

use serde_json::Value;

use super::{entries, undelivered, wait_for_incident};
use crate::{both_engines, kit::gateway::Gateway};

/// The open incident's id.
fn open(gateway: &Gateway) -> String {
    let incident = wait_for_incident(gateway, "undelivered", "open");
    incident["incidentId"].as_str().unwrap().to_owned()
}

#[track_caller]
fn step(gateway: &Gateway, verb: &str, id: &str, reason: &str) -> Value {
    let said = gateway.run(&["incident", verb, id, "--reason", reason, "--json"]);
    serde_json::from_str(&said.succeeded()).expect("JSON was asked for")
}

/// Operator and reason of the journal's last entry.
fn last(gateway: &Gateway) -> Value {
    let detail = gateway.sql(
        "SELECT CAST(detail AS text) FROM journal WHERE kind LIKE 'incident.%' ORDER BY id DESC LIMIT 1",
    );
    serde_json::from_str(&detail).unwrap()
}

both_engines! {
    /// Note is taken, somebody is called, the incident is resolved: each with name and reason in the journal.
    async fn an_operators_steps_are_kept_with_name_and_reason(kit) {
        let (gateway, _, _) = undelivered(kit.set("incidents.telephone", "\"+33 1 23 45 67 89\"")).await;
        let id = open(&gateway);
        let acknowledged = step(&gateway, "ack", &id, "vu");
        assert_eq!(acknowledged["state"], "acknowledged");
        assert_eq!(acknowledged["telephone"], "+33 1 23 45 67 89");
        assert_eq!(last(&gateway)["reason"], "vu");
        let called = step(&gateway, "called", &id, "astreinte jointe");
        assert_eq!(called["call"]["note"], "astreinte jointe");
        assert!(called["call"]["at"].is_string(), "{called}");
        let resolved = step(&gateway, "resolve", &id, "renvoi par un autre canal");
        assert_eq!(resolved["state"], "resolved");
        assert!(resolved["resolvedBy"].is_string(), "{resolved}");
        let told = last(&gateway);
        assert_eq!(told["reason"], "renvoi par un autre canal");
        assert_eq!(told["operator"], resolved["resolvedBy"]);
        let kinds = ["incident.opened", "incident.acknowledged", "incident.called", "incident.resolved"];
        assert_eq!(entries(&gateway), kinds);
        gateway.doctor();
    }

    /// A step without a reason, twice, or on nothing, changes nothing.
    async fn a_step_that_cannot_be_is_refused_and_leaves_no_entry(kit) {
        let (gateway, _, _) = undelivered(kit).await;
        let id = open(&gateway);
        gateway.run(&["incident", "ack", &id]).failed_with(2);
        gateway.run(&["incident", "ack", &id, "--reason", ""]).failed_with(2);
        gateway.run(&["incident", "ack", &id, "--reason", &"x".repeat(201)]).failed_with(2);
        let nobody = "3f0c5b5e-7b0c-8c44-9d4e-0a1b2c3d4e5f";
        for verb in ["ack", "resolve", "called"] {
            gateway.run(&["incident", verb, nobody, "--reason", "x"]).failed_with(2);
        }
        gateway.run(&["incident", "show", nobody]).failed_with(2);
        step(&gateway, "ack", &id, "vu");
        gateway.run(&["incident", "ack", &id, "--reason", "encore"]).failed_with(2);
        step(&gateway, "resolve", &id, "clos");
        gateway.run(&["incident", "resolve", &id, "--reason", "encore"]).failed_with(2);
        assert_eq!(entries(&gateway), ["incident.opened", "incident.acknowledged", "incident.resolved"]);
    }

    /// The list is narrowed as asked for, and people read it too.
    async fn the_list_is_narrowed_and_told_in_words(kit) {
        let (gateway, _, piece) = undelivered(kit).await;
        let id = open(&gateway);
        let line = gateway.run(&["incident", "list"]).succeeded();
        assert!(line.contains(&id) && line.contains(&piece), "{line}");
        for narrowed in [
            ["--project", "autre"], ["--state", "resolved"], ["--code", "infected"],
            ["--piece", "01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10"],
        ] {
            let said = gateway.run(&[&["incident", "list"], &narrowed[..]].concat()).succeeded();
            assert_eq!(said.trim(), "no incident", "{narrowed:?}");
        }
        let shown = gateway.run(&["incident", "show", &id]).succeeded();
        assert!(shown.contains("navette job retry"), "{shown}");
    }
}
