//! What is the same sending under a key, and what is another.

use serde_json::json;

use super::{KEY, count, file, is_replay, sent, told};
use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        document,
        gateway::Gateway,
        pki::pki,
    },
};

async fn named(gateway: &Gateway, name: &str) -> Client {
    let credentials = gateway.register(name, &["pieces:write", "pieces:read"]);
    Client::with_token(gateway, &pki().client, &credentials).await
}

both_engines! {
    /// Status and body byte for byte, though the multipart boundary is another and the piece went on meanwhile.
    async fn the_same_sending_under_its_key_gets_the_first_answer_again(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let first = sent(&client).await;
        assert_eq!((first.status, first.header("idempotent-replayed")), (202, ""));
        gateway.partner().wait_for(1, std::time::Duration::from_secs(30)).await;
        is_replay(&first, &sent(&client).await);
        is_replay(&first, &client.push_under(KEY.trim_matches('"'), &metadata("D-1"), file()).await);
        gateway.await_idle();
        assert_eq!((count(&gateway, "exchange"), gateway.blobs().len(), gateway.partner().count()), (1, 1, 1));
        gateway.doctor();
    }

    /// The order of JSON keys and the case of the announced hash are ways of writing.
    async fn metadata_written_in_another_way_are_the_same(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let content = file();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content);
        let mut sent = metadata("D-1");
        sent["hash"] = json!({"algorithm": "SHA-256", "value": data_encoding::HEXLOWER.encode(digest.as_ref())});
        sent["businessData"] = json!({"nom": "é", "montant": {"a": 1, "b": [1, 2]}});
        let first = client.push_under(KEY, &sent, content.clone()).await;
        assert_eq!(first.status, 202, "{first:?}");
        sent["hash"]["value"] = data_encoding::HEXUPPER.encode(digest.as_ref()).into();
        let text = sent.to_string().replace(r#"{"a":1,"b":[1,2]}"#, r#"{ "b": [1, 2], "a": 1 }"#);
        let form = reqwest::multipart::Form::new()
            .part("metadata", crate::kit::client::json_part(text))
            .part("content", crate::kit::client::file_part(content));
        let request = client.request(reqwest::Method::POST, "/v1/pieces").header("idempotency-key", KEY);
        is_replay(&first, &crate::kit::client::finish(request.multipart(form)).await);
    }

    /// Whatever differs, nothing of the second sending is kept, and the first one still has its answer.
    async fn another_sending_under_the_key_is_refused(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let first = sent(&client).await;
        let changes = [
            json!({"dossierId": "D-2"}), json!({"iteration": 2}), json!({"fileName": "autre.pdf"}), json!({"pieceUid": "P"}),
            json!({"businessData": {"a": 1}}), json!({"pieceType": "avis"}), json!({"contractReference": "C"}),
        ];
        for change in changes {
            let mut other = metadata("D-1");
            let (name, value) = change.as_object().unwrap().iter().next().unwrap();
            other[name] = value.clone();
            let answer = client.push_under(KEY, &other, file()).await;
            answer.is_problem(422, "idempotency-key-reused");
            assert_eq!(answer.faults()[0].0, "/headers/idempotency-key", "{change}");
        }
        let content = client.push_under(KEY, &metadata("D-1"), document::small("other")).await;
        content.is_problem(422, "idempotency-key-reused");
        is_replay(&first, &sent(&client).await);
        assert_eq!((count(&gateway, "exchange"), gateway.blobs().len()), (1, 1));
    }

    async fn a_key_belongs_to_its_client(kit) {
        let gateway = kit.start();
        let (one, other) = (named(&gateway, "one").await, named(&gateway, "other").await);
        let first = one.push_under(KEY, &metadata("D-1"), file()).await;
        let second = other.push_under(KEY, &metadata("D-2"), file()).await;
        assert_eq!((first.status, second.status), (202, 202), "{second:?}");
        assert_ne!(first.reconciliation_id(), second.reconciliation_id());
    }

    /// By its natural key; the answer to the new key is then that it is a duplicate, each time.
    async fn a_known_piece_is_a_duplicate_under_a_new_key_too(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let first = client.push(&metadata("D-1"), file()).await;
        let again = sent(&client).await;
        assert_eq!((again.status, told(&again, "outcome")), (200, json!("duplicate")));
        assert_eq!(again.header("idempotent-replayed"), "");
        assert_eq!((told(&again, "receipt"), again.reconciliation_id()), (told(&first, "receipt"), first.reconciliation_id()));
        is_replay(&again, &sent(&client).await);
        let events = client.get(&format!("/v1/pieces/{}/events", first.reconciliation_id())).await.json();
        let repeated = events["items"].as_array().unwrap().iter().filter(|event| event["kind"] == "piece.repeated").count();
        assert_eq!(repeated, 1, "a replay is no new sending");
    }

    /// Told with the other faults of the head; nothing is read.
    async fn what_is_no_key_is_refused(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let long = "k".repeat(256);
        for key in ["\"\"", "a b", "\"a", "a, b", &long] {
            let answer = client.push_under(key, &metadata("D-1"), file()).await;
            answer.is_problem(400, "request-malformed");
            assert_eq!(answer.faults()[0].0, "/headers/idempotency-key", "{key}");
        }
        assert_eq!((count(&gateway, "exchange"), count(&gateway, "idempotency_key")), (0, 0));
    }

    /// Neither the key nor a trace of it as it was written is kept.
    async fn a_key_is_kept_as_a_keyed_hash_only(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        client.push_under("marie-dupont-1984", &metadata("D-1"), file()).await.reconciliation_id();
        let kept = gateway.sql("SELECT * FROM idempotency_key");
        assert!(kept.contains("createPiece") && !kept.contains("marie"), "{kept}");
        assert!(!gateway.log().contains("marie"), "the log holds it");
    }
}
