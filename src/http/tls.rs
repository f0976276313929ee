//! The listener's TLS: its own identity, the authorities whose clients it accepts, and their revocation lists (API-9).
//!
//! A client certificate is optional in the handshake (routes demand it), but one that is shown is verified: unknown
//! authority, expired, revoked or made for servers only is a failed handshake. TLS 1.2 and 1.3 with ECDHE and AEAD suites.
//! Sessions are not resumed: each connection proves its certificate against today's lists.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio_rustls::TlsAcceptor;

use crate::kernel::{
    fault::{Code, Fault, Result},
    gathering::Gathering,
};

/// The keys of a listener's section, for its faults.
const CERTIFICATE: &str = "certificate";
const KEY: &str = "key_file";
const AUTHORITY: &str = "client_ca";
const REVOCATIONS: &str = "client_crl";

/// What is said of several faults.
const UNFIT: &str = "Le matériel TLS ne se charge pas (voir errors).";

/// Where the TLS material lies, all in PEM.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// The server's certificate, followed by its intermediates.
    pub certificate: PathBuf,
    /// The server's private key (PKCS #8, SEC1 or PKCS #1).
    pub key: PathBuf,
    /// The authorities of client certificates; without any, no client certificate is asked for.
    pub client_authorities: Vec<PathBuf>,
    /// Revocation lists. Where there is one, each issuer of a client certificate needs a current one.
    pub revocations: Vec<PathBuf>,
}

impl TlsFiles {
    fn all(&self) -> impl Iterator<Item = &PathBuf> {
        let own = [&self.certificate, &self.key].into_iter();
        own.chain(&self.client_authorities).chain(&self.revocations)
    }

    /// What tells a file that was replaced from the one before; nothing for one that is not there.
    fn stamps(&self) -> Vec<Stamp> {
        let stamp = |path: &PathBuf| {
            let found = fs::metadata(path).ok()?;
            Some((found.mtime(), found.mtime_nsec(), found.ino(), found.len()))
        };
        self.all().map(stamp).collect()
    }
}

/// Date, number and length of a file.
type Stamp = Option<(i64, i64, u64, u64)>;

/// The TLS settings in force, replaced by [`Tls::refresh`] for the connections that come after.
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
    read: Mutex<Vec<Stamp>>,
}

impl Tls {
    /// Reads the files. Fails (code `configuration`) with one error per file that does not serve, at its key of the section.
    pub fn load(files: TlsFiles) -> Result<Self> {
        let read = Mutex::new(files.stamps());
        let current = RwLock::new(Arc::new(configure(&files)?));
        Ok(Self {
            files,
            current,
            read,
        })
    }

    /// Reads the files again where one of them has changed since; answers whether one has. On failure the settings in force
    /// stay, until the next change.
    pub fn refresh(&self) -> Result<bool> {
        let stamps = self.files.stamps();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == stamps {
            return Ok(false);
        }
        *read = stamps;
        drop(read);
        self.reload().map(|()| true)
    }

    /// Reads the files again. On failure the settings in force stay.
    pub fn reload(&self) -> Result<()> {
        let fresh = Arc::new(configure(&self.files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The acceptor for the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }
}

fn configure(files: &TlsFiles) -> Result<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut faults = Gathering::default();
    let verifier = verifier(&provider, files, &mut faults);
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Fault::internal)?
        .with_client_cert_verifier(verifier.unwrap_or_else(WebPkiClientVerifier::no_client_auth));
    let chain = faults.keep(CERTIFICATE, certificates(&files.certificate));
    let key = faults.keep(KEY, private_key(&files.key));
    let made = chain.zip(key).and_then(|(chain, key)| {
        let made = builder.with_single_cert(chain, key);
        let at = made.as_ref().err().map_or(KEY, to_blame);
        faults.keep(at, made.map_err(refused))
    });
    let mut config = faults.finish(UNFIT, made)?;
    // Some clients name the version that they will speak, and are hung up on where nobody knows it.
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// Which of the two makes no identity with the other.
fn to_blame(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(_) => CERTIFICATE,
        _ => KEY,
    }
}

/// Who judges client certificates; nobody where there are no authorities of theirs, or a fault in what they are judged by.
fn verifier(
    provider: &Arc<CryptoProvider>,
    files: &TlsFiles,
    faults: &mut Gathering,
) -> Option<Arc<dyn ClientCertVerifier>> {
    let revocations = all(faults, REVOCATIONS, &files.revocations, revocations);
    let mut roots = RootCertStore::empty();
    for authority in all(faults, AUTHORITY, &files.client_authorities, certificates) {
        faults.keep(AUTHORITY, roots.add(authority).map_err(refused))?;
    }
    if roots.is_empty() {
        return None;
    }
    let built = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .with_crls(revocations)
        .only_check_end_entity_revocation()
        .enforce_revocation_expiration()
        .allow_unauthenticated()
        .build();
    faults.keep(REVOCATIONS, built.map_err(refused))
}

fn all<T>(
    faults: &mut Gathering,
    key: &str,
    paths: &[PathBuf],
    read: fn(&Path) -> Result<Vec<T>>,
) -> Vec<T> {
    let lists = paths.iter().filter_map(|path| faults.keep(key, read(path)));
    lists.flatten().collect()
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    pem_list(path, "certificat")
}

fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    pem_list(path, "liste de révocation")
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(path, error))
}

fn pem_list<T: PemObject>(path: &Path, what: &str) -> Result<Vec<T>> {
    let items = T::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<T>, _>>);
    match items {
        Ok(items) if items.is_empty() => Err(unreadable(path, format!("aucun(e) {what}"))),
        Ok(items) => Ok(items),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn unreadable(path: &Path, error: impl std::fmt::Display) -> Fault {
    let detail = format!("{} : {error}", path.display());
    Fault::new(Code::Configuration, detail)
}

fn refused(error: impl std::fmt::Display) -> Fault {
    let detail = format!("Le matériel TLS est refusé : {error}");
    Fault::new(Code::Configuration, detail)
}
