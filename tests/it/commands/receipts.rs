//! `navette receipt verify`: a receipt held against its document, its dossier and its authority, without the gateway.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    both_engines,
    kit::{
        document,
        gateway::{APPLICATION, Gateway, Kit, PROJECT, damage},
        pki::{Identity, pki},
        process,
    },
};

/// A gateway that is stopped by now, a document that was pushed to it, and its receipt.
fn pushed(kit: Kit) -> (Gateway, PathBuf, PathBuf) {
    let mut gateway = kit.start();
    let credentials = gateway.register("poste", &["pieces:write", "pieces:read"]);
    let (file, folder) = (gateway.dir().join("a.pdf"), gateway.dir().join("receipts"));
    fs::write(&file, document::small("a")).expect("the scratch directory is writable");
    let (file_text, folder_text) = (file.display().to_string(), folder.display().to_string());
    let arguments = ["push", &file_text, "--receipts", &folder_text, "--json"];
    let names = [
        "--project",
        PROJECT,
        "--application",
        APPLICATION,
        "--dossier",
        "D-1",
    ];
    let said = gateway
        .run_as(&credentials, &[&arguments[..], &names].concat())
        .succeeded();
    let said: Value = serde_json::from_str(&said).expect("JSON was asked for");
    let id = said["reconciliationId"].as_str().expect("an id");
    gateway.stop();
    let receipt = folder.join(format!("{id}.p7m"));
    (gateway, file, receipt)
}

/// Exit code and answer of a verification.
fn verify(gateway: &Gateway, receipt: &Path, options: &[&str]) -> (Option<i32>, Value) {
    let receipt = receipt.display().to_string();
    let said = gateway.run(&[&["receipt", "verify", &receipt, "--json"], options].concat());
    let answer = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    (said.status.code(), answer)
}

both_engines! {
    /// After a rotation the settings name the new signer, and a folder keeps the certificates of those before.
    async fn a_receipt_of_an_earlier_signer_holds_where_the_settings_keep_his_certificate(kit) {
        let (gateway, _, receipt) = pushed(kit);
        let settings = gateway.dir().join("navette.toml");
        let files = |who: &Identity| [&who.certificate, &who.key].map(|file| format!("{file:?}"));
        let mut text = fs::read_to_string(&settings).unwrap();
        for (signer, next) in files(&pki().receipt_signer).iter().zip(files(&pki().next_signer)) {
            assert!(text.contains(signer), "{text}");
            text = text.replace(signer, &next);
        }
        fs::write(&settings, &text).unwrap();
        assert_eq!(verify(&gateway, &receipt, &[]).0, Some(1));
        let folder = gateway.dir().join("earlier");
        fs::create_dir(&folder).unwrap();
        fs::copy(&pki().receipt_signer.certificate, folder.join("2026.pem")).unwrap();
        fs::write(&settings, format!("{text}\nreceipts.earlier_signers = {folder:?}\n")).unwrap();
        assert_eq!(verify(&gateway, &receipt, &[]).0, Some(0));
        gateway.doctor();
    }

    /// The receipt holds for its document and its dossier, by its authority.
    async fn a_pushed_receipt_holds_for_its_document_and_dossier(kit) {
        let (gateway, file, receipt) = pushed(kit);
        let (root, file) = (pki().root.display().to_string(), file.display().to_string());
        let options = ["--ca", &root, "--content", &file, "--dossier", "D-1", "--project", PROJECT];
        let (code, answer) = verify(&gateway, &receipt, &options);
        assert_eq!((code, &answer["valid"]), (Some(0), &true.into()), "{answer}");
        assert_eq!(answer["checks"].as_array().map(Vec::len), Some(3), "{answer}");
    }

    /// The command that is shown beside the answer verifies the receipt without this program.
    async fn the_command_that_is_shown_verifies_the_receipt_by_itself(kit) {
        let (gateway, _, receipt) = pushed(kit);
        let root = pki().root.display().to_string();
        let (_, answer) = verify(&gateway, &receipt, &["--ca", &root, "--at", "2030-01-01"]);
        let mut shell = Command::new("sh");
        shell.args(["-c", answer["openssl"].as_str().expect("a command")]);
        let content = process::run(&shell, 60).succeeded();
        assert!(content.contains("navette.receipt/1"), "{content}");
    }

    /// The certificates must have been valid at the instant that is asked for.
    async fn a_receipt_holds_at_the_instant_that_is_asked_for(kit) {
        let (gateway, _, receipt) = pushed(kit);
        let root = pki().root.display().to_string();
        let code = |at| verify(&gateway, &receipt, &["--ca", &root, "--at", at]).0;
        assert_eq!((code("2030-01-01T12:00:00Z"), code("2019-01-01")), (Some(0), Some(1)));
    }

    /// It holds for nothing else: not for another document, nor another dossier, nor another authority.
    async fn a_receipt_does_not_hold_for_anything_else(kit) {
        let (gateway, file, receipt) = pushed(kit);
        let (root, foreign) = (pki().root.display().to_string(), pki().foreign_root.display().to_string());
        damage(&file);
        let file = file.display().to_string();
        let others: [&[&str]; 4] = [
            &["--ca", &root, "--content", &file],
            &["--ca", &root, "--dossier", "D-2"],
            &["--ca", &root, "--project", "autre"],
            &["--ca", &foreign],
        ];
        for options in others {
            let (code, answer) = verify(&gateway, &receipt, options);
            assert_eq!((code, &answer["valid"]), (Some(1), &false.into()), "{options:?} {answer}");
        }
    }

    /// A receipt of which one bit was changed is refused; without an authority the settings' own signer is asked for.
    async fn a_receipt_that_was_changed_is_refused(kit) {
        let (gateway, _, receipt) = pushed(kit);
        assert_eq!(verify(&gateway, &receipt, &[]).0, Some(0));
        damage(&receipt);
        assert_eq!(verify(&gateway, &receipt, &[]).0, Some(1));
    }
}
