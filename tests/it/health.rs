//! Readiness: the gateway says when it cannot take pieces, refuses them in a way that brings them back, and recovers alone.

use std::time::Duration;

use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        document,
        gateway::{Gateway, Kit},
        postgres::Server,
        wait,
    },
};

const SOON: Duration = Duration::from_secs(30);

fn wait_for_readiness(gateway: &Gateway, status: u16) -> String {
    wait::until(&format!("readiness {status}"), SOON, || {
        let (found, text) = gateway.health("/health/ready")?;
        (found == status).then_some(text)
    })
}

async fn push(client: &Client, dossier: &str) -> crate::kit::client::Answer {
    client
        .push(&metadata(dossier), document::small(dossier))
        .await
}

/// A gateway on a server of its own, which has taken one piece.
async fn with_one_piece() -> (Server, Gateway, Client, String) {
    let server = Server::start_new();
    let gateway = Kit::with_database(Some(server.fresh_database())).start();
    let client = gateway.client().await;
    let id = push(&client, "D-1").await.reconciliation_id();
    (server, gateway, client, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_without_its_database_is_alive_and_not_ready() {
    let (server, gateway, _client, _) = with_one_piece().await;
    server.stop();
    let told = wait_for_readiness(&gateway, 503);
    assert!(
        told.contains(r#"{"name":"database","passed":false}"#),
        "{told}"
    );
    assert_eq!(gateway.health("/health/live").unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_piece_that_comes_while_the_database_is_away_is_asked_to_come_again() {
    let (server, _gateway, client, _) = with_one_piece().await;
    server.stop();
    let answer = push(&client, "D-2").await;
    answer.is_problem(503, "unavailable");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_takes_pieces_again_when_its_database_is_back() {
    let (server, gateway, client, first) = with_one_piece().await;
    server.stop();
    wait_for_readiness(&gateway, 503);
    assert_eq!(push(&client, "D-2").await.status, 503);
    server.start();
    wait_for_readiness(&gateway, 200);
    let second = wait::eventually("accepted piece", SOON, async || {
        let answer = push(&client, "D-2").await;
        (answer.status == 202).then(|| answer.reconciliation_id())
    })
    .await;
    for id in [first, second] {
        wait::eventually("acknowledged piece", SOON, async || {
            let piece = client.get(&format!("/v1/pieces/{id}")).await;
            (piece.status == 200 && piece.json()["status"] == "acknowledged").then_some(())
        })
        .await;
    }
    gateway.doctor();
}

both_engines! {
    async fn a_gateway_without_its_store_is_not_ready(kit) {
        let gateway = kit.start();
        let store = gateway.dir().join("data/store");
        let aside = gateway.dir().join("aside");
        std::fs::rename(&store, &aside).unwrap();
        let told = wait_for_readiness(&gateway, 503);
        assert!(told.contains(r#"{"name":"store","passed":false}"#), "{told}");
        std::fs::rename(&aside, &store).unwrap();
        wait_for_readiness(&gateway, 200);
    }
}
