//! The signatures before the judge that partners use: the published Standard Webhooks library.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::*;

#[tokio::test]
async fn the_published_library_accepts_our_signatures_and_no_changed_message() {
    let authority = Authority::new();
    let mut partner = Partner::start(&authority, Script::Raw(ok(""))).await;
    let settings = settings(&authority, partner.port);
    let signer = keys::signer().with_shared(&keys::shared()).unwrap();
    let public = signer.public_key();
    // The library refuses old messages, so this one carries the real time.
    let sender = Sender::new(&settings, signer, Clock::system()).unwrap();
    let prepared = sender.prepare(id(), Bytes::from_static(BODY), None);
    ack(sender.send(prepared).await.complete(&clock()));
    let request = partner.received().unwrap();
    let text = std::str::from_utf8(&request.body).unwrap();
    assert!(library_accepts(&public, &request.fields(), text));
    assert!(!library_accepts(
        &public,
        &request.fields(),
        &text.replace('é', "e")
    ));
}

/// Asks `tests/kit/verify_webhook.py`, in an environment that it sets up under `target/` the first time.
fn library_accepts(public: &str, fields: &[(String, String)], body: &str) -> bool {
    let fields: serde_json::Map<_, _> = fields
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let message = serde_json::json!({"headers": fields, "body": body}).to_string();
    let mut script = Command::new("sh")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/kit/verify_webhook.sh"
        ))
        .args([public, keys::shared().expose()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    script
        .stdin
        .take()
        .unwrap()
        .write_all(message.as_bytes())
        .unwrap();
    match script.wait().unwrap().code() {
        Some(0) => true,
        Some(1) => false,
        other => panic!("the library did not run: {other:?}"),
    }
}
