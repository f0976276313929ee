//! Receipts against the plain command, which is what a sceptic will use.

use std::process::Command;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose as Purpose, IsCa, KeyPair, KeyUsagePurpose as Usage, date_time_ymd,
};
use tempfile::TempDir;

use super::*;
use crate::kernel::{
    clock::{Clock, instant},
    digest,
    entropy::Entropy,
    fault::Code,
};

/// A root, and what it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = named("Test root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![Usage::KeyCertSign, Usage::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate with its chain, and its key, valid until the end of `year`.
    fn issue(&self, purpose: Purpose, key: KeyPair, year: i32) -> (String, String) {
        let mut params = named("Test receipts");
        params.key_usages = vec![Usage::DigitalSignature, Usage::ContentCommitment];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 12, 31);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem() + &self.pem(), key.serialize_pem())
    }

    fn signer(&self, year: i32) -> Signer {
        let (chain, key) = self.issue(Purpose::EmailProtection, p256(), year);
        Signer::load(chain.as_bytes(), key.as_bytes()).unwrap()
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn p256() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

fn receipt() -> Receipt {
    let id = || Entropy::system().uuid(&Default::default()).unwrap();
    Receipt {
        kind: Kind::V1,
        receipt_id: id(),
        reconciliation_id: id(),
        environment: "test".into(),
        project: "naissance".into(),
        received_at: instant(1_795_294_254_123_456),
        dossier_id_hash: [1; 32],
        file_name_hash: [2; 32],
        iteration: 1,
        size: 17,
        sha256: digest::sha256(b"the piece"),
        journal_entry_id: id(),
    }
}

/// What the plain command says of `message`: the content where it accepts.
fn openssl(message: &[u8], ca_pem: &str, more: &[&str]) -> Option<Vec<u8>> {
    let dir = TempDir::new().unwrap();
    let file = |name: &str| dir.path().join(name);
    std::fs::write(file("r.p7s"), message).unwrap();
    std::fs::write(file("ca.pem"), ca_pem).unwrap();
    let accepted = Command::new("openssl")
        .args(["cms", "-verify", "-inform", "DER", "-in"])
        .args([file("r.p7s"), "-CAfile".into(), file("ca.pem")])
        .args(["-out".into(), file("content")])
        .args(more)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap()
        .success();
    accepted.then(|| std::fs::read(file("content")).unwrap())
}

fn code<T>(result: crate::kernel::fault::Result<T>) -> Option<Code> {
    result.err().map(|fault| fault.code())
}

#[test]
fn the_plain_command_accepts_a_receipt_and_gives_its_very_bytes_back() {
    let authority = Authority::new();
    let content = receipt().to_bytes().unwrap();
    let message = authority.signer(2090).sign(&content).unwrap();
    assert_eq!(openssl(&message, &authority.pem(), &[]), Some(content));
}

#[test]
fn line_feeds_and_binary_bytes_survive_the_signature() {
    let authority = Authority::new();
    let content = b"one\ntwo\r\n\0\xff".to_vec();
    let message = authority.signer(2090).sign(&content).unwrap();
    assert_eq!(openssl(&message, &authority.pem(), &[]), Some(content));
}

#[test]
fn the_signing_certificate_v2_attribute_is_signed_and_demanded() {
    let authority = Authority::new();
    let message = authority.signer(2090).sign(b"x").unwrap();
    // 1.2.840.113549.1.9.16.2.47
    let attribute = [42, 134, 72, 134, 247, 13, 1, 9, 16, 2, 47];
    assert!(message.windows(11).any(|bytes| bytes == attribute));
    assert!(openssl(&message, &authority.pem(), &["-cades"]).is_some());
}

#[test]
fn our_own_reading_tells_the_receipt_and_its_signer() {
    let authority = Authority::new();
    let (signer, receipt) = (authority.signer(2090), receipt());
    let message = signer.sign(&receipt.to_bytes().unwrap()).unwrap();
    let (read, info) = verify(&message, authority.pem().as_bytes(), None).unwrap();
    assert_eq!(read, receipt);
    assert_eq!(info.subject, "CN=Test receipts");
    assert_eq!(info.certificate_sha256, signer.certificate_sha256());
    assert!(info.signed_at.unwrap() > instant(1_700_000_000_000_000));
}

#[test]
fn no_flipped_bit_of_a_message_changes_what_it_proves() {
    let authority = Authority::new();
    let receipt = receipt();
    let message = authority
        .signer(2090)
        .sign(&receipt.to_bytes().unwrap())
        .unwrap();
    let ca = authority.pem();
    for at in 0..message.len() {
        let mut flipped = message.clone();
        flipped[at] ^= 1;
        // Bits outside of what is signed (the embedded root, an algorithm's parameters) may differ without harm.
        if let Ok((read, _)) = verify(&flipped, ca.as_bytes(), None) {
            assert_eq!(read, receipt, "byte {at}");
        }
    }
    let content = message
        .windows(8)
        .position(|bytes| bytes == b"receipt/")
        .unwrap();
    let mut flipped = message.clone();
    flipped[content] ^= 1;
    assert_eq!(openssl(&flipped, &ca, &[]), None);
    assert_eq!(
        code(verify(&flipped, ca.as_bytes(), None)),
        Some(Code::Corrupt)
    );
}

#[test]
fn an_expired_signer_still_proves_what_it_signed_in_its_time() {
    let authority = Authority::new();
    let then: Timestamp = "2021-06-01T00:00:00Z".parse().unwrap();
    let signer = authority.signer(2022).with_clock(Clock::frozen(then));
    let receipt = receipt();
    let message = signer.sign(&receipt.to_bytes().unwrap()).unwrap();
    let ca = authority.pem();
    let attime = then.as_second().to_string();
    assert_eq!(openssl(&message, &ca, &[]), None);
    assert!(openssl(&message, &ca, &["-attime", &attime]).is_some());
    assert_eq!(
        code(verify(&message, ca.as_bytes(), None)),
        Some(Code::Corrupt)
    );
    assert_eq!(
        verify(&message, ca.as_bytes(), Some(then)).unwrap().0,
        receipt
    );
    assert_eq!(signer.expires_at(), "2022-12-31T00:00:00Z".parse().unwrap());
}

#[test]
fn nothing_is_signed_outside_the_dates_of_the_certificate() {
    let clock = Clock::frozen("2022-12-30T23:59:59Z".parse().unwrap());
    let signer = Authority::new().signer(2022).with_clock(clock.clone());
    assert!(signer.sign(b"x").is_ok());
    for outside in ["2019-12-31T23:59:59Z", "2022-12-31T00:00:00Z"] {
        clock.set(outside.parse().unwrap());
        assert_eq!(
            code(signer.sign(b"x")),
            Some(Code::SignerExpired),
            "{outside}"
        );
        assert_eq!(
            code(signer.usable()),
            Some(Code::SignerExpired),
            "{outside}"
        );
    }
}

#[test]
fn a_certificate_is_warned_of_thirty_days_before_its_end() {
    let clock = Clock::frozen("2022-11-30T23:59:59Z".parse().unwrap());
    let signer = Authority::new().signer(2022).with_clock(clock.clone());
    assert_eq!(signer.warning(), None);
    clock.set("2022-12-01T00:00:01Z".parse().unwrap());
    let warning = signer.warning().unwrap();
    assert!(warning.contains("2022-12-31T00:00:00Z"), "{warning}");
}

#[test]
fn another_root_proves_nothing() {
    let message = Authority::new().signer(2090).sign(b"x").unwrap();
    let other = Authority::new().pem();
    assert_eq!(openssl(&message, &other, &[]), None);
    assert_eq!(
        code(verify(&message, other.as_bytes(), None)),
        Some(Code::Corrupt)
    );
    assert_eq!(
        code(verify(b"rubbish", other.as_bytes(), None)),
        Some(Code::Corrupt)
    );
}

#[test]
fn a_tls_certificate_is_refused_at_load_and_by_the_plain_command() {
    let authority = Authority::new();
    let (chain, key) = authority.issue(Purpose::ServerAuth, p256(), 2090);
    assert_eq!(
        code(Signer::load(chain.as_bytes(), key.as_bytes())),
        Some(Code::Configuration)
    );
    let forced = signer::tests::unchecked(chain.as_bytes(), key.as_bytes());
    let message = forced.sign(&receipt().to_bytes().unwrap()).unwrap();
    assert_eq!(openssl(&message, &authority.pem(), &[]), None);
    assert_eq!(
        code(verify(&message, authority.pem().as_bytes(), None)),
        Some(Code::Corrupt)
    );
}

#[test]
fn a_key_of_another_certificate_or_curve_is_refused_at_load() {
    let authority = Authority::new();
    let (chain, _) = authority.issue(Purpose::EmailProtection, p256(), 2090);
    let other = p256().serialize_pem();
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let (chain_384, key_384) = authority.issue(Purpose::EmailProtection, p384, 2090);
    for (chain, key) in [
        (chain.as_str(), other.as_str()),
        (&chain_384, &key_384),
        ("", &other),
    ] {
        assert_eq!(
            code(Signer::load(chain.as_bytes(), key.as_bytes())),
            Some(Code::Configuration)
        );
    }
}

#[test]
fn the_document_keeps_its_form_on_the_wire() {
    let json: serde_json::Value = serde_json::from_slice(&receipt().to_bytes().unwrap()).unwrap();
    assert_eq!(json["type"], "navette.receipt/1");
    assert_eq!(json["receivedAt"], "2026-11-21T20:50:54.123456Z");
    assert_eq!(json["dossierIdHash"], "01".repeat(32));
    assert_eq!(json.as_object().unwrap().len(), 12);
}

#[test]
fn an_unknown_version_of_the_document_is_refused() {
    let text = String::from_utf8(receipt().to_bytes().unwrap()).unwrap();
    let later = text.replace("receipt/1", "receipt/2");
    assert_eq!(
        code(Receipt::from_bytes(later.as_bytes())),
        Some(Code::Corrupt)
    );
}

#[test]
fn the_signing_time_is_the_clocks_in_this_century_and_in_the_next_half() {
    let authority = Authority::new();
    let content = receipt().to_bytes().unwrap();
    for date in ["2026-11-21T20:50:54Z", "2050-01-01T00:00:00Z"] {
        let at: Timestamp = date.parse().unwrap();
        let signer = authority.signer(2090).with_clock(Clock::frozen(at));
        let message = signer.sign(&content).unwrap();
        let (_, info) = verify(&message, authority.pem().as_bytes(), None).unwrap();
        assert_eq!(info.signed_at, Some(at));
        assert!(openssl(&message, &authority.pem(), &["-cades"]).is_some());
    }
}

#[test]
fn a_message_is_der_as_openssl_itself_would_write_it() {
    use openssl::cms::CmsContentInfo;
    let authority = Authority::new();
    for content in [vec![], vec![7; 100], vec![7; 200], vec![7; 70_000]] {
        let message = authority.signer(2090).sign(&content).unwrap();
        let read = CmsContentInfo::from_der(&message).unwrap();
        assert_eq!(read.to_der().unwrap(), message);
    }
}
