//! A partner's API for these tests: a real TLS server that demands our certificate and answers as told.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose as Purpose, IsCa,
    KeyPair,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::kernel::digest::{Sha256, sha256};

/// A root of trust.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A certificate for `localhost` and its key.
    pub fn issue(&self, purpose: Purpose) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages = vec![purpose];
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

/// What the partner does with a request.
#[derive(Clone)]
pub enum Script {
    /// Answers with these bytes.
    Raw(String),
    /// Answers 200 and then zeros, without end.
    Endless,
    /// Reads and says nothing.
    Silent,
}

/// A request as it came.
pub struct Received {
    pub head: String,
    pub body: Vec<u8>,
}

impl Received {
    /// The header fields, names in lower case.
    pub fn fields(&self) -> Vec<(String, String)> {
        let fields = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        fields
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect()
    }

    pub fn field(&self, name: &str) -> Option<String> {
        self.fields()
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }
}

pub struct Partner {
    pub port: u16,
    pub certificate_sha256: Sha256,
    requests: mpsc::UnboundedReceiver<Received>,
}

impl Partner {
    /// Listens on a free port; its certificate and its clients' come from `authority`.
    pub async fn start(authority: &Authority, script: Script) -> Self {
        let (certificate, key) = authority.issue(Purpose::ServerAuth);
        let certificate_sha256 = sha256(certificate.der());
        let acceptor = acceptor(authority, certificate, &key);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(
                    acceptor.clone(),
                    stream,
                    script.clone(),
                    told.clone(),
                ));
            }
        });
        Self {
            port,
            certificate_sha256,
            requests,
        }
    }

    /// The next request that came; `None` if none did.
    pub fn received(&mut self) -> Option<Received> {
        self.requests.try_recv().ok()
    }
}

fn acceptor(authority: &Authority, certificate: rcgen::Certificate, key: &KeyPair) -> TlsAcceptor {
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .build()
        .unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    script: Script,
    told: mpsc::UnboundedSender<Received>,
) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    while let Some(request) = request(&mut stream).await {
        told.send(request).ok();
        if answer(&mut stream, &script).await.is_none() {
            return;
        }
    }
}

async fn request(stream: &mut TlsStream<TcpStream>) -> Option<Received> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let mut body = bytes.split_off(end + 4);
    let head = String::from_utf8(bytes).unwrap();
    let mut received = Received {
        head,
        body: Vec::new(),
    };
    let length = received.field("content-length")?.parse().unwrap();
    while body.len() < length {
        (stream.read_buf(&mut body).await.ok()? > 0).then_some(())?;
    }
    received.body = body;
    Some(received)
}

async fn answer(stream: &mut TlsStream<TcpStream>, script: &Script) -> Option<()> {
    match script {
        Script::Raw(text) => stream.write_all(text.as_bytes()).await.ok(),
        Script::Silent => std::future::pending().await,
        Script::Endless => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
                .await
                .ok()?;
            loop {
                stream.write_all(&[0; 16 * 1024]).await.ok()?;
            }
        }
    }
}
