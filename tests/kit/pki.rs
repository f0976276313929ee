//! A throwaway public key infrastructure as PEM files, made once per test process.
//!
//! One root that everyone trusts and a foreign one that no one does. To add an identity: a field of [`Pki`] and a line
//! in [`make`].

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use aws_lc_rs::{
    digest, rand,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use data_encoding::{BASE64, HEXLOWER};
use jiff::{Timestamp, civil::date, tz::TimeZone};
use navette::kernel::clock::Clock;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose as Purpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose as Usage, PKCS_ECDSA_P256_SHA256, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::scratch;

/// A certificate with its private key.
#[derive(Debug)]
pub struct Identity {
    /// The certificate's file (PEM, leaf only: every leaf is signed by its root).
    pub certificate: PathBuf,
    /// The private key's file (PEM, PKCS #8).
    pub key: PathBuf,
    /// SHA-256 of the certificate's DER, as tokens and access lists name it.
    pub fingerprint: [u8; 32],
}

impl Identity {
    /// The certificate for a TLS configuration.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_file(&self.certificate).expect("we wrote it")]
    }

    /// The key for a TLS configuration.
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_file(&self.key).expect("we wrote it")
    }
}

/// Every certificate and key that a journey needs.
#[derive(Debug)]
pub struct Pki {
    /// The root that gateway, clients and partner trust.
    pub root: PathBuf,
    /// A root that none of them trusts.
    pub foreign_root: PathBuf,
    /// The gateway's server certificate (localhost, 127.0.0.1).
    pub server: Identity,
    /// An ASP application's client certificate.
    pub client: Identity,
    /// Another application's client certificate, as good as the first.
    pub other_client: Identity,
    /// A client certificate that ended in 2021.
    pub expired_client: Identity,
    /// A client certificate of the foreign root.
    pub foreign_client: Identity,
    /// A certificate of our root that may only serve.
    pub server_only: Identity,
    /// The certificate that the gateway shows to partners.
    pub outbound: Identity,
    /// The partner's server certificate (localhost, 127.0.0.1).
    pub partner: Identity,
    /// A server certificate that ended in 2021.
    pub expired_partner: Identity,
    /// A server certificate of the foreign root, for a partner whom the gateway must not trust.
    pub foreign_partner: Identity,
    /// The receipt signer (P-256, e-mail protection, digital signature and non-repudiation).
    pub receipt_signer: Identity,
    /// The one that follows him.
    pub next_signer: Identity,
    /// One whose certificate ended in 2021.
    pub expired_signer: Identity,
    /// One whose certificate ends at [`Pki::end`].
    pub ending_signer: Identity,
    /// In more than a year, and long before every other certificate ends.
    pub end: Timestamp,
    /// A list of that root that revokes nobody.
    pub nobody_revoked: PathBuf,
    /// A list of that root that revokes [`Pki::client`].
    pub client_revoked: PathBuf,
    /// The key that signs access tokens (EC P-256, PKCS #8).
    pub token_key: PathBuf,
    /// The key that signs callbacks (ed25519, `whsk_…` as Standard Webhooks writes it).
    pub webhook_key: PathBuf,
    /// Its public half (`whpk_…`).
    pub webhook_public: String,
    /// The key that wraps project keys: 32 random bytes in hexadecimal.
    pub master_key: PathBuf,
}

static PKI: LazyLock<Pki> = LazyLock::new(make);

/// The infrastructure of this process.
pub fn pki() -> &'static Pki {
    &PKI
}

type Root = Issuer<'static, KeyPair>;

fn make() -> Pki {
    let dir = scratch::fresh("pki");
    let (webhook_secret, webhook_public) = webhook_pair();
    let root = root(&dir, "root", "Navette test root");
    let foreign = self::root(&dir, "foreign-root", "Foreign test root");
    let (end, ending) = ending();
    let leaf = |name: &str, purpose| issue(&dir, &root, name, leaf_params(name, purpose));
    let stranger = |name: &str, purpose| issue(&dir, &foreign, name, leaf_params(name, purpose));
    Pki {
        root: dir.join("root.pem"),
        foreign_root: dir.join("foreign-root.pem"),
        server: leaf("server", Purpose::ServerAuth),
        client: issue(&dir, &root, "client", client()),
        other_client: leaf("other-client", Purpose::ClientAuth),
        expired_client: issue(
            &dir,
            &root,
            "expired-client",
            expired("expired-client", Purpose::ClientAuth),
        ),
        foreign_client: stranger("foreign-client", Purpose::ClientAuth),
        server_only: leaf("server-only", Purpose::ServerAuth),
        outbound: leaf("outbound", Purpose::ClientAuth),
        partner: leaf("partner", Purpose::ServerAuth),
        expired_partner: issue(
            &dir,
            &root,
            "expired-partner",
            expired("expired-partner", Purpose::ServerAuth),
        ),
        foreign_partner: stranger("foreign-partner", Purpose::ServerAuth),
        next_signer: issue(&dir, &root, "next-signer", signer()),
        expired_signer: issue(&dir, &root, "expired-signer", expired_signer()),
        ending_signer: issue(&dir, &root, "ending-signer", ending),
        end,
        receipt_signer: issue(&dir, &root, "receipt-signer", signer()),
        nobody_revoked: list(&dir, &root, "nobody.crl", &[]),
        client_revoked: list(&dir, &root, "client.crl", &[CLIENT]),
        token_key: write(&dir, "token-key.pem", &p256().serialize_pem()),
        webhook_key: write(&dir, "webhook.key", &webhook_secret),
        webhook_public,
        master_key: write(&dir, "master.key", &HEXLOWER.encode(&random())),
    }
}

