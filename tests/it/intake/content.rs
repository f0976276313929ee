//! The content stage: hash, size, type at the door; what only opening a document shows is told in its return.

use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};
use data_encoding::{HEXLOWER, HEXUPPER};
use serde_json::{Value, json};

use super::{Desk, fault, fixture};
use crate::{
    both_engines,
    kit::{
        client::{PDF, metadata},
        document,
    },
};

/// The most resident memory that a gateway may have taken while bombs went through it, in kilobytes.
const MODEST: u64 = 256_000;

fn with_hash(name: &str, value: &str) -> Value {
    let mut metadata = metadata("D-1");
    metadata["hash"] = json!({"algorithm": name, "value": value});
    metadata
}

fn lower(algorithm: &'static Algorithm, bytes: &[u8]) -> String {
    HEXLOWER.encode(digest(algorithm, bytes).as_ref())
}

fn of_type(media_type: &str) -> Value {
    let mut metadata = metadata(media_type);
    metadata["mediaType"] = json!(media_type);
    metadata
}

/// The outcome of a control in a return.
fn outcome<'a>(found: &'a Value, code: &str) -> &'a str {
    let controls = found["controls"].as_array().expect("a return has controls");
    let control = controls.iter().find(|control| control["code"] == code);
    control.expect(code)["outcome"]
        .as_str()
        .expect("an outcome")
}

both_engines! {
    async fn the_hash_of_another_file_is_refused_and_logged_as_an_anomaly(kit) {
        let mut desk = Desk::open(kit).await;
        let sent = with_hash("SHA-256", &lower(&SHA256, b"another"));
        let answer = desk.client.push(&sent, document::small("x")).await;
        desk.refuses(&answer, 422, "hash-mismatch");
        assert_eq!(answer.faults(), [fault("/content", "hash-mismatch")]);
        let log = desk.gateway.log();
        let anomaly = log.lines().find(|line| line.contains(r#""anomaly":"hash-mismatch""#)).expect("a line");
        assert!(anomaly.contains("application") && !anomaly.contains("D-1"), "{anomaly}");
    }

    async fn the_right_hash_passes_with_either_algorithm_in_either_case(kit) {
        let desk = Desk::open(kit).await;
        for (number, (name, algorithm)) in [("SHA-256", &SHA256), ("SHA-512", &SHA512)].into_iter().enumerate() {
            let file = document::small(&format!("x{number}"));
            let hash = digest(algorithm, &file);
            for (iteration, value) in [HEXLOWER.encode(hash.as_ref()), HEXUPPER.encode(hash.as_ref())].iter().enumerate() {
                let mut sent = with_hash(name, value);
                sent["iteration"] = json!(iteration + 1);
                let answer = desk.client.push(&sent, file.clone()).await;
                assert_eq!(answer.status, 202, "{name} {value}: {answer:?}");
            }
        }
    }

    async fn a_wrong_sha_512_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let answer = desk.client.push(&with_hash("SHA-512", &lower(&SHA512, b"another")), document::small("x")).await;
        desk.refuses(&answer, 422, "hash-mismatch");
    }

    async fn an_empty_file_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let answer = desk.client.push(&metadata("D-1"), fixture("bad/empty.bin")).await;
        desk.refuses(&answer, 422, "content-empty");
    }

    async fn several_faults_of_a_content_are_told_together(kit) {
        let mut desk = Desk::open(kit).await;
        let answer = desk.client.push(&with_hash("SHA-256", &lower(&SHA256, b"another")), "").await;
        desk.refuses(&answer, 422, "content-invalid");
        let codes: Vec<_> = answer.faults().into_iter().map(|(_, code)| code).collect();
        assert_eq!(codes, ["content-empty", "hash-mismatch"]);
    }

    async fn a_program_that_is_named_pdf_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        for name in ["bad/program.pdf", "bad/program.exe", "scan-recto.png"] {
            let answer = desk.client.push(&of_type(PDF), fixture(name)).await;
            desk.refuses(&answer, 415, "type-mismatch");
        }
    }

    /// The door takes it, for its bytes are what was sent; the return says that nobody can read it.
    async fn a_pdf_that_is_cut_short_is_received_and_returned_as_unprocessable(kit) {
        let desk = Desk::open(kit).await;
        let answer = desk.client.push(&of_type(PDF), fixture("bad/truncated.pdf")).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let found = desk.return_of(&answer.reconciliation_id()).await;
        assert_eq!((&found["outcome"], outcome(&found, "pdf-opens")), (&json!("unprocessable"), "failed"));
    }

    async fn an_encrypted_pdf_is_told_in_its_return(kit) {
        let desk = Desk::open(kit).await;
        let answer = desk.client.push(&of_type(PDF), fixture("bad/encrypted.pdf")).await;
        let found = desk.return_of(&answer.reconciliation_id()).await;
        assert_eq!(outcome(&found, "pdf-encrypted"), "failed");
    }

    /// A small file that expands to gigabytes is an outcome of a control, and nothing that the gateway feels.
    async fn a_bomb_exceeds_its_limits_and_leaves_the_gateway_small(kit) {
        let desk = Desk::open(kit).await;
        for (name, kind) in [("bad/bomb.pdf", PDF), ("bad/bomb.png", "image/png")] {
            let answer = desk.client.push(&of_type(kind), fixture(name)).await;
            let found = desk.return_of(&answer.reconciliation_id()).await;
            let controls = found["controls"].as_array().unwrap();
            assert!(controls.iter().any(|control| control["outcome"] == "limitExceeded"), "{name}: {controls:#?}");
        }
        let answer = desk.client.push(&metadata("D-1"), fixture("facture.pdf")).await;
        let found = desk.return_of(&answer.reconciliation_id()).await;
        assert_eq!(found["outcome"], "processed");
        let peak = desk.gateway.peak();
        assert!(peak < MODEST, "{peak} kB");
    }

    async fn every_good_fixture_is_processed(kit) {
        let desk = Desk::open(kit).await;
        for (name, kind) in [
            ("facture.pdf", PDF), ("attestation-2-pages.pdf", PDF), ("scan-recto.png", "image/png"),
            ("scan-verso.jpg", "image/jpeg"), ("plan.tiff", "image/tiff"),
        ] {
            let mut sent = of_type(kind);
            sent["fileName"] = json!(name);
            let answer = desk.client.push(&sent, fixture(name)).await;
            let found = desk.return_of(&answer.reconciliation_id()).await;
            assert_eq!(found["outcome"], "processed", "{name}: {found:#}");
        }
    }
}
