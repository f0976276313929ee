//! What leaves, and what is kept of the answer.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::{SOON, sent, with_status};
use crate::{
    both_engines,
    kit::{
        client::Client,
        contract::Contract,
        gateway::{CALLBACK, Kit, SHARED_SECRET},
        partner::{Answer, Received},
        pki::pki,
    },
};

/// The callback of one piece, held to the contract.
async fn keeps_the_contract(kit: Kit) -> Received {
    let gateway = kit.start();
    let client = gateway.client().await;
    let id = sent(&client, "D-1").await;
    let call = gateway.partner().wait_for(1, SOON).await.remove(0);
    let kind = Some(call.header("content-type"));
    Contract::callback()
        .check_request("receiveReturn", kind, &call.headers, &call.body)
        .unwrap();
    assert_eq!(call.json()["reconciliationId"], id);
    call
}

both_engines! {
    async fn the_callback_carries_the_return_byte_for_byte(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        let call = gateway.partner().wait_for(1, SOON).await.remove(0);
        let shown = client.get(&format!("/v1/pieces/{id}/return")).await;
        assert_eq!(call.body, shown.body);
    }

    async fn the_callback_keeps_to_its_contract(kit) {
        keeps_the_contract(kit).await;
    }

    /// So does one that bears the signature of a shared secret, too.
    async fn a_callback_with_a_shared_secret_keeps_to_its_contract(kit) {
        let call = keeps_the_contract(kit.with_shared_secret()).await;
        assert!(call.header("webhook-signature").contains(" v1,"), "{call:?}");
    }

    async fn the_callback_shows_our_certificate_its_id_and_the_trace_of_its_piece(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        let call = gateway.partner().wait_for(1, SOON).await.remove(0);
        assert_eq!(call.certificate, pki().outbound.fingerprint);
        assert_eq!(call.header("webhook-id"), call.json()["returnId"]);
        let trace = format!("00-{}-", id.replace('-', ""));
        assert!(call.header("traceparent").starts_with(&trace), "{call:?}");
    }

    async fn the_published_library_accepts_a_delivered_callback_and_no_changed_one(kit) {
        let gateway = kit.with_shared_secret().start();
        let client = gateway.client().await;
        sent(&client, "D-1").await;
        let call = gateway.partner().wait_for(1, SOON).await.remove(0);
        let body = std::str::from_utf8(&call.body).unwrap();
        assert_eq!(verdict(&call, body), Some(0));
        assert_eq!(verdict(&call, &body.replace("D-1", "D-2")), Some(1));
    }

    async fn the_acknowledgment_is_kept_with_date_code_headers_certificate_and_the_partners_id(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let said = json!({ "acknowledgmentId": "AR-2026-7" }).to_string();
        gateway.partner().script(CALLBACK, [Answer::Reply(201, said)]);
        let id = sent(&client, "D-1").await;
        let piece = with_status(&client, &id, "acknowledged").await;
        let kept = gateway.run(&["status", &id, "--local", "--json"]).succeeded();
        let kept = serde_json::from_str::<Value>(&kept).unwrap()["acknowledgment"].clone();
        assert_eq!((&kept["httpStatus"], &kept["partnerReference"]), (&json!(201), &json!("AR-2026-7")), "{kept}");
        assert_eq!(kept["peerCertificateSha256"], HEXLOWER.encode(&pki().partner.fingerprint));
        let headers = kept["headers"].as_array().unwrap();
        assert!(headers.iter().any(|header| header[0] == "content-length"), "{kept}");
        assert!(piece["return"]["acknowledgedAt"].is_string(), "{piece}");
    }

    async fn the_answers_body_is_kept_sealed_and_its_digest_stands_in_the_events(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        gateway.partner().script(CALLBACK, [Answer::Reply(200, "accuse-de-reception".to_owned())]);
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "acknowledged").await;
        assert_eq!(body_digest(&client, &id).await, sha256(b"accuse-de-reception"));
        let sealed = gateway.sql("SELECT body FROM acknowledgment");
        assert!(!sealed.contains(&HEXLOWER.encode(b"accuse")), "{sealed}");
    }

    async fn sixty_four_kibibytes_of_an_answer_are_kept_at_most(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        gateway.partner().script(CALLBACK, [Answer::Huge(200_000)]);
        let id = sent(&client, "D-1").await;
        with_status(&client, &id, "acknowledged").await;
        assert_eq!(body_digest(&client, &id).await, sha256(&[b'x'; 65_536]));
    }
}

/// What the acknowledgment's event says of the answer's body.
async fn body_digest(client: &Client, id: &str) -> Value {
    let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
    let events = events["items"].as_array().unwrap();
    let last = events
        .iter()
        .find(|event| event["kind"] == "return.acknowledged");
    last.unwrap()["detail"]["bodySha256"].clone()
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

/// The exit code of the partner's check: 0 accepted, 1 refused by both signatures.
fn verdict(call: &Received, body: &str) -> Option<i32> {
    let headers: serde_json::Map<_, _> = call
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect();
    let message = json!({ "headers": headers, "body": body }).to_string();
    let mut check = Command::new("sh")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/kit/verify_webhook.sh"
        ))
        .args([&pki().webhook_public, SHARED_SECRET])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    check
        .stdin
        .take()
        .unwrap()
        .write_all(message.as_bytes())
        .unwrap();
    check.wait().unwrap().code()
}
