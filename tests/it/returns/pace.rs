//! A partner that fails again and again: probed one return at a time, later and later, until it answers.

use std::{collections::BTreeSet, time::Duration};

use super::{SOON, failures, sent, with_status};
use crate::{
    both_engines,
    kit::{
        client::Client,
        gateway::{CALLBACK, Gateway, Kit, PROJECT, REASON},
        partner::Answer,
        wait,
    },
};

/// One delivery at a time, so that failures come one after another.
fn slow_after(kit: Kit, failures: u32, probe_seconds: u32) -> Kit {
    kit.set("worker.deliveries_per_project", 1)
        .set_project("callback.slow_after", failures)
        .set_project("callback.probe_seconds", probe_seconds)
}

/// Two returns to a partner that fails, both given up at the end of their span: one tried, one only held.
async fn given_up(kit: Kit) -> (Gateway, Client, [String; 2]) {
    let kit = slow_after(kit, 1, 600).set_project("callback.attempts", 2);
    let gateway = kit.set_project("callback.over_seconds", 2).start();
    gateway.partner().script(CALLBACK, [Answer::failure()]);
    let client = gateway.client().await;
    let ids = [sent(&client, "D-1").await, sent(&client, "D-2").await];
    for id in &ids {
        with_status(&client, id, "undelivered").await;
    }
    (gateway, client, ids)
}

fn targets(gateway: &Gateway) -> u64 {
    gateway.count("SELECT count(*) FROM callback_target")
}

/// How many deliveries found their partner held, as the metrics tell.
fn held(gateway: &Gateway) -> u64 {
    let (_, text) = gateway.health("/metrics").expect("it runs");
    let mut lines = text
        .lines()
        .filter(|line| line.starts_with("navette_deliveries_total{outcome=\"held\"}"));
    let value = lines.next().and_then(|line| line.rsplit(' ').next());
    value.map_or(0, |value| value.parse().expect("a whole number"))
}

fn incident(gateway: &Gateway, code: &str) -> String {
    gateway.sql(&format!("SELECT state FROM incident WHERE code = '{code}'"))
}

/// Two returns to a partner who says that his address is gone: one tried, the other waiting.
async fn gone(gateway: &Gateway) -> (Client, [String; 2]) {
    gateway.partner().script(CALLBACK, [Answer::gone()]);
    let client = gateway.client().await;
    let tried = sent(&client, "D-1").await;
    with_status(&client, &tried, "undelivered").await;
    let waiting = sent(&client, "D-2").await;
    held_by_him(gateway, 1);
    (client, [tried, waiting])
}

/// Waits until so many returns wait without an attempt.
fn held_by_him(gateway: &Gateway, returns: u64) {
    let waiting =
        "SELECT count(*) FROM job WHERE state = 'queued' AND last_fault = 'partner-failing'";
    wait::until("waiting returns", SOON, || {
        (gateway.count(waiting) == returns).then_some(())
    });
}