fn root(dir: &Path, name: &str, common_name: &str) -> Root {
    let mut params = params(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![Usage::KeyCertSign, Usage::CrlSign];
    let key = p256();
    let certificate = params.self_signed(&key).expect("a root signs itself");
    write(dir, &format!("{name}.pem"), &certificate.pem());
    Issuer::new(params, key)
}

fn issue(dir: &Path, root: &Root, name: &str, params: CertificateParams) -> Identity {
    let key = p256();
    let certificate = params.signed_by(&key, root).expect("a root signs a leaf");
    let fingerprint = digest::digest(&digest::SHA256, certificate.der());
    Identity {
        certificate: write(dir, &format!("{name}.pem"), &certificate.pem()),
        key: write(dir, &format!("{name}-key.pem"), &key.serialize_pem()),
        fingerprint: fingerprint
            .as_ref()
            .try_into()
            .expect("SHA-256 is 32 bytes"),
    }
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])
        .expect("both are valid names");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

fn leaf_params(common_name: &str, purpose: Purpose) -> CertificateParams {
    let mut params = params(common_name);
    params.key_usages = vec![Usage::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    params
}

/// The number of the client's certificate; the others have numbers of rcgen's making.
const CLIENT: u64 = 1_000_001;

fn client() -> CertificateParams {
    let mut params = leaf_params("client", Purpose::ClientAuth);
    params.serial_number = Some(SerialNumber::from(CLIENT));
    params
}

/// A revocation list, as long-lived as the certificates.
fn list(dir: &Path, root: &Root, name: &str, revoked: &[u64]) -> PathBuf {
    let revoked = revoked.iter().map(|number| RevokedCertParams {
        serial_number: SerialNumber::from(*number),
        revocation_time: date_time_ymd(2021, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2021, 1, 1),
        next_update: date_time_ymd(2120, 1, 1),
        crl_number: SerialNumber::from(1u64),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(root).expect("a root signs its lists");
    write(dir, name, &list.pem().expect("a list has a text"))
}

fn expired(common_name: &str, purpose: Purpose) -> CertificateParams {
    let mut params = leaf_params(common_name, purpose);
    params.not_after = date_time_ymd(2021, 1, 1);
    params
}

fn signer() -> CertificateParams {
    let mut params = leaf_params("Navette test receipts", Purpose::EmailProtection);
    params.key_usages.push(Usage::ContentCommitment);
    params.subject_alt_names.clear();
    params
}

fn expired_signer() -> CertificateParams {
    let mut params = signer();
    params.not_after = date_time_ymd(2021, 1, 1);
    params
}

/// A signer whose certificate ends with the next year, and that instant.
fn ending() -> (Timestamp, CertificateParams) {
    let now = Clock::system().now().to_zoned(TimeZone::UTC);
    let end = date(now.year() + 2, 1, 1).to_zoned(TimeZone::UTC);
    let mut params = signer();
    params.not_after = date_time_ymd((now.year() + 2).into(), 1, 1);
    (end.expect("UTC has every day").timestamp(), params)
}

fn p256() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("keys can be made")
}

/// Secret (seed, then public key) and public key, each with its prefix.
fn webhook_pair() -> (String, String) {
    let seed = random();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are a seed");
    let public = pair.public_key().as_ref();
    let secret = [&seed, public].concat();
    (
        format!("whsk_{}", BASE64.encode(&secret)),
        format!("whpk_{}", BASE64.encode(public)),
    )
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).expect("the scratch directory is writable");
    scratch::set_mode(&path, 0o600);
    path
}
