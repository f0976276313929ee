//! What opens an incident, what is counted in it, and what ends it.

use navette::{
    domain::doctor::healed,
    kernel::digest::{hex, sha256},
};
use serde_json::json;

use super::{SOON, entries, listed, sent, undelivered, wait_for_incident};
use crate::{
    both_engines, inside,
    kit::{
        client::metadata,
        document,
        gateway::{CALLBACK, Gateway, Kit, damage},
        partner::Answer,
        wait,
    },
};

/// A gateway whose one return was damaged for a moment, then given up; its partner acknowledges from now on.
async fn troubled(kit: Kit) -> Gateway {
    let (gateway, _, _) = undelivered(kit).await;
    let retry = ["job", "retry", "--all-failed", "--reason", "essai"];
    gateway.sql(
        "CREATE TABLE kept AS SELECT body FROM exchange_return; \
         UPDATE exchange_return SET body = (SELECT wrapped_key FROM exchange); SELECT 1",
    );
    gateway.run(&retry).succeeded();
    wait_for_incident(&gateway, "corrupt-blob", "open");
    gateway.sql("UPDATE exchange_return SET body = (SELECT body FROM kept); SELECT 1");
    let given_up = "SELECT count(*) FROM job WHERE kind = 'deliver' AND state = 'failed'";
    wait::until("end of the tries", SOON, || {
        (gateway.count(given_up) == 1).then_some(())
    });
    gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
    gateway
}

