//! Incidents pushed to a ticketing tool: each change, signed like a return.

use std::time::Duration;

use serde_json::Value;

use super::{SOON, impatient, sent, wait_for_incident};
use crate::{
    both_engines,
    kit::{
        gateway::{CALLBACK, Kit},
        partner::{Answer, Partner, Received},
        pki::pki,
        wait,
    },
};

const TICKETS: &str = "/tickets";

/// A kit whose incidents go to the stand-in's ticketing tool.
fn ticketing(kit: Kit) -> Kit {
    let url = kit.partner.url(TICKETS);
    kit.set("incidents.webhook_url", format!("{url:?}"))
        .set("incidents.webhook_ca", format!("{:?}", pki().root))
        .set(
            "incidents.webhook_certificate",
            format!("{:?}", pki().outbound.certificate),
        )
        .set(
            "incidents.webhook_certificate_key_file",
            format!("{:?}", pki().outbound.key),
        )
        .set(
            "incidents.webhook_key_file",
            format!("{:?}", pki().webhook_key),
        )
        .set("incidents.webhook_allow_hosts", "[\"localhost\"]")
}

fn pushed(partner: &Partner) -> Vec<Received> {
    let calls = partner.received().into_iter();
    calls.filter(|call| call.path == TICKETS).collect()
}

/// Waits until the tool was told of that state; the push.
fn wait_for_push(partner: &Partner, state: &str) -> Received {
    wait::until("push", SOON, || {
        pushed(partner)
            .into_iter()
            .find(|call| call.json()["state"] == state)
    })
}

both_engines! {
    /// The tool sees an incident open, be taken note of, and end; one incident, a message of its own each time.
    async fn a_ticketing_tool_sees_each_change_of_an_incident(kit) {
        kit.partner.script(CALLBACK, [Answer::failure()]);
        let gateway = impatient(ticketing(kit)).start();
        let client = gateway.client().await;
        let piece = sent(&client, "D-1").await;
        let opened = wait_for_push(gateway.partner(), "open");
        let told: Value = opened.json();
        assert_eq!((&told["type"], &told["code"]), (&"navette.incident/1".into(), &"undelivered".into()));
        assert_eq!(told["reconciliationId"], piece);
        assert!(opened.header("webhook-signature").starts_with("v1a,"), "{opened:?}");
        let id = told["incidentId"].as_str().unwrap();
        gateway.run(&["incident", "ack", id, "--reason", "vu"]).succeeded();
        let acknowledged = wait_for_push(gateway.partner(), "acknowledged");
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        gateway.run(&["job", "retry", "--all-failed", "--reason", "essai"]).succeeded();
        let resolved = wait_for_push(gateway.partner(), "resolved");
        let ids = [&opened, &acknowledged, &resolved].map(|push| push.json()["incidentId"].clone());
        assert!(ids.iter().all(|other| *other == id), "{ids:?}");
        assert_ne!(opened.header("webhook-id"), resolved.header("webhook-id"));
    }

    /// A tool that fails is told again under the same message id, and its failure is an incident meanwhile.
    async fn a_tool_that_fails_is_told_again(kit) {
        kit.partner.script(CALLBACK, [Answer::failure()]);
        let down = [Answer::failure(), Answer::failure(), Answer::failure(), Answer::Acknowledge];
        kit.partner.script(TICKETS, down);
        let gateway = impatient(ticketing(kit)).start();
        let client = gateway.client().await;
        sent(&client, "D-1").await;
        wait_for_incident(&gateway, "ticket-failed", "resolved");
        let pushes = pushed(gateway.partner());
        assert!(pushes.len() >= 4, "{pushes:?}");
        assert!(pushes.iter().all(|push| push.header("webhook-id") == pushes[0].header("webhook-id")));
        assert!(pushes[3].at - pushes[0].at >= Duration::from_secs(3), "{pushes:?}");
    }
}
