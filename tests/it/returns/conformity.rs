//! Conformity (TRC-3): what is not as agreed with the project does not leave; it is held, told, and tried again once mended.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{SOON, sent, with_status};
use crate::{
    both_engines,
    kit::{
        gateway::{Engine, Gateway, Kit, REASON},
        wait,
    },
};

/// What every return of these tests meets.
fn lenient() -> Value {
    json!({ "type": "object", "required": ["outcome", "metadata", "controls", "results", "documents"] })
}

/// What none of them meets: nothing of these documents has a typology.
fn severe() -> Value {
    json!({
        "properties": {
            "results": { "contains": { "properties": { "processor": { "const": "typologie" } } } },
            "controls": { "minItems": 1000 },
        },
    })
}

fn schema_file(kit: &Kit) -> PathBuf {
    kit.dir().join("resultat.schema.json")
}

fn agreed(kit: Kit, schema: &Value) -> Kit {
    let file = schema_file(&kit);
    std::fs::write(&file, schema.to_string()).unwrap();
    kit.set_project("result_schema", format!("{file:?}"))
}

/// The job of the exchange that was given up.
fn held_job(gateway: &Gateway) -> String {
    let said = gateway
        .run(&["job", "list", "--state", "failed", "--json"])
        .succeeded();
    let jobs: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(jobs[0]["lastFault"], "return-nonconforming", "{jobs}");
    jobs[0]["jobId"].as_str().unwrap().to_owned()
}

fn blobs(gateway: &Gateway) -> usize {
    let folders = std::fs::read_dir(gateway.dir().join("data/store/blobs"))
        .unwrap()
        .flatten();
    folders
        .map(|folder| std::fs::read_dir(folder.path()).unwrap().count())
        .sum()
}

both_engines! {
    async fn a_return_that_is_as_agreed_leaves(kit) {
        let gateway = agreed(kit, &lenient()).start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "acknowledged").await;
        assert_eq!(gateway.count("SELECT count(*) FROM incident"), 0);
    }

    /// It is held under a status of its own, with an incident; mended and tried again, it leaves once, and the incident ends.
    async fn a_return_that_is_not_as_agreed_is_held_until_it_was_mended_and_tried_again(kit) {
        let kit = agreed(kit, &severe());
        let schema = schema_file(&kit);
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        let piece = with_status(&client, &id, "nonconforming").await;
        assert_eq!(piece["return"], Value::Null, "{piece}");
        client.get(&format!("/v1/pieces/{id}/return")).await.is_problem(404, "not-found");
        assert_eq!(gateway.partner().count(), 0);
        assert_eq!((gateway.count("SELECT count(*) FROM exchange_return"), blobs(&gateway)), (0, 1));
        let told = gateway.sql("SELECT code, state, detail FROM incident");
        assert!(told.starts_with("return-nonconforming|open|"), "{told}");
        assert!(told.contains("/properties/controls/minItems") && !told.contains("D-1"), "{told}");
        gateway.doctor();
        // Tried again as it is, it is held again.
        let job = held_job(&gateway);
        gateway.run(&["job", "retry", &job, "--reason", REASON]).succeeded();
        wait::until("held again", SOON, || {
            (gateway.count("SELECT count(*) FROM journal WHERE kind = 'return.held'") == 2).then_some(())
        });
        std::fs::write(&schema, lenient().to_string()).unwrap();
        assert!(gateway.stop().success());
        gateway.restart();
        gateway.run(&["job", "retry", &job, "--reason", REASON]).succeeded();
        with_status(&client, &id, "acknowledged").await;
        assert_eq!(gateway.partner().count(), 1);
        gateway.await_idle();
        assert_eq!(gateway.sql("SELECT code, state, count FROM incident"), "return-nonconforming|resolved|2");
        let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
        let kinds: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
        let held = ["return.held", "incident.opened", "job.retried", "return.held", "job.retried", "piece.processed"];
        let rest = ["return.created", "incident.resolved", "return.acknowledged"];
        assert_eq!(kinds[1..], [&held[..], &rest].concat());
        gateway.doctor();
    }

    /// One that is as agreed passes one that is held.
    async fn a_held_return_holds_no_other(kit) {
        let schema = json!({ "properties": { "metadata": { "properties": { "dossierId": { "not": { "const": "D-1" } } } } } });
        let gateway = agreed(kit, &schema).start();
        let client = gateway.client().await;
        let held = sent(&client, "D-1").await;
        with_status(&client, &held, "nonconforming").await;
        let other = sent(&client, "D-2").await;
        with_status(&client, &other, "acknowledged").await;
        let listed = client.get("/v1/pieces?status=nonconforming").await.json();
        assert_eq!(listed["items"][0]["reconciliationId"], held.as_str(), "{listed}");
    }
}

#[test]
fn a_schema_of_results_that_does_not_compile_is_a_fault_of_the_settings() {
    let kit = agreed(Kit::new(Engine::Sqlite), &json!({ "type": "rien" }));
    kit.write();
    let said = kit.run(&["check-config"]).failed_with(3);
    assert!(
        said.contains("result_schema") && said.contains("does not compile"),
        "{said}"
    );
    let kit = agreed(
        Kit::new(Engine::Sqlite),
        &json!({ "$ref": "autre.schema.json" }),
    );
    kit.write();
    kit.run(&["check-config"]).failed_with(3);
}
