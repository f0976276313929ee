//! The same return again, where a client or an operator asks for it; and what its deliveries came to.

use serde_json::{Value, json};

use super::{SOON, sent, with_status};
use crate::{
    both_engines,
    kit::{
        client::{Answer as Told, Client, finish},
        contract::Contract,
        gateway::{CALLBACK, Gateway, Kit, PROJECT},
        partner::Answer,
        wait,
    },
};

/// Long before every test.
const EVER: &str = "2020-01-01";

async fn ask_again(client: &Client, id: &str) -> Told {
    let path = format!("/v1/pieces/{id}/return/redeliveries");
    finish(client.request(reqwest::Method::POST, &path)).await
}

async fn deliveries(client: &Client, id: &str) -> Vec<Value> {
    let path = format!("/v1/pieces/{id}/return/deliveries");
    let told = client.get(&path).await.json();
    told["items"].as_array().unwrap().clone()
}

async fn kinds(client: &Client, id: &str) -> Vec<String> {
    let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
    let events = events["items"].as_array().unwrap().iter();
    events
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// A gateway whose partner has acknowledged one return.
async fn acknowledged(kit: Kit) -> (Gateway, Client, String) {
    let gateway = kit.start();
    let client = gateway.client().await;
    let id = sent(&client, "D-1").await;
    with_status(&client, &id, "acknowledged").await;
    (gateway, client, id)
}

/// A gateway that gave one return up after a single attempt.
async fn given_up(kit: Kit) -> (Gateway, Client, String) {
    let gateway = kit.set_project("callback.attempts", 1).start();
    gateway.partner().script(CALLBACK, [Answer::failure()]);
    let client = gateway.client().await;
    let id = sent(&client, "D-1").await;
    with_status(&client, &id, "undelivered").await;
    (gateway, client, id)
}

fn redeliver<'a>(options: &[&'a str]) -> Vec<&'a str> {
    let command = [
        "return",
        "redeliver",
        "--reason",
        "base restaurée",
        "--json",
    ];
    [&command[..], options].concat()
}

#[track_caller]
fn counted(gateway: &Gateway, options: &[&str]) -> u64 {
    let said = gateway.run(&redeliver(options)).succeeded();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        said["items"].as_array().unwrap().len() as u64,
        said["count"].as_u64().unwrap()
    );
    said["count"].as_u64().unwrap()
}

