//! The throwaway PKI of `certs/` is one that the gateway itself takes.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Command};

use super::*;
use crate::{
    domain::{access::Keys, receipts},
    kernel::secret::Secret,
};

fn make(dir: &Path) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/certs/make-pki.sh");
    assert!(Command::new(script).arg(dir).status().unwrap().success());
}

/// Every file's bytes, and proof that only its owner reads it.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path:?}");
        files.push((path.display().to_string(), std::fs::read(path).unwrap()));
    }
    files.sort();
    files
}

#[test]
fn the_throwaway_pki_is_made_once_and_fits_every_door() {
    let dir = tempfile::TempDir::new().unwrap();
    make(dir.path());
    let made = files(dir.path());
    make(dir.path());
    assert_eq!(files(dir.path()), made);
    let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    let text = |name: &str| String::from_utf8(read(name)).unwrap();

    let signer = receipts::Signer::load(&read("receipts-chain.pem"), &read("receipts.key"));
    assert!(signer.unwrap().sign(b"x").is_ok());
    Keys::load(&[&read("tokens.key")]).unwrap();
    let key = crate::kernel::digest::from_hex(text("master.key").trim());
    assert_eq!(key.unwrap().len(), 32);

    let webhook = Signer::load(&Secret::new(text("webhook.key"))).unwrap();
    assert_eq!(webhook.public_key(), text("webhook.pub").trim());
    let webhook = webhook
        .with_shared(&Secret::new(text("webhook.secret")))
        .unwrap();
    let settings = Settings {
        url: "https://localhost/returns".into(),
        certificate_pem: read("outbound.pem"),
        key_pem: read("outbound.key"),
        ca_pem: read("ca.pem"),
        allow: Vec::new(),
        connect_timeout: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
    };
    assert!(Sender::new(&settings, webhook, clock()).is_ok());
}
