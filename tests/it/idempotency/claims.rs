//! The claim of a key: taken while its sending is in flight, freed by whatever ends it.

use std::{os::unix::process::ExitStatusExt, time::Duration};

use super::{KEY, count, file, is_replay, sent};
use crate::{
    both_engines,
    kit::{
        client::{Client, PDF, metadata},
        document,
        gateway::Gateway,
        pki::pki,
        raw::Raw,
        wait,
    },
};

const SOON: Duration = Duration::from_secs(30);
/// How many sendings meet under one key.
const CROWD: usize = 25;

/// A sending of the usual piece under the usual key whose last byte has not come yet, and that byte's part of it.
async fn half_sent(gateway: &Gateway, client: &Client) -> (Raw, Vec<u8>) {
    let metadata = metadata("D-1");
    let head = format!(
        "--b\r\ncontent-disposition: form-data; name=\"metadata\"\r\ncontent-type: application/json\r\n\r\n{metadata}\r\n\
         --b\r\ncontent-disposition: form-data; name=\"content\"; filename=\"x\"\r\ncontent-type: {PDF}\r\n\r\n"
    );
    let mut body = [head.as_bytes(), &file(), b"\r\n--b--\r\n"].concat();
    let token = client.token.as_deref().expect("it has one");
    let head = format!(
        "POST /v1/pieces HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nidempotency-key: {KEY}\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let rest = body.split_off(body.len() - 20);
    let mut raw = Raw::connect(gateway, Some(&pki().client)).await;
    raw.send(&[head.as_bytes(), &body].concat()).await.unwrap();
    wait::until("claim", SOON, || {
        (count(gateway, "idempotency_key") == 1).then_some(())
    });
    (raw, rest)
}

async fn eventually_accepted(client: &Client) {
    let answer = wait::eventually("free key", SOON, async || {
        let answer = sent(client).await;
        (answer.status != 409).then_some(answer)
    });
    assert_eq!(answer.await.status, 202);
}

both_engines! {
    async fn a_sending_whose_key_is_in_flight_is_told_to_come_back(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let (mut raw, rest) = half_sent(&gateway, &client).await;
        let refused = sent(&client).await;
        refused.is_problem(409, "request-in-flight");
        assert_eq!(refused.header("retry-after"), "1");
        raw.send(&rest).await.unwrap();
        let first = raw.answer("POST", "/v1/pieces").await.unwrap();
        assert_eq!(first.status, 202);
        is_replay(&first, &sent(&client).await);
    }

    /// A slow sender keeps its claim: it is renewed well beyond its first lease.
    async fn a_claim_lives_as_long_as_its_request(kit) {
        let gateway = kit.set("limits.idempotency_lease_seconds", 1).start();
        let client = gateway.client().await;
        let (mut raw, rest) = half_sent(&gateway, &client).await;
        let until = "SELECT until FROM idempotency_key";
        let first: u64 = gateway.count(until);
        wait::until("second lease", SOON, || (gateway.count(until) > first + 1_000_000).then_some(()));
        sent(&client).await.is_problem(409, "request-in-flight");
        raw.send(&rest).await.unwrap();
        assert_eq!(raw.answer("POST", "/v1/pieces").await.unwrap().status, 202);
    }

    async fn a_client_that_hangs_up_in_the_middle_frees_its_key(kit) {
        let gateway = kit.set("limits.idempotency_lease_seconds", 600).start();
        let client = gateway.client().await;
        let (raw, _) = half_sent(&gateway, &client).await;
        raw.close().await;
        eventually_accepted(&client).await;
    }

    /// What was refused can be mended and sent under the same key.
    async fn a_refusal_frees_its_key(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        client.push_under(KEY, &metadata("D-1"), Vec::new()).await.is_problem(422, "content-empty");
        let mut wrong = metadata("D-1");
        wrong["iteration"] = 0.into();
        client.push_under(KEY, &wrong, file()).await.is_problem(422, "out-of-range");
        assert_eq!(count(&gateway, "idempotency_key"), 0);
        assert_eq!(sent(&client).await.status, 202);
    }

    /// The process dies before its commit; the key is free when the lease ends, and the piece comes in once.
    async fn a_crash_frees_the_key_with_its_lease(kit) {
        let kit = kit.set("limits.idempotency_lease_seconds", 3);
        let mut gateway = kit.env("NAVETTE_FAILPOINT", "intake.before-commit").start();
        let client = gateway.client().await;
        assert!(client.try_push_under(KEY, &metadata("D-1"), file()).await.is_err());
        assert_eq!(gateway.ended().signal(), Some(9));
        gateway.restart_with(&[]);
        eventually_accepted(&client).await;
        assert_eq!(count(&gateway, "exchange"), 1);
        gateway.await_idle();
        gateway.doctor();
    }

    /// The process dies between its commit and its answer: the answer is given when the sender comes again.
    async fn an_answer_that_a_crash_kept_back_is_given_under_the_key(kit) {
        let mut gateway = kit.env("NAVETTE_FAILPOINT", "intake.after-commit").start();
        let client = gateway.client().await;
        assert!(client.try_push_under(KEY, &metadata("D-1"), file()).await.is_err());
        gateway.ended();
        gateway.restart_with(&[]);
        let again = sent(&client).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (202, "true"), "{again:?}");
        assert_eq!(again.json()["outcome"], "accepted");
        assert_eq!(count(&gateway, "exchange"), 1);
        gateway.await_idle();
        gateway.doctor();
    }

    /// One is the piece, and each of the others is that answer or is told to come back.
    async fn a_crowd_under_one_key_is_one_piece(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..CROWD {
            let client = client.clone();
            tasks.spawn(async move { sent(&client).await });
        }
        let answers = tasks.join_all().await;
        let fresh = |answer: &&crate::kit::client::Answer| answer.status == 202 && answer.header("idempotent-replayed").is_empty();
        assert_eq!(answers.iter().filter(fresh).count(), 1);
        assert!(answers.iter().all(|answer| matches!(answer.status, 202 | 409)), "{answers:?}");
        assert_eq!((count(&gateway, "exchange"), count(&gateway, "natural_key")), (1, 1));
    }

    /// Two keys for one piece at once: one is the piece, the other its duplicate, and both keep their answers.
    async fn one_piece_under_many_keys_at_once_is_one_piece(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..CROWD {
            let client = client.clone();
            tasks.spawn(async move {
                let key = format!("key-{number}");
                let first = client.push_under(&key, &metadata("D-1"), document::small("one")).await;
                let again = client.push_under(&key, &metadata("D-1"), document::small("one")).await;
                is_replay(&first, &again);
                first.status
            });
        }
        let statuses = tasks.join_all().await;
        assert_eq!(statuses.iter().filter(|status| **status == 202).count(), 1, "{statuses:?}");
        assert_eq!((count(&gateway, "exchange"), count(&gateway, "idempotency_key")), (1, CROWD as u64));
        gateway.await_idle();
        gateway.doctor();
    }
}
