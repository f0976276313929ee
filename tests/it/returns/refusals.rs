//! Targets that never take the return: it ends `undelivered`, and says so to whoever looks.

use super::{SOON, failures, sent, with_status};
use crate::{
    both_engines,
    kit::{
        gateway::{CALLBACK, Engine, Gateway, Kit},
        partner::{Answer, Partner},
        pki::pki,
    },
};

/// Sends one piece and waits until its return is given up; its id.
async fn given_up(gateway: &Gateway) -> (crate::kit::client::Client, String) {
    let client = gateway.client().await;
    let id = sent(&client, "D-1").await;
    with_status(&client, &id, "undelivered").await;
    (client, id)
}

fn three_attempts(kit: Kit) -> Kit {
    let kit = kit.set_project("callback.attempts", 3);
    kit.set_project("callback.over_seconds", 1)
}

/// Every spelling of the list, told with the settings: the command starts nothing and connects nowhere.
#[test]
fn a_callback_inside_the_network_is_refused_with_the_settings_in_every_spelling() {
    let hosts = std::fs::read_to_string("src/outbound/callback/tests/hosts-inside.txt").unwrap();
    let hosts: Vec<_> = hosts
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert!(hosts.len() >= 60, "{}", hosts.len());
    let ears = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    ears.set_nonblocking(true).unwrap();
    let port = ears.local_addr().unwrap().port();
    let mut kit = Kit::new(Engine::Sqlite).set_project("callback.allow", "[]");
    for host in hosts {
        kit = kit.set_project("callback.url", format!("\"https://{host}:{port}/\""));
        kit.write();
        let told = kit.run(&["check-config"]);
        let refused = told.status.code() == Some(3) && told.stderr.contains("Rappel du partenaire");
        assert!(refused, "{host}: {told:?}");
        assert!(ears.accept().is_err(), "{host}");
    }
}

both_engines! {
    async fn a_return_is_undelivered_after_its_last_attempt(kit) {
        let gateway = three_attempts(kit).start();
        gateway.partner().script(CALLBACK, [Answer::failure()]);
        let (client, id) = given_up(&gateway).await;
        assert_eq!(failures(&gateway, &id), ["status-500"; 3]);
        let shown = client.get(&format!("/v1/pieces/{id}")).await.json();
        assert_eq!(shown["return"]["state"], "undelivered");
        assert_eq!(shown["return"]["attempts"], 3);
        assert!(shown["return"]["nextAttemptAt"].is_null(), "{shown}");
    }

    async fn an_undelivered_return_is_told_in_metrics_log_and_events(kit) {
        let gateway = three_attempts(kit).start();
        gateway.partner().script(CALLBACK, [Answer::failure()]);
        let (client, id) = given_up(&gateway).await;
        let (_, metrics) = gateway.health("/metrics").unwrap();
        assert!(metrics.contains("navette_deliveries_total{outcome=\"undelivered\"} 1"), "{metrics}");
        let told = gateway.log().lines().any(|line| line.contains("\"ERROR\"") && line.contains(&id));
        assert!(told, "the log names the piece as an error");
        let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
        let kinds = events["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap());
        assert_eq!(kinds.filter(|kind| *kind == "return.undelivered").count(), 1);
    }

    async fn an_undelivered_return_can_still_be_read(kit) {
        let gateway = three_attempts(kit).start();
        gateway.partner().script(CALLBACK, [Answer::failure()]);
        let (client, id) = given_up(&gateway).await;
        let shown = client.get(&format!("/v1/pieces/{id}/return")).await;
        assert_eq!(shown.body, gateway.partner().received()[0].body);
    }

    async fn a_target_that_is_gone_is_not_tried_again(kit) {
        let gateway = kit.set_project("callback.over_seconds", 1).start();
        gateway.partner().script(CALLBACK, [Answer::gone()]);
        let (_client, id) = given_up(&gateway).await;
        assert_eq!(failures(&gateway, &id), ["status-410"]);
        assert_eq!(gateway.partner().count(), 1);
    }

    async fn a_target_with_a_certificate_of_another_authority_gets_nothing(kit) {
        let stranger = Partner::with_identity(&pki().foreign_partner);
        let kit = kit.set_project("callback.url", format!("{:?}", stranger.url(CALLBACK)));
        let gateway = three_attempts(kit).start();
        let (_client, id) = given_up(&gateway).await;
        assert_eq!(failures(&gateway, &id), ["connection-failed"; 3]);
        assert_eq!(stranger.count(), 0);
    }

    async fn an_internal_address_that_is_not_allowed_by_name_gets_nothing(kit) {
        let gateway = three_attempts(kit.set_project("callback.allow", "[]")).start();
        let (_client, id) = given_up(&gateway).await;
        assert_eq!(failures(&gateway, &id), ["address-refused"; 3]);
        assert_eq!(gateway.partner().count(), 0);
    }

    async fn a_callback_to_a_literal_internal_address_is_refused_with_the_settings(kit) {
        let kit = kit.set_project("callback.url", r#""https://127.0.0.1:8444/retours""#);
        let gateway = kit.stopped();
        let told = gateway.run(&["check-config"]).failed_with(3);
        assert!(told.contains("callback.allow"), "{told}");
    }

    async fn an_undelivered_return_is_delivered_under_its_id_when_an_operator_retries(kit) {
        let gateway = three_attempts(kit).start();
        let failure = Answer::failure;
        gateway.partner().script(CALLBACK, [failure(), failure(), failure(), Answer::Acknowledge]);
        let (client, id) = given_up(&gateway).await;
        gateway.run(&["job", "retry", "--all-failed", "--reason", "essai"]).succeeded();
        with_status(&client, &id, "acknowledged").await;
        let calls = gateway.partner().wait_for(4, SOON).await;
        let first = calls[0].header("webhook-id");
        assert!(calls.iter().all(|call| call.header("webhook-id") == first), "{calls:?}");
        gateway.doctor();
    }
}