both_engines! {
    /// A return that is given up opens an incident of its exchange, and its delivery resolves it.
    async fn a_return_that_is_given_up_is_an_incident_until_it_is_delivered(kit) {
        let (gateway, client, id) = undelivered(kit).await;
        let incident = wait_for_incident(&gateway, "undelivered", "open");
        assert_eq!(incident["reconciliationId"], id);
        assert_eq!(incident["count"], 1);
        assert_eq!(incident["detail"]["reason"], "status-500");
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        gateway.run(&["job", "retry", "--all-failed", "--reason", "essai"]).succeeded();
        let resolved = wait_for_incident(&gateway, "undelivered", "resolved");
        assert_eq!(resolved["incidentId"], incident["incidentId"]);
        assert!(resolved["resolvedBy"].is_null(), "{resolved}");
        assert_eq!(entries(&gateway), ["incident.opened", "incident.resolved"]);
        let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
        let kinds = events["items"].as_array().unwrap().iter().map(|event| event["kind"].clone());
        assert!(kinds.collect::<Vec<_>>().contains(&json!("incident.opened")), "{events}");
        gateway.doctor();
    }

    /// A trouble of the house ends with the delivery, whatever began anew meanwhile: the count of its job's attempts.
    async fn a_trouble_ends_with_the_delivery_of_a_job_that_was_tried_again(kit) {
        let gateway = troubled(kit).await;
        gateway.run(&["job", "retry", "--all-failed", "--reason", "essai"]).succeeded();
        for code in ["corrupt-blob", "undelivered"] {
            wait_for_incident(&gateway, code, "resolved");
        }
    }

    /// The same where the return is asked for again: that is a job of its own.
    async fn a_trouble_ends_with_the_redelivery_of_its_return(kit) {
        let gateway = troubled(kit).await;
        let id = gateway.sql("SELECT exchange_id FROM exchange_return");
        gateway.run(&["return", "redeliver", &id, "--reason", "essai"]).succeeded();
        for code in ["corrupt-blob", "undelivered"] {
            wait_for_incident(&gateway, code, "resolved");
        }
    }

    /// The same cause again opens the same incident again, and counts on.
    async fn a_cause_that_comes_back_opens_its_incident_again(kit) {
        let (gateway, _, _) = undelivered(kit).await;
        let first = wait_for_incident(&gateway, "undelivered", "open");
        let id = first["incidentId"].as_str().unwrap();
        gateway.run(&["incident", "resolve", id, "--reason", "essai"]).succeeded();
        gateway.run(&["job", "retry", "--all-failed", "--reason", "essai"]).succeeded();
        let again = wait_for_incident(&gateway, "undelivered", "open");
        assert_eq!((&again["incidentId"], &again["count"]), (&first["incidentId"], &json!(2)));
        assert_eq!(again["firstAt"], first["firstAt"]);
        assert!(again["openedAt"].as_str() > first["openedAt"].as_str());
        assert!(again["resolvedAt"].is_null());
        assert_eq!(entries(&gateway), ["incident.opened", "incident.resolved", "incident.opened"]);
    }

    /// Contents that are not what was announced: one incident for the client, counted.
    async fn occurrences_of_one_cause_are_counted_in_one_row(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let mut altered = metadata("D-1");
        altered["hash"] = json!({ "algorithm": "SHA-256", "value": "00".repeat(32) });
        for _ in 0..3 {
            client.push(&altered, document::small("x")).await.is_problem(422, "hash-mismatch");
        }
        let incident = wait_for_incident(&gateway, "hash-mismatch", "open");
        assert_eq!(incident["count"], 3);
        assert!(incident["reconciliationId"].is_null());
        assert_eq!(listed(&gateway, &[]).len(), 1);
        assert_eq!(entries(&gateway), ["incident.opened"]);
    }

    /// It ends with the client's next content that is what was announced, each time; one that announces nothing says nothing of it.
    async fn an_altered_content_is_no_incident_any_more_once_the_client_sends_what_it_announces(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        for dossier in ["D-1", "D-2"] {
            let announcing = |hash: String| {
                let mut metadata = metadata(dossier);
                metadata["hash"] = json!({ "algorithm": "SHA-256", "value": hash });
                metadata
            };
            let file = document::small(dossier);
            client.push(&announcing("00".repeat(32)), file.clone()).await.is_problem(422, "hash-mismatch");
            sent(&client, &format!("{dossier}-sans")).await;
            let incident = wait_for_incident(&gateway, "hash-mismatch", "open");
            assert_eq!(client.push(&announcing(hex(&sha256(&file))), file).await.status, 202);
            let resolved = wait_for_incident(&gateway, "hash-mismatch", "resolved");
            assert_eq!((&resolved["incidentId"], &resolved["resolvedBy"]), (&incident["incidentId"], &json!(null)));
        }
        let twice = ["incident.opened", "incident.resolved"].repeat(2);
        assert_eq!(entries(&gateway), twice);
    }

    /// A stored content with a flipped byte is an incident as soon as somebody reads it.
    async fn a_damaged_content_is_an_incident_once_it_is_read(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        gateway.partner().wait_for(1, SOON).await;
        gateway.blobs().iter().for_each(|blob| damage(blob));
        client.get(&format!("/v1/pieces/{id}/content")).await.is_problem(500, "corrupt");
        let incident = wait_for_incident(&gateway, "corrupt-blob", "open");
        assert_eq!(incident["reconciliationId"], id);
    }

    /// Nobody's job ends it: it is looked at again, and stands until all of the exchange can be read.
    async fn a_damage_that_was_met_by_a_reader_is_over_once_the_bytes_are_whole_again(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        gateway.partner().wait_for(1, SOON).await;
        let blob = gateway.blobs().remove(0);
        let whole = std::fs::read(&blob).unwrap();
        damage(&blob);
        client.get(&format!("/v1/pieces/{id}/content")).await.is_problem(500, "corrupt");
        let met = wait_for_incident(&gateway, "corrupt-blob", "open");
        let ctx = inside::house(&gateway).await.ctx;
        assert_eq!(healed::look(&ctx).await.unwrap(), 0);
        std::fs::write(&blob, whole).unwrap();
        gateway.sql(
            "CREATE TABLE kept AS SELECT body FROM exchange_return; \
             UPDATE exchange_return SET body = (SELECT wrapped_key FROM exchange); SELECT 1",
        );
        assert_eq!(healed::look(&ctx).await.unwrap(), 0, "its return is not whole");
        gateway.sql(
            "UPDATE exchange_return SET body = (SELECT body FROM kept); \
             UPDATE document SET file_name = wrapped_key; SELECT 1",
        );
        assert_eq!(healed::look(&ctx).await.unwrap(), 0, "a file's name is not whole");
        // A file whose time was over before the rest, as in a télédossier, is nobody's damage.
        let deleted = gateway.id("019a1ffe-0542-7a41-9c3e-5b0f2a7d6e11");
        gateway.sql(&format!(
            "UPDATE document SET file_name = NULL; \
             INSERT INTO document (id, exchange_id, partner, environment, role, media_type, size, sha256, key_id, wrapped_key, \
             created_at, purged_at) SELECT {deleted}, exchange_id, partner, environment, role, media_type, size, sha256, key_id, \
             substr(wrapped_key, 1, 0), created_at, created_at FROM document; SELECT 1"
        ));
        // A worker looks when it starts, and every hour.
        assert!(gateway.stop().success());
        gateway.restart();
        let over = wait_for_incident(&gateway, "corrupt-blob", "resolved");
        assert_eq!((&over["incidentId"], &over["resolvedBy"]), (&met["incidentId"], &json!(null)));
        assert_eq!(entries(&gateway), ["incident.opened", "incident.resolved"]);
    }

    /// A content that is damaged before it is processed is an incident too, and its processing ends it once it is whole.
    async fn a_content_damaged_before_its_processing_is_an_incident_until_it_is_whole(kit) {
        let gateway = kit.without_worker().start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        let blob = gateway.blobs().remove(0);
        let whole = std::fs::read(&blob).unwrap();
        damage(&blob);
        let _worker = gateway.start_worker(&[]);
        let incident = wait_for_incident(&gateway, "corrupt-blob", "open");
        assert_eq!(incident["reconciliationId"], id);
        std::fs::write(&blob, whole).unwrap();
        wait_for_incident(&gateway, "corrupt-blob", "resolved");
        gateway.partner().wait_for(1, SOON).await;
    }
}
