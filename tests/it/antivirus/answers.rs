//! Whatever is not the exact clean answer is no verdict: the piece waits, and is never passed on.

use super::{SOON, incidents, sent, with_status};
use crate::{
    both_engines,
    kit::{
        clamd::{Clamd, Impostor},
        client::metadata,
        document,
        gateway::{Engine, Kit},
        wait,
    },
};

/// The reason of a piece's wait, as the journal has it.
async fn waits_for(kit: Kit, answer: Option<&[u8]>) -> String {
    let impostor = Impostor::start(answer);
    let gateway = impostor.looking(kit).start();
    let client = gateway.client().await;
    let id = sent(&client, "D-1", "x").await;
    with_status(&client, &id, "awaiting-scan").await;
    assert_eq!(incidents(&gateway, "scan-unavailable", "open"), 1);
    assert_eq!(gateway.partner().count(), 0);
    let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
    let events = events["items"].as_array().unwrap().iter();
    let mut waits = events.filter(|event| event["kind"] == "piece.awaits-scan");
    let reason = waits.next().unwrap()["detail"]["reason"]
        .as_str()
        .unwrap()
        .to_owned();
    impostor.answer(b"stream: OK\0");
    with_status(&client, &id, "acknowledged").await;
    assert_eq!(incidents(&gateway, "scan-unavailable", "resolved"), 1);
    reason
}

both_engines! {
    async fn an_antivirus_that_does_not_answer_in_time_gives_no_verdict(kit) {
        assert_eq!(waits_for(kit, None).await, "antivirus-timeout");
    }

    async fn an_answer_without_its_end_is_no_verdict(kit) {
        assert_eq!(waits_for(kit, Some(b"stream: OK")).await, "antivirus-cut");
    }

    async fn a_connection_that_ends_without_an_answer_is_no_verdict(kit) {
        assert_eq!(waits_for(kit, Some(b"")).await, "antivirus-cut");
    }

    async fn an_answer_that_is_almost_the_clean_one_is_no_verdict(kit) {
        assert_eq!(waits_for(kit, Some(b"stream: OK \0")).await, "antivirus-answer");
    }

    async fn an_error_of_the_antivirus_is_no_verdict(kit) {
        assert_eq!(waits_for(kit, Some(b"stream: Can't allocate memory ERROR\0")).await, "antivirus-answer");
    }

    async fn an_antivirus_that_lacks_the_time_gives_no_verdict(kit) {
        let said = b"stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND\0";
        assert_eq!(waits_for(kit, Some(said)).await, "antivirus-timeout");
    }

    /// An antivirus in trouble is one cause for all pieces that meet it; one that is over its limits has a cause of its own.
    async fn errors_of_the_antivirus_are_one_incident_for_all_pieces(kit) {
        let impostor = Impostor::start(Some(b"stream: Can't open file or directory ERROR\0"));
        let gateway = impostor.looking(kit).start();
        let client = gateway.client().await;
        let ids = [sent(&client, "D-1", "x").await, sent(&client, "D-2", "y").await];
        for id in &ids {
            with_status(&client, id, "awaiting-scan").await;
        }
        let of_a_piece = "SELECT count(*) FROM incident WHERE exchange_id IS NOT NULL";
        assert_eq!((incidents(&gateway, "scan-unavailable", "open"), gateway.count(of_a_piece)), (1, 0));
        impostor.answer(b"stream: OK\0");
        for id in &ids {
            with_status(&client, id, "acknowledged").await;
        }
        assert_eq!(incidents(&gateway, "scan-unavailable", "resolved"), 1);
    }
}

/// A real clamd with these limits, and a content above them; the reason of the wait, and that it ends once they are raised.
async fn over_limits(limits: &str) {
    let mut clamd = Clamd::absent();
    clamd.appear_with(limits);
    let gateway = clamd.looking(Kit::new(Engine::Sqlite)).start();
    let client = gateway.client().await;
    let long = document::pdf("long", 3_000_000);
    let answer = client.push(&metadata("D-1"), long).await;
    let id = answer.reconciliation_id();
    with_status(&client, &id, "awaiting-scan").await;
    let small = sent(&client, "D-2", "x").await;
    with_status(&client, &small, "acknowledged").await;
    // The small one's verdict says nothing of the long one.
    assert_eq!(incidents(&gateway, "scan-unavailable", "open"), 1);
    clamd.vanish();
    clamd.appear();
    with_status(&client, &id, "acknowledged").await;
    assert_eq!(incidents(&gateway, "scan-unavailable", "open"), 0);
}

both_engines! {
    /// Two pieces wait for a clamd that is away. When it is back it clears the short one, and with it the absence that both
    /// have told; the long one goes on waiting, for a reason of its own, and tells that.
    async fn a_content_above_the_limits_is_told_though_it_waited_for_an_absent_antivirus_first(kit) {
        let mut clamd = Clamd::start();
        let gateway = clamd.looking(kit).start();
        let client = gateway.client().await;
        clamd.vanish();
        let long = document::pdf("long", 3_000_000);
        let long = client.push(&metadata("D-1"), long).await.reconciliation_id();
        let short = sent(&client, "D-2", "x").await;
        for id in [&long, &short] {
            with_status(&client, id, "awaiting-scan").await;
        }
        assert_eq!(incidents(&gateway, "scan-unavailable", "open"), 1);
        clamd.appear_with("StreamMaxLength 1M\nMaxFileSize 25M\nMaxScanSize 100M\n");
        with_status(&client, &short, "acknowledged").await;
        wait::until("incident of the long one", SOON, || {
            let own = "SELECT count(*) FROM incident WHERE code = 'scan-unavailable' AND state = 'open' AND exchange_id IS NOT NULL";
            (gateway.count(own) == 1).then_some(())
        });
        wait::until("end of the common one", SOON, || (incidents(&gateway, "scan-unavailable", "resolved") == 1).then_some(()));
        clamd.vanish();
        clamd.appear();
        with_status(&client, &long, "acknowledged").await;
        assert_eq!(incidents(&gateway, "scan-unavailable", "open"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_content_above_the_length_of_a_stream_waits_until_it_is_raised() {
    over_limits("StreamMaxLength 1M\nMaxFileSize 25M\nMaxScanSize 100M\n").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_content_of_which_not_all_is_looked_at_waits_until_all_is() {
    over_limits("StreamMaxLength 25M\nMaxFileSize 1M\nMaxScanSize 100M\n").await;
}
