//! Deliveries that were given up, and their revival by an operator.

use serde_json::Value;

use super::{SOON, sent, wait_for_status};
use crate::{
    both_engines,
    kit::{
        gateway::{CALLBACK, Gateway, Kit, REASON},
        partner::Answer,
    },
};

/// A gateway that gives a return up after two attempts within a second, and one such return; the piece's id.
async fn undelivered(kit: Kit) -> (Gateway, crate::kit::client::Client, String) {
    let kit = kit
        .set_project("callback.attempts", 2)
        .set_project("callback.over_seconds", 1);
    kit.partner.script(CALLBACK, [Answer::failure()]);
    let gateway = kit.start();
    let client = gateway.client().await;
    let id = sent(&client, "D-1").await;
    wait_for_status(&gateway, "undelivered", 1);
    (gateway, client, id)
}

#[track_caller]
fn failed_jobs(gateway: &Gateway) -> Vec<Value> {
    let said = gateway.run(&["job", "list", "--state", "failed", "--json"]);
    serde_json::from_str(&said.succeeded()).expect("JSON was asked for")
}

both_engines! {
    /// A revived delivery has its whole schedule again, goes out under the same return id, and is kept in the journal.
    async fn a_given_up_return_is_delivered_after_its_retry(kit) {
        let (gateway, client, id) = undelivered(kit).await;
        let jobs = failed_jobs(&gateway);
        assert_eq!(jobs[0]["reconciliationId"], id.as_str(), "{jobs:?}");
        let before = gateway.partner().count();
        gateway.partner().script(CALLBACK, [Answer::failure(), Answer::Acknowledge]);
        let job = jobs[0]["jobId"].as_str().unwrap();
        gateway.run(&["job", "retry", job, "--reason", "panne close"]).succeeded();
        wait_for_status(&gateway, "acknowledged", 1);
        let calls = gateway.partner().received();
        assert_eq!(calls.len(), before + 2);
        assert!(calls.iter().all(|call| call.header("webhook-id") == calls[0].header("webhook-id")));
        let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
        let retried = events["items"].as_array().unwrap().iter().find(|event| event["kind"] == "job.retried");
        let detail = &retried.expect("the journal knows it")["detail"];
        assert_eq!(detail["reason"], "panne close");
        assert!(detail["operator"].is_string(), "{detail}");
        gateway.doctor();
    }

    /// All that was given up is revived at once, for one project where it is named.
    async fn all_given_up_jobs_of_a_project_are_retried(kit) {
        let (gateway, _, _) = undelivered(kit).await;
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        let none = gateway.run(&["job", "retry", "--all-failed", "--project", "autre", "--reason", REASON]).succeeded();
        assert_eq!(none.trim(), "no job was given up");
        gateway.run(&["job", "retry", "--all-failed", "--reason", REASON]).succeeded();
        wait_for_status(&gateway, "acknowledged", 1);
        assert!(failed_jobs(&gateway).is_empty());
    }

    /// A revived delivery that fails again is given up again.
    async fn a_retried_return_may_be_given_up_again(kit) {
        let (gateway, _, _) = undelivered(kit).await;
        let before = gateway.partner().count();
        gateway.run(&["job", "retry", "--all-failed", "--reason", REASON]).succeeded();
        gateway.partner().wait_for(before + 2, SOON).await;
        wait_for_status(&gateway, "undelivered", 1);
        assert_eq!(gateway.partner().count(), before + 2);
        gateway.doctor();
    }

    /// Only what was given up can be retried, and an unknown job is told.
    async fn a_job_that_was_not_given_up_is_not_retried(kit) {
        let gateway = kit.without_worker().start();
        let client = gateway.client().await;
        sent(&client, "D-1").await;
        let said = gateway.run(&["job", "list", "--json"]).succeeded();
        let jobs: Value = serde_json::from_str(&said).unwrap();
        let job = jobs[0]["jobId"].as_str().unwrap();
        let said = gateway.run(&["job", "retry", job, "--reason", REASON]).failed_with(2);
        assert!(said.contains("not given up"), "{said}");
        let unknown = "019aa5d6-5b7a-7f3e-8e3c-2f1f7c9f3a10";
        gateway.run(&["job", "retry", unknown, "--reason", REASON]).failed_with(2);
        gateway.run(&["job", "retry", job]).failed_with(2);
    }
}