both_engines! {
    /// Ten returns wait, three calls fail; then single calls after one second, two, four. Its answer lets all of them go.
    async fn a_failing_partner_is_probed_later_and_later_until_it_answers(kit) {
        let gateway = slow_after(kit, 3, 1).start();
        gateway.partner().script(CALLBACK, [Answer::failure()]);
        let client = gateway.client().await;
        let mut ids = Vec::new();
        for number in 0..10 {
            ids.push(sent(&client, &format!("D-{number}")).await);
        }
        let calls = gateway.partner().wait_for(5, SOON).await;
        assert!(calls[3].at - calls[2].at >= Duration::from_millis(900), "{:?}", calls[3].at - calls[2].at);
        assert!(calls[4].at - calls[3].at >= Duration::from_millis(1900), "{:?}", calls[4].at - calls[3].at);
        assert_eq!((targets(&gateway), incident(&gateway, "partner-failing")), (1, "open".to_owned()));
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        for id in &ids {
            with_status(&client, id, "acknowledged").await;
        }
        let returns: BTreeSet<_> = gateway.partner().received().iter().map(|call| call.header("webhook-id").to_owned()).collect();
        assert_eq!(returns.len(), 10);
        assert_eq!((targets(&gateway), incident(&gateway, "partner-failing")), (0, "resolved".to_owned()));
        gateway.await_idle();
        gateway.doctor();
    }

    /// However long he lets a probe wait: two seconds of silence, then the two of the pause.
    async fn the_pause_before_a_probe_begins_when_the_one_before_has_ended(kit) {
        let gateway = slow_after(kit, 1, 1).set_project("callback.timeout_seconds", 2).start();
        gateway.partner().script(CALLBACK, [Answer::Never]);
        let client = gateway.client().await;
        for number in 0..3 {
            sent(&client, &format!("D-{number}")).await;
        }
        let calls = gateway.partner().wait_for(3, SOON).await;
        assert!(calls[2].at - calls[1].at >= Duration::from_millis(3900), "{:?}", calls[2].at - calls[1].at);
    }

    /// Those that wait make no attempt, and tell when they are tried next.
    async fn a_return_that_waits_for_a_probe_makes_no_attempt(kit) {
        let gateway = slow_after(kit, 1, 600).start();
        gateway.partner().script(CALLBACK, [Answer::failure()]);
        let client = gateway.client().await;
        let first = sent(&client, "D-1").await;
        wait::until("failing partner", SOON, || (targets(&gateway) == 1).then_some(()));
        let second = sent(&client, "D-2").await;
        let waiting = "SELECT count(*) FROM job WHERE last_fault = 'partner-failing'";
        wait::until("waiting return", SOON, || (gateway.count(waiting) == 1).then_some(()));
        assert_eq!((failures(&gateway, &first).len(), failures(&gateway, &second).len()), (1, 0));
        let shown = client.get(&format!("/v1/pieces/{second}")).await.json();
        let next: jiff::Timestamp = shown["return"]["nextAttemptAt"].as_str().unwrap().parse().unwrap();
        assert!(next.duration_since(navette::kernel::clock::Clock::system().now()).as_secs() > 500, "{shown}");
        assert_eq!((&shown["status"], &shown["return"]["attempts"]), (&"returned".into(), &0.into()));
        assert_eq!(gateway.partner().count(), 1);
        gateway.doctor();
    }

    /// One of them finds out for all: the others do not take a lease each, every time, beside the healthy partners'.
    async fn returns_that_wait_for_a_probe_are_held_together(kit) {
        let gateway = slow_after(kit, 1, 600).start();
        gateway.partner().script(CALLBACK, [Answer::failure()]);
        let client = gateway.client().await;
        for number in 0..30 {
            sent(&client, &format!("D-{number}")).await;
        }
        let waiting = "SELECT count(*) FROM job WHERE kind = 'deliver' AND lease_token IS NULL AND attempts > 0";
        wait::until("waiting returns", SOON, || (gateway.count(waiting) >= 1).then_some(()));
        gateway.sql("UPDATE job SET run_at = created_at WHERE kind = 'deliver'; SELECT 1");
        let made = "SELECT count(*) FROM exchange_return";
        wait::until("returns", SOON, || (gateway.count(made) == 30).then_some(()));
        let due = "SELECT count(*) FROM job WHERE run_at <= created_at + 60000000";
        wait::until("held returns", SOON, || (gateway.count(due) == 0).then_some(()));
        let before = held(&gateway);
        gateway.sql("UPDATE job SET run_at = created_at; SELECT 1");
        wait::until("held returns", SOON, || (gateway.count(due) == 0).then_some(()));
        let leases = held(&gateway) - before;
        assert!((1..10).contains(&leases), "{leases} leases to hold 30 returns");
        let shown = client.get("/v1/pieces?limit=200").await.json();
        let next = shown["items"].as_array().unwrap().iter().filter(|piece| piece["return"]["nextAttemptAt"].is_string());
        assert_eq!(next.count(), 30, "{shown}");
    }

    /// The pause that he asks for is his, whatever return it was that he refused.
    async fn a_partner_that_asks_for_a_pause_has_it_from_all_returns(kit) {
        let gateway = slow_after(kit, 10, 600).start();
        gateway.partner().script(CALLBACK, [Answer::TryLater("3".to_owned()), Answer::Acknowledge]);
        let client = gateway.client().await;
        let first = sent(&client, "D-1").await;
        wait::until("pause", SOON, || (targets(&gateway) == 1).then_some(()));
        let second = sent(&client, "D-2").await;
        for id in [&first, &second] {
            with_status(&client, id, "acknowledged").await;
        }
        let calls = gateway.partner().received();
        assert_eq!(calls.len(), 3);
        assert!(calls[1].at - calls[0].at >= Duration::from_secs(3), "{:?}", calls[1].at - calls[0].at);
        assert_eq!((targets(&gateway), incident(&gateway, "partner-failing")), (0, String::new()));
    }

    /// His wish goes no further than the time that the project has for its deliveries.
    async fn a_pause_longer_than_the_span_ends_with_the_span(kit) {
        let gateway = kit.set_project("callback.over_seconds", 3).start();
        gateway.partner().script(CALLBACK, [Answer::TryLater("600".to_owned())]);
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "undelivered").await;
        assert_eq!(failures(&gateway, &id), ["status-429", "status-429"], "the last attempt is made at the span's end");
        gateway.doctor();
    }

    /// Whoever refuses a piece for its own sake is there: the others are sent as ever.
    async fn a_refusal_of_single_pieces_slows_nothing_down(kit) {
        let gateway = slow_after(kit, 2, 600).start();
        gateway.partner().script(CALLBACK, [Answer::Reply(422, "refus".to_owned())]);
        let client = gateway.client().await;
        for number in 0..5 {
            sent(&client, &format!("D-{number}")).await;
        }
        gateway.partner().wait_for(5, SOON).await;
        assert_eq!(targets(&gateway), 0);
    }

    /// None waits for ever: at the end of its span it is undelivered, attempted or not; and is sent again on demand.
    async fn a_return_that_waits_longer_than_its_span_is_given_up(kit) {
        let (gateway, client, ids) = given_up(kit).await;
        assert_eq!(gateway.partner().count(), 1);
        let undelivered = |state: &str| {
            gateway.count(&format!("SELECT count(*) FROM incident WHERE code = 'undelivered' AND state = '{state}'"))
        };
        assert_eq!(undelivered("open"), 2);
        gateway.doctor();
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        let command = ["return", "redeliver", "--since", "2020-01-01", "--project", PROJECT, "--reason", "panne close"];
        gateway.run(&command).succeeded();
        for id in &ids {
            with_status(&client, id, "acknowledged").await;
        }
        gateway.await_idle();
        assert_eq!(undelivered("resolved"), 2);
        gateway.doctor();
    }

    /// The same where its job is tried again: what was given up without an attempt has an incident all the same.
    async fn a_return_that_was_given_up_without_an_attempt_has_no_incident_once_it_is_delivered(kit) {
        let (gateway, client, ids) = given_up(kit).await;
        assert_eq!(gateway.count("SELECT count(*) FROM exchange_return WHERE attempts = 0"), 1);
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        gateway.run(&["job", "retry", "--all-failed", "--reason", REASON]).succeeded();
        for id in &ids {
            with_status(&client, id, "acknowledged").await;
        }
        gateway.await_idle();
        assert_eq!(gateway.count("SELECT count(*) FROM incident WHERE state <> 'resolved'"), 0);
    }

    /// Once he has said that his address is gone it is not called for any other return, until an operator asks for one and it answers.
    async fn an_address_that_is_gone_is_called_no_more_until_an_operator_asks_for_a_return(kit) {
        let gateway = kit.start();
        let (client, [tried, waiting]) = gone(&gateway).await;
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        assert_eq!((gateway.partner().count(), failures(&gateway, &waiting).len()), (1, 0));
        gateway.run(&["return", "redeliver", &tried, "--reason", REASON]).succeeded();
        for id in [&tried, &waiting] {
            with_status(&client, id, "acknowledged").await;
        }
        assert_eq!((targets(&gateway), incident(&gateway, "partner-gone")), (0, "resolved".to_owned()));
        gateway.await_idle();
        gateway.doctor();
    }

    /// Where he is still gone when he is asked again, the others still wait.
    async fn an_address_that_is_still_gone_is_called_for_the_one_return_that_was_asked_for(kit) {
        let gateway = kit.start();
        let (client, [tried, waiting]) = gone(&gateway).await;
        gateway.run(&["return", "redeliver", &tried, "--reason", REASON]).succeeded();
        with_status(&client, &tried, "undelivered").await;
        gateway.partner().wait_for(2, SOON).await;
        sent(&client, "D-3").await;
        held_by_him(&gateway, 2);
        assert_eq!((gateway.partner().count(), failures(&gateway, &waiting).len()), (2, 0));
        assert_eq!(incident(&gateway, "partner-gone"), "open");
    }

    /// Another address in the settings is called like any other, and its first answer has what waits go there.
    async fn another_address_than_the_one_that_is_gone_is_called(kit) {
        let mut gateway = kit.start();
        let (client, [_, waiting]) = gone(&gateway).await;
        assert!(gateway.stop().success());
        let file = gateway.dir().join(format!("projects/{PROJECT}.toml"));
        let settings = std::fs::read_to_string(&file).unwrap();
        let moved = settings.replace(CALLBACK, "/ailleurs");
        assert_ne!(settings, moved);
        std::fs::write(&file, moved).unwrap();
        gateway.restart();
        let later = sent(&client, "D-3").await;
        for id in [&waiting, &later] {
            with_status(&client, id, "acknowledged").await;
        }
        let calls = gateway.partner().received();
        let paths: Vec<_> = calls.iter().map(|call| call.path.as_str()).collect();
        assert_eq!(paths, [CALLBACK, "/ailleurs", "/ailleurs"]);
        assert_eq!((targets(&gateway), incident(&gateway, "partner-gone")), (0, "resolved".to_owned()));
    }

    /// An operator's retry does not wait for the next probe: it is one.
    async fn a_retried_return_probes_at_once(kit) {
        let kit = slow_after(kit, 1, 600).set_project("callback.attempts", 1);
        let gateway = kit.start();
        gateway.partner().script(CALLBACK, [Answer::failure()]);
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "undelivered").await;
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        gateway.run(&["job", "retry", "--all-failed", "--reason", REASON]).succeeded();
        with_status(&client, &id, "acknowledged").await;
        assert_eq!(targets(&gateway), 0);
    }
}