both_engines! {
    /// The same bytes under the same id, marked; the first proof and the status stay.
    async fn an_acknowledged_return_is_sent_again_where_its_sender_asks(kit) {
        let (gateway, client, id) = acknowledged(kit).await;
        let answer = ask_again(&client, &id).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let calls = gateway.partner().wait_for(2, SOON).await;
        assert_eq!((&calls[0].body, calls[0].header("webhook-id")), (&calls[1].body, calls[1].header("webhook-id")));
        assert_eq!(calls[0].header("navette-redelivery"), "");
        assert_eq!(calls[1].header("navette-redelivery"), answer.json()["redeliveryId"]);
        Contract::callback()
            .check_request("receiveReturn", Some(calls[1].header("content-type")), &calls[1].headers, &calls[1].body)
            .unwrap();
        gateway.await_idle();
        let piece = client.get(&format!("/v1/pieces/{id}")).await.json();
        assert_eq!((&piece["status"], &piece["return"]["state"]), (&json!("acknowledged"), &json!("delivered")));
        assert_eq!(gateway.count("SELECT count(*) FROM acknowledgment"), 1);
        assert_eq!(gateway.sql("SELECT state FROM redelivery"), "delivered");
        let all = kinds(&client, &id).await;
        assert_eq!(&all[4..], ["return.redelivery-requested", "return.acknowledged"], "{all:?}");
        gateway.doctor();
    }

    /// Why is the client's own text: kept sealed with the piece, and not by the journal. A reason that does not fit asks for
    /// nothing.
    async fn a_redelivery_by_the_api_may_say_why(kit) {
        let (gateway, client, id) = acknowledged(kit).await;
        let path = format!("/v1/pieces/{id}/return/redeliveries");
        let ask = async |query: &str| finish(client.request(reqwest::Method::POST, &format!("{path}{query}"))).await;
        for wrong in ["?reason=", "?reason=a%0Ab", "?reason=a&reason=b", "?why=a"] {
            ask(wrong).await.is_problem(400, "request-malformed");
        }
        assert_eq!(gateway.count("SELECT count(*) FROM redelivery"), 0);
        assert_eq!(ask("?reason=base%20restaur%C3%A9e").await.status, 202);
        let detail = gateway.sql("SELECT detail FROM journal WHERE kind = 'return.redelivery-requested'");
        let detail: Value = serde_json::from_str(&detail).unwrap();
        assert_eq!((&detail["reasonGiven"], &detail["reason"]), (&json!(true), &Value::Null), "{detail}");
        gateway.await_idle();
        assert_eq!(ask("").await.status, 202);
        gateway.await_idle();
        let shown = gateway.run(&["status", &id, "--local", "--json"]).succeeded();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let asked = shown["redeliveries"].as_array().unwrap().iter();
        let reasons: Vec<_> = asked.map(|asked| asked["reason"].clone()).collect();
        assert_eq!(reasons, [json!("base restaurée"), Value::Null], "{shown}");
        let kept = "SELECT count(*) FROM redelivery WHERE (reason IS NULL) = (key_id IS NULL)";
        assert_eq!(gateway.count(kept), 2);
    }

    /// Killed after the redelivery left and before that was recorded: it leaves again, under the same mark.
    async fn a_redelivery_outlives_the_death_of_its_process(kit) {
        let kit = kit.set("worker.lease_seconds", 2);
        let mut gateway = kit.env("NAVETTE_FAILPOINT", "deliver.after-send:2").start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "acknowledged").await;
        gateway.await_idle();
        let _ = client.request(reqwest::Method::POST, &format!("/v1/pieces/{id}/return/redeliveries")).send().await;
        gateway.ended();
        gateway.restart_with(&[]);
        let calls = gateway.partner().wait_for(3, SOON).await;
        assert_eq!(calls[1].header("navette-redelivery"), calls[2].header("navette-redelivery"));
        assert_eq!(calls[0].header("webhook-id"), calls[2].header("webhook-id"));
        gateway.await_idle();
        assert_eq!(gateway.sql("SELECT state FROM redelivery"), "delivered");
        gateway.doctor();
    }

    async fn a_return_can_be_asked_for_again_and_again(kit) {
        let (gateway, client, id) = acknowledged(kit).await;
        for time in 2..5 {
            assert_eq!(ask_again(&client, &id).await.status, 202);
            gateway.partner().wait_for(time, SOON).await;
            gateway.await_idle();
        }
        let marks: std::collections::BTreeSet<_> =
            gateway.partner().received().iter().map(|call| call.header("navette-redelivery").to_owned()).collect();
        assert_eq!(marks.len(), 4, "{marks:?}");
    }

    /// A redelivery that fails to its end leaves the return as acknowledged as it was.
    async fn a_failed_redelivery_takes_no_acknowledgment_back(kit) {
        let (gateway, client, id) = acknowledged(kit.set_project("callback.attempts", 1)).await;
        gateway.partner().script(CALLBACK, [Answer::failure()]);
        ask_again(&client, &id).await;
        gateway.partner().wait_for(2, SOON).await;
        gateway.await_idle();
        let piece = client.get(&format!("/v1/pieces/{id}")).await.json();
        assert_eq!((&piece["status"], &piece["return"]["state"]), (&json!("acknowledged"), &json!("delivered")));
        assert!(piece["return"]["acknowledgedAt"].is_string(), "{piece}");
        assert_eq!(gateway.sql("SELECT state FROM redelivery"), "undelivered");
        assert_eq!(gateway.sql("SELECT code FROM incident WHERE exchange_id IS NOT NULL"), "undelivered");
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        assert_eq!(ask_again(&client, &id).await.status, 202);
        gateway.partner().wait_for(3, SOON).await;
        gateway.doctor();
    }

    async fn a_return_that_was_given_up_is_delivered_when_it_is_asked_for(kit) {
        let (gateway, client, id) = given_up(kit).await;
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        assert_eq!(ask_again(&client, &id).await.status, 202);
        with_status(&client, &id, "acknowledged").await;
        gateway.await_idle();
        assert_eq!(gateway.count("SELECT count(*) FROM job"), 0, "the job that failed is gone");
        gateway.doctor();
    }

    async fn a_return_that_is_on_its_way_is_not_asked_for_twice(kit) {
        let gateway = kit.start();
        gateway.partner().script(CALLBACK, [Answer::failure()]);
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        gateway.partner().wait_for(1, SOON).await;
        ask_again(&client, &id).await.is_problem(409, "return-pending");
        gateway.run(&redeliver(&[&id])).failed_with(2);
        assert_eq!(gateway.count("SELECT count(*) FROM redelivery"), 0);
    }

    async fn a_piece_without_a_return_has_none_to_send_again(kit) {
        let gateway = kit.without_worker().start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        ask_again(&client, &id).await.is_problem(404, "not-found");
        assert!(deliveries(&client, &id).await.is_empty());
        gateway.run(&redeliver(&[&id])).failed_with(2);
    }

    /// All that a project has had since a date, acknowledged or given up, once each; the journal knows who and why.
    async fn an_operator_has_the_returns_of_a_project_sent_again(kit) {
        let gateway = kit.and_project("marche-voisin", "/voisin").start();
        let client = gateway.client().await;
        for number in 0..5 {
            let id = sent(&client, &format!("D-{number}")).await;
            with_status(&client, &id, "acknowledged").await;
        }
        let since = ["--since", EVER, "--project"];
        assert_eq!(counted(&gateway, &[&since[..], &["marche-voisin"]].concat()), 0);
        assert_eq!(counted(&gateway, &[&since[..], &[PROJECT, "--dry-run"]].concat()), 5);
        assert_eq!(counted(&gateway, &["--since", "2100-01-01", "--project", PROJECT]), 0);
        assert_eq!(counted(&gateway, &[&since[..], &[PROJECT, "--until", EVER]].concat()), 0);
        assert_eq!(counted(&gateway, &[&since[..], &[PROJECT, "--state", "undelivered"]].concat()), 0);
        assert_eq!(gateway.partner().count(), 5);
        assert_eq!(counted(&gateway, &[&since[..], &[PROJECT]].concat()), 5);
        let calls = gateway.partner().wait_for(10, SOON).await;
        let marked: std::collections::BTreeSet<_> =
            calls[5..].iter().map(|call| (call.header("webhook-id"), call.header("navette-redelivery").is_empty())).collect();
        assert_eq!(marked.iter().filter(|(_, bare)| !bare).count(), 5, "{marked:?}");
        let detail = gateway.sql("SELECT detail FROM journal WHERE kind = 'return.redelivery-requested' LIMIT 1");
        assert!(detail.contains("base restaurée") && detail.contains("requestedBy"), "{detail}");
        gateway.await_idle();
        gateway.doctor();
    }

    async fn a_redelivery_by_command_needs_a_reason_and_a_known_project(kit) {
        let gateway = kit.start();
        let bare = ["return", "redeliver", "--since", EVER, "--project", PROJECT];
        gateway.run(&bare).failed_with(2);
        gateway.run(&[&bare[..], &["--reason", " "]].concat()).failed_with(2);
        gateway.run(&redeliver(&["--since", EVER, "--project", "ailleurs"])).failed_with(2);
        gateway.run(&redeliver(&["--since", EVER])).failed_with(2);
        gateway.run(&redeliver(&["--since", "hier", "--project", PROJECT])).failed_with(2);
    }

    /// Date, code, duration, first bytes of the answer; the bytes are sealed.
    async fn the_history_of_deliveries_tells_what_every_attempt_came_to(kit) {
        let gateway = kit.set_project("callback.over_seconds", 1).start();
        let long = format!("Maintenance en cours {}", "x".repeat(2000));
        gateway.partner().script(CALLBACK, [Answer::Reply(503, long.clone()), Answer::Reply(200, "merci".to_owned())]);
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "acknowledged").await;
        let told = deliveries(&client, &id).await;
        let of = |name: &str| told.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
        assert_eq!(of("httpStatus"), [json!(503), json!(200)]);
        assert_eq!(of("failure"), [json!("status-503"), Value::Null]);
        assert_eq!(of("answer"), [json!(&long[..512]), json!("merci")]);
        assert_eq!(of("redeliveryId"), [Value::Null, Value::Null]);
        assert!(told.iter().all(|one| one["durationMs"].is_u64() && one["at"].is_string()), "{told:?}");
        let sealed = gateway.sql("SELECT answer FROM delivery_attempt ORDER BY id LIMIT 1");
        assert!(!sealed.contains(&data_encoding::HEXLOWER.encode(b"Maintenance")), "{sealed}");
        let local = gateway.run(&["status", &id, "--local"]).succeeded();
        assert!(local.contains("Maintenance en cours") && local.contains("503"), "{local}");
    }

    async fn a_partner_that_is_gone_opens_an_incident_that_its_answer_resolves(kit) {
        let gateway = kit.start();
        gateway.partner().script(CALLBACK, [Answer::gone()]);
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "undelivered").await;
        let incidents = "SELECT code, state FROM incident ORDER BY code";
        assert_eq!(gateway.sql(incidents), "partner-gone|open\nundelivered|open");
        assert_eq!(gateway.partner().count(), 1);
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        ask_again(&client, &id).await;
        with_status(&client, &id, "acknowledged").await;
        assert_eq!(gateway.sql(incidents), "partner-gone|resolved\nundelivered|resolved");
    }

    async fn a_target_inside_the_network_opens_an_incident(kit) {
        let kit = kit.set_project("callback.allow", "[]").set_project("callback.attempts", 1);
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "undelivered").await;
        wait::until("incident", SOON, || {
            gateway.sql("SELECT code FROM incident").contains("target-refused").then_some(())
        });
        assert_eq!(gateway.partner().count(), 0);
        assert_eq!(deliveries(&client, &id).await[0]["failure"], "address-refused");
    }
}
