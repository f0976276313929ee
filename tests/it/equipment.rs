//! The test kit tried on itself, so that a red journey speaks of the gateway.

use std::time::Duration;

use crate::{
    both_engines,
    kit::{
        client::metadata,
        document,
        partner::{Answer, Partner},
        pki::{Identity, pki},
        postgres, tls,
    },
};

const SOON: Duration = Duration::from_secs(20);

fn caller(identity: Option<&Identity>) -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client(identity))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("the settings are sound")
}

async fn call(partner: &Partner, path: &str) -> reqwest::Response {
    caller(Some(&pki().outbound))
        .post(partner.url(path))
        .header("webhook-id", "R-1")
        .body("{}")
        .send()
        .await
        .expect("the partner answers")
}

#[test]
fn every_database_is_new_and_survives_a_crash_of_its_server() {
    let server = postgres::Server::start_new();
    let first = server.fresh_database();
    let (_, path) = first.rsplit_once('/').expect("a URL has a path");
    let (name, _) = path.split_once('?').expect("and how it is reached");
    server.sql(name, "CREATE TABLE t(a int); INSERT INTO t VALUES (7)");
    server.stop();
    server.start();
    assert_eq!(server.sql(name, "SELECT a FROM t").trim(), "7");
    assert_ne!(server.fresh_database(), first);
}

#[test]
fn databases_of_the_shared_server_differ() {
    assert_ne!(postgres::fresh_database(), postgres::fresh_database());
}

#[tokio::test]
async fn an_unscripted_partner_acknowledges_and_remembers_the_call() {
    let partner = Partner::start();
    let answer: serde_json::Value = call(&partner, "/retours").await.json().await.expect("JSON");
    assert_eq!(answer["returnId"], "R-1");
    let calls = partner.wait_for(1, SOON).await;
    assert_eq!(calls[0].certificate, pki().outbound.fingerprint);
    assert_eq!(calls[0].header("webhook-id"), "R-1");
    assert_eq!(calls[0].json(), serde_json::json!({}));
}

#[tokio::test]
async fn a_scripted_path_gives_its_answers_in_turn_and_keeps_the_last() {
    let partner = Partner::start();
    partner.script(
        "/r",
        [
            Answer::failure(),
            Answer::TryLater("7".to_owned()),
            Answer::gone(),
        ],
    );
    for status in [500, 429, 410, 410] {
        assert_eq!(call(&partner, "/r").await.status(), status);
    }
}

#[tokio::test]
async fn a_partner_redirects_confuses_and_floods_when_told() {
    let partner = Partner::start();
    partner.script(
        "/r",
        [
            Answer::Redirect("https://localhost/".to_owned()),
            Answer::AcknowledgeAs("R-2".to_owned()),
            Answer::Huge(1 << 20),
        ],
    );
    assert_eq!(call(&partner, "/r").await.status(), 307);
    assert!(
        call(&partner, "/r")
            .await
            .text()
            .await
            .expect("text")
            .contains("R-2")
    );
    assert_eq!(
        call(&partner, "/r")
            .await
            .bytes()
            .await
            .expect("bytes")
            .len(),
        1 << 20
    );
}

#[tokio::test]
async fn a_silent_partner_takes_the_call_and_never_answers() {
    let partner = Partner::start();
    partner.script("/r", [Answer::Never]);
    tokio::select! {
        _ = call(&partner, "/r") => panic!("it answered"),
        calls = partner.wait_for(1, SOON) => assert_eq!(calls.len(), 1),
    }
}

#[tokio::test]
async fn a_partner_refuses_callers_without_a_good_certificate() {
    let partner = Partner::start();
    let bad = [
        None,
        Some(&pki().expired_client),
        Some(&pki().foreign_client),
        Some(&pki().server_only),
    ];
    for identity in bad {
        let outcome = caller(identity).post(partner.url("/r")).send().await;
        assert!(outcome.is_err(), "{identity:?}");
    }
    assert_eq!(partner.count(), 0);
}

both_engines! {
    async fn a_piece_sent_to_a_gateway_of_the_kit_comes_back_as_a_return(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let sent = client.push(&metadata("D-1"), document::small("D-1")).await;
        let id = sent.reconciliation_id();
        let calls = gateway.partner().wait_for(1, SOON).await;
        assert_eq!(calls[0].json()["reconciliationId"], id.as_str());
        assert!(gateway.stop().success());
    }

    async fn a_gateway_of_the_kit_killed_and_restarted_knows_what_it_acknowledged(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let id = client.push(&metadata("D-1"), document::small("D-1")).await.reconciliation_id();
        gateway.kill();
        gateway.restart();
        assert_eq!(client.get(&format!("/v1/pieces/{id}")).await.status, 200);
    }
}
