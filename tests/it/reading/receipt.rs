//! Receipts: the JSON that was told, and the signed message that proves it by the plain `openssl` command (API-5).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use reqwest::Method;

use super::sent;
use crate::{
    both_engines,
    kit::{
        client::{Answer, Client, finish, metadata},
        document,
        pki::pki,
        process::{self, Finished},
        scratch,
    },
};

const CMS: &str = "application/pkcs7-mime";

async fn receipt(client: &Client, id: &str, accept: &str) -> Answer {
    let path = format!("/v1/pieces/{id}/receipt");
    finish(client.request(Method::GET, &path).header("accept", accept)).await
}

/// A folder with the signed receipt in `recu.p7m`.
async fn proof(client: &Client, id: &str) -> PathBuf {
    let folder = scratch::fresh("receipt");
    let answer = receipt(client, id, CMS).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, CMS));
    fs::write(folder.join("recu.p7m"), &answer.body).unwrap();
    folder
}

/// What the contract tells a partner to run, and what is added to it.
fn verify(folder: &Path, authority: &Path, more: &[&str]) -> Finished {
    let mut openssl = Command::new("openssl");
    openssl.args([
        "cms", "-verify", "-binary", "-inform", "DER", "-in", "recu.p7m",
    ]);
    openssl
        .arg("-CAfile")
        .arg(authority)
        .args(["-out", "recu.json"])
        .args(more)
        .current_dir(folder);
    process::run(&openssl, 60)
}

both_engines! {
    async fn a_receipt_is_proven_by_openssl_and_says_what_was_told(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        let folder = proof(&client, &id).await;
        verify(&folder, &pki().root, &[]).succeeded();
        let proven = fs::read(folder.join("recu.json")).unwrap();
        assert!(proven == receipt(&client, &id, "application/json").await.body);
    }

    /// What a receipt says of the piece is true, and tells neither dossier nor file name.
    async fn a_receipt_says_the_truth_and_nothing_personal(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let content = document::small("D-1");
        let told = client.push(&metadata("DOSSIER-MARQUE"), content.clone()).await.json();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &content);
        assert_eq!(told["receipt"]["sha256"], data_encoding::HEXLOWER.encode(digest.as_ref()));
        assert_eq!(told["receipt"]["size"], content.len());
        assert_eq!(told["receipt"]["reconciliationId"], told["reconciliationId"]);
        assert_eq!(told["receipt"]["receivedAt"], told["receivedAt"]);
        let text = told["receipt"].to_string();
        assert!(!text.contains("DOSSIER-MARQUE") && !text.contains("facture"), "{text}");
    }

    async fn the_entry_that_a_receipt_names_is_in_the_trace(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        let receipt = receipt(&client, &id, "*/*").await.json();
        let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
        assert_eq!(events["items"][0]["entryId"], receipt["journalEntryId"]);
        assert_eq!(events["items"][0]["kind"], "piece.received");
    }

    async fn a_receipt_is_the_same_at_each_reading_in_both_forms(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        for accept in [CMS, "application/json"] {
            assert!(receipt(&client, &id, accept).await.body == receipt(&client, &id, accept).await.body);
        }
        for other in ["*/*", "text/html", ""] {
            assert_eq!(receipt(&client, &id, other).await.header("content-type"), "application/json");
        }
    }

    /// Afterwards, with the date that the receipt itself names; and no longer at a date after the certificate's end.
    async fn a_receipt_is_proven_at_its_own_date_and_not_after_its_signers_end(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        let folder = proof(&client, &id).await;
        let told = receipt(&client, &id, "application/json").await.json();
        let at: jiff::Timestamp = told["receivedAt"].as_str().unwrap().parse().unwrap();
        verify(&folder, &pki().root, &["-attime", &at.as_second().to_string()]).succeeded();
        let year_2121 = "4765132800";
        let refused = verify(&folder, &pki().root, &["-attime", year_2121]);
        assert!(!refused.status.success() && refused.stderr.contains("expired"), "{}", refused.stderr);
    }

    async fn a_receipt_with_a_changed_byte_or_another_authority_proves_nothing(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        let folder = proof(&client, &id).await;
        assert!(!verify(&folder, &pki().foreign_root, &[]).status.success());
        let file = folder.join("recu.p7m");
        let mut bytes = fs::read(&file).unwrap();
        let place = bytes.windows(6).position(|window| window == b"sha256").unwrap() + 10;
        bytes[place] ^= 1;
        fs::write(&file, bytes).unwrap();
        assert!(!verify(&folder, &pki().root, &[]).status.success());
    }
}
