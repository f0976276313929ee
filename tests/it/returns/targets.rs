//! Targets that answer badly once, and well afterwards: the return comes again under the same id, and is acknowledged.

use std::time::Duration;

use super::{SOON, failures, sent, with_status};
use crate::{
    both_engines,
    kit::{
        gateway::{CALLBACK, Gateway, Kit},
        partner::{Answer, Received},
        wait,
    },
};

/// Answers `first` to the first call and acknowledges the second; what came, and the failures recorded.
async fn after(kit: Kit, first: Answer) -> (Gateway, Vec<Received>, Vec<String>) {
    let gateway = kit.set_project("callback.over_seconds", 30).start();
    gateway
        .partner()
        .script(CALLBACK, [first, Answer::Acknowledge]);
    let client = gateway.client().await;
    let id = sent(&client, "D-1").await;
    with_status(&client, &id, "acknowledged").await;
    let (calls, failures) = (gateway.partner().received(), failures(&gateway, &id));
    (gateway, calls, failures)
}

fn ids(calls: &[Received]) -> Vec<&str> {
    calls.iter().map(|call| call.header("webhook-id")).collect()
}

both_engines! {
    async fn a_target_that_is_too_slow_gets_the_return_again(kit) {
        let (_gateway, calls, failures) = after(kit.set_project("callback.timeout_seconds", 1), Answer::Never).await;
        // A busy machine may be slow itself, so more than one attempt may end so.
        assert_eq!((&*failures[0], failures.last().map(|last| &**last)), ("timeout", Some("none")));
        assert_eq!(ids(&calls)[0], ids(&calls)[1]);
    }

    async fn a_target_that_fails_once_gets_the_return_again(kit) {
        let (_gateway, calls, failures) = after(kit, Answer::failure()).await;
        assert_eq!(failures, ["status-500", "none"]);
        assert_eq!(ids(&calls)[0], ids(&calls)[1]);
    }

    async fn a_retried_return_is_the_same_bytes_with_a_signature_of_its_own_time(kit) {
        let (_gateway, calls, _) = after(kit, Answer::TryLater("1".to_owned())).await;
        assert_eq!(calls[0].body, calls[1].body);
        assert_ne!(calls[0].header("webhook-signature"), calls[1].header("webhook-signature"));
    }

    async fn a_redirection_is_a_failure_and_is_not_followed(kit) {
        let elsewhere = kit.partner.url("/ailleurs");
        let (_gateway, calls, failures) = after(kit, Answer::Redirect(elsewhere)).await;
        assert_eq!(failures, ["redirect", "none"]);
        assert!(calls.iter().all(|call| call.path == CALLBACK), "{calls:?}");
    }

    async fn an_answer_that_names_another_return_is_no_acknowledgment(kit) {
        let other = Answer::AcknowledgeAs("019a1ffe-0542-7a41-9c3e-5b0f2a7d6e10".to_owned());
        let (gateway, calls, failures) = after(kit, other).await;
        assert_eq!(failures, ["other-return", "none"]);
        assert_eq!(calls.len(), 2);
        assert_eq!(gateway.count("SELECT count(*) FROM acknowledgment"), 1);
    }

    /// What a partner writes there is no reason to have his answer again: the acknowledgment counts, without its id.
    async fn an_acknowledgment_whose_id_holds_a_nul_counts_without_it(kit) {
        let answer = Answer::Reply(200, r#"{"acknowledgmentId":"a\u0000b"}"#.to_owned());
        let (gateway, calls, failures) = after(kit, answer).await;
        assert_eq!((calls.len(), failures), (1, vec!["none".to_owned()]));
        assert_eq!(gateway.count("SELECT count(*) FROM acknowledgment WHERE partner_reference IS NULL"), 1);
    }

    /// Whatever it is that the database refuses of an answer: the return is sent again later and later, not at once; it is an
    /// incident, until its answer can be kept.
    async fn a_return_whose_answer_cannot_be_kept_is_sent_again_later_and_later(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        gateway.sql("ALTER TABLE acknowledgment RENAME TO elsewhere; SELECT 1");
        sent(&client, "D-1").await;
        let calls = gateway.partner().wait_for(4, SOON).await;
        for (doublings, pair) in calls.windows(2).enumerate() {
            let pause = pair[1].at - pair[0].at;
            assert!(pause >= Duration::from_millis(900 << doublings), "{pause:?} after call {doublings}");
        }
        let incident = |state: &str| {
            let asked = format!("SELECT count(*) FROM incident WHERE code = 'processing-failed' AND state = '{state}'");
            wait::until(&format!("{state} incident"), SOON, || (gateway.count(&asked) == 1).then_some(()));
        };
        incident("open");
        gateway.sql("ALTER TABLE elsewhere RENAME TO acknowledgment; SELECT 1");
        gateway.sql("UPDATE job SET run_at = created_at WHERE kind = 'deliver'; SELECT 1");
        incident("resolved");
        gateway.await_idle();
        assert_eq!(gateway.count("SELECT count(*) FROM acknowledgment"), 1);
        gateway.doctor();
    }

    async fn the_pause_that_a_429_asks_for_is_kept(kit) {
        let (_gateway, calls, failures) = after(kit, Answer::TryLater("2".to_owned())).await;
        assert_eq!(failures, ["status-429", "none"]);
        assert!(calls[1].at - calls[0].at >= Duration::from_secs(2), "{calls:?}");
    }

    async fn the_pause_that_a_503_asks_for_is_kept(kit) {
        let (_gateway, calls, failures) = after(kit, Answer::Busy("2".to_owned())).await;
        assert_eq!(failures, ["status-503", "none"]);
        assert!(calls[1].at - calls[0].at >= Duration::from_secs(2), "{calls:?}");
    }

    async fn an_answer_of_a_gigabyte_is_an_acknowledgment_and_costs_no_memory(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let before = peak_kib(&gateway);
        gateway.partner().script(CALLBACK, [Answer::Huge(1 << 30)]);
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "acknowledged").await;
        let grown = peak_kib(&gateway) - before;
        assert!(grown < 32 * 1024, "{grown} KiB");
    }

    async fn a_target_that_is_not_there_is_tried_again_until_it_is(kit) {
        let late = crate::kit::ports::free();
        let url = format!("\"https://localhost:{late}/retours\"");
        let kit = kit.set_project("callback.url", url).set_project("callback.over_seconds", 1);
        let gateway = kit.set_project("callback.attempts", 100).start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        wait::until("failed attempt", SOON, || (!failures(&gateway, &id).is_empty()).then_some(()));
        assert_eq!(failures(&gateway, &id)[0], "connection-failed");
    }
}

/// The most memory that the gateway has ever held.
fn peak_kib(gateway: &Gateway) -> u64 {
    let path = format!("/proc/{}/status", gateway.pid().as_raw_nonzero());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
