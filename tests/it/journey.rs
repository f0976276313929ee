//! The main job: a piece goes in over mutual TLS, its signed receipt comes back at once, its return comes by callback.

use std::time::Duration;

use crate::{both_engines, kit::client::metadata};

both_engines! {
    /// A piece is received, acknowledged, processed and returned, and its sender's API acknowledges the return.
    async fn a_piece_is_received_processed_and_returned(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let pdf = std::fs::read("fixtures/facture.pdf").unwrap();
        let answer = client.push(&metadata("D-1"), pdf).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let id = answer.reconciliation_id();
        gateway.partner().wait_for(1, Duration::from_secs(60)).await;
        let path = format!("/v1/pieces/{id}");
        crate::kit::wait::until("acknowledged piece", Duration::from_secs(60), || {
            let piece = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(client.get(&path)));
            (piece.json()["status"] == "acknowledged").then_some(())
        });
        let events = client.get(&format!("{path}/events")).await;
        let kinds: Vec<_> = events.json()["items"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
        assert_eq!(kinds, ["piece.received", "piece.processed", "return.created", "return.acknowledged"]);
        assert!(gateway.stop().success());
        gateway.doctor();
    }
}
