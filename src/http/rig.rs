//! For this room's tests: a throwaway authority, a running listener, and clients that speak to it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use axum::{
    Extension, Router,
    body::Body,
    extract::Request,
    routing::{get, post},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    body::{Meter, fault_of},
    listener::{Listener, Settings},
    multipart::Parts,
    peer::Peer,
    tls::{Tls, TlsFiles},
};
use crate::kernel::{digest, fault::Result};

/// An authority whose certificates and lists lie in a folder of their own.
pub struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "Throwaway authority");
        let key = KeyPair::generate().unwrap();
        let authority = Self {
            folder: tempfile::tempdir().unwrap(),
            issuer: CertifiedIssuer::self_signed(params, key).unwrap(),
        };
        authority.write("ca.pem", &authority.issuer.pem());
        authority
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Issues `NAME.pem` and `NAME.key` for localhost.
    pub fn issue(&self, name: &str, serial: u64, usage: ExtendedKeyUsagePurpose, last_year: i32) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(serial));
        params.extended_key_usages = vec![usage];
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        self.write(&format!("{name}.pem"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    /// Writes `NAME`, a list that revokes `serials` and is good until `last_year`.
    pub fn revoke(&self, name: &str, serials: &[u64], last_year: i32) {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2021, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2021, 1, 1),
            next_update: date_time_ymd(last_year, 1, 1),
            crl_number: SerialNumber::from(1u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.issuer).unwrap();
        self.write(name, &list.pem().unwrap());
    }

    /// TLS of a server of this authority that takes its clients too.
    pub fn tls(&self, revocations: &[&str]) -> Arc<Tls> {
        self.issue("server", 1, ExtendedKeyUsagePurpose::ServerAuth, 2090);
        let files = TlsFiles {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            client_authorities: vec![self.path("ca.pem")],
            revocations: revocations.iter().map(|name| self.path(name)).collect(),
        };
        Arc::new(Tls::load(files).unwrap())
    }
}

/// A listener at work on a free port.
pub struct Running {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub done: JoinHandle<()>,
}

pub async fn start(tls: Option<Arc<Tls>>, settings: Settings, router: Router) -> Running {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(anywhere, tls, settings).await.unwrap();
    let (address, stop) = (listener.address(), CancellationToken::new());
    let done = tokio::spawn(listener.serve(router, stop.clone()));
    Running {
        address,
        stop,
        done,
    }
}

/// Routes that show what arrived: `/who` the peer, `/count` the body's length and digest, `/refuse` an early answer,
/// `/parts` the two parts.
pub fn routes(settings: Settings) -> Router {
    let limits = settings.limits;
    Router::new()
        .route("/who", get(who))
        .route("/count", post(count))
        .route("/parts", post(parts))
        .route(
            "/refuse",
            post(move |request: Request| async move { limits.check_declared(request.headers()) }),
        )
}

async fn who(Extension(peer): Extension<Peer>) -> String {
    let certificate = peer.certificate_sha256.map(|sha256| digest::hex(&sha256));
    format!("{:?} {:?}", certificate, peer.subject)
}

async fn count(Extension(meter): Extension<Meter>, body: Body) -> Result<String> {
    let whole = axum::body::to_bytes(body, usize::MAX).await;
    let whole = whole.map_err(|error| fault_of(&error))?;
    Ok(format!(
        "{} {}",
        meter.received(),
        digest::hex(&digest::sha256(&whole))
    ))
}

async fn parts(request: Request) -> Result<String> {
    let (head, body) = request.into_parts();
    let mut parts = Parts::open(&head.headers, body)?;
    let metadata = parts.metadata().await?;
    let mut content = parts.content().await?;
    let (mut hasher, mut size, mut pieces) = (digest::Hasher::new(false), 0, 0);
    while let Some(piece) = content.chunk().await? {
        (size, pieces) = (size + piece.len(), pieces + 1);
        hasher.update(&piece);
    }
    drop(content);
    parts.finish().await?;
    let sha256 = digest::hex(&hasher.finish().sha256);
    Ok(format!("{} {size} {pieces} {sha256}", metadata.len()))
}

/// Runs a command to its end; its status and its output.
pub async fn run(program: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(120), child.wait_with_output());
    let output = ended.await.expect("the command hangs").unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// Sends `text` on a plain socket and reads until the server closes.
pub async fn raw(address: SocketAddr, text: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(text).await.unwrap();
    read_all(&mut socket).await
}

pub async fn read_all(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is an end too.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// A file of `length` bytes for a client to send.
pub fn sparse_file(folder: &Path, length: u64) -> PathBuf {
    let path = folder.join(format!("{length}.bin"));
    std::fs::File::create(&path)
        .unwrap()
        .set_len(length)
        .unwrap();
    path
}
