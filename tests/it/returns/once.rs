//! Exactly one return, delivered at least once under one id, whatever dies or is late.

use super::{SOON, expire_leases, failures, sent, with_status};
use crate::{
    both_engines,
    kit::{
        gateway::{CALLBACK, Gateway, Kit},
        partner::Answer,
        wait,
    },
};

/// A gateway that dies at `point` while it works on one piece, started again; the piece's id.
async fn killed_at(kit: Kit, point: &str) -> (Gateway, crate::kit::client::Client, String) {
    let mut gateway = kit.env("NAVETTE_FAILPOINT", point).start();
    let client = gateway.client().await;
    let id = sent(&client, "D-1").await;
    gateway.ended();
    expire_leases(&gateway);
    gateway.restart_with(&[]);
    with_status(&client, &id, "acknowledged").await;
    (gateway, client, id)
}

fn ids_received(gateway: &Gateway) -> Vec<String> {
    let calls = gateway.partner().received();
    calls
        .iter()
        .map(|call| call.header("webhook-id").to_owned())
        .collect()
}

both_engines! {
    async fn a_death_after_the_processing_and_before_its_commit_leaves_one_return(kit) {
        let (gateway, _client, _id) = killed_at(kit, "process.before-settle").await;
        assert_eq!(gateway.count("SELECT count(*) FROM exchange_return"), 1);
        assert_eq!(ids_received(&gateway).len(), 1);
        gateway.doctor();
    }

    async fn a_death_after_the_return_was_sent_sends_it_again_under_its_id(kit) {
        let (gateway, _client, _id) = killed_at(kit, "deliver.after-send").await;
        let ids = ids_received(&gateway);
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1]);
        assert_eq!(gateway.count("SELECT count(*) FROM acknowledgment"), 1);
        gateway.doctor();
    }

    async fn a_death_before_the_return_was_sent_sends_it_once(kit) {
        let (gateway, _client, _id) = killed_at(kit, "deliver.before-send").await;
        assert_eq!(ids_received(&gateway).len(), 1);
        gateway.doctor();
    }

    async fn a_death_after_the_acknowledgment_was_kept_sends_nothing_again(kit) {
        let (gateway, _client, _id) = killed_at(kit, "deliver.after-settle").await;
        assert_eq!(ids_received(&gateway).len(), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM job"), 0);
        gateway.doctor();
    }

    async fn an_attempt_that_lost_its_lease_records_nothing(kit) {
        let gateway = kit.set_project("callback.timeout_seconds", 3).start();
        gateway.partner().script(CALLBACK, [Answer::Never, Answer::Acknowledge]);
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        gateway.partner().wait_for(1, SOON).await;
        expire_leases(&gateway);
        with_status(&client, &id, "acknowledged").await;
        let told = "could not be settled";
        wait::until("late attempt", SOON, || gateway.log().contains(told).then_some(()));
        assert_eq!(failures(&gateway, &id), ["none"]);
        assert_eq!(with_status(&client, &id, "acknowledged").await["return"]["attempts"], 1);
        gateway.doctor();
    }

    async fn an_exchange_that_is_processed_twice_has_one_return(kit) {
        let gateway = kit.without_worker().start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        let again = gateway.id("019a1ffe-0542-7a41-9c3e-5b0f2a7d6e10");
        gateway.sql(&format!(
            "INSERT INTO job (id, kind, lane, subject, partner, environment, state, attempts, run_at, created_at) \
             SELECT {again}, kind, lane, subject, partner, environment, state, attempts, run_at, created_at FROM job"
        ));
        assert_eq!(gateway.count("SELECT count(*) FROM job WHERE kind = 'process'"), 2);
        let _worker = gateway.start_worker(&[]);
        with_status(&client, &id, "acknowledged").await;
        wait::until("empty queue", SOON, || (gateway.count("SELECT count(*) FROM job") == 0).then_some(()));
        assert_eq!(gateway.count("SELECT count(*) FROM exchange_return"), 1);
        assert_eq!(ids_received(&gateway).len(), 1);
        gateway.doctor();
    }

    async fn a_delivery_that_outlasts_the_grace_period_is_handed_back_and_made_again_at_once(kit) {
        let mut gateway = kit.set("worker.grace_seconds", 1).set("worker.lease_seconds", 3600).start();
        gateway.partner().script(CALLBACK, [Answer::Never, Answer::Acknowledge]);
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        gateway.partner().wait_for(1, SOON).await;
        assert!(gateway.stop().success());
        assert_eq!(gateway.count("SELECT count(*) FROM job WHERE lease_token IS NOT NULL"), 0);
        gateway.restart();
        with_status(&client, &id, "acknowledged").await;
        let ids = ids_received(&gateway);
        assert_eq!((ids.len(), &ids[0]), (2, &ids[1]));
        gateway.doctor();
    }

    async fn a_graceful_stop_waits_for_the_answer_of_a_delivery_in_flight(kit) {
        let mut gateway = kit.set_project("callback.timeout_seconds", 2).start();
        gateway.partner().script(CALLBACK, [Answer::Never]);
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        gateway.partner().wait_for(1, SOON).await;
        assert!(gateway.stop().success());
        assert_eq!(failures(&gateway, &id), ["timeout"]);
        assert_eq!(gateway.count("SELECT count(*) FROM job WHERE lease_token IS NOT NULL"), 0);
        gateway.doctor();
    }
}
