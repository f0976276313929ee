//! TLS of an FTPS session: who the server must be, who we are, and sessions that are resumed.
//!
//! Many servers take a data connection only if it resumes the TLS session of its control connection: it proves that both are
//! the same client's. So each FTP session has a session store of its own (two that shared one would resume each other's),
//! and what a data connection brings in tickets is read to its end, also after an upload: with TLS 1.3 a ticket serves once,
//! and a session that never reads new ones runs out of them.
//!
//! [`Connector`] shakes hands at once, so that a refusal is told as what it is and not as the first read's.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned,
    SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use suppaftp::{FtpError, FtpResult, TlsConnector, TlsStream};

use super::link::Holder;
use crate::{
    config::depots::{Ftps as Settings, TlsVersion},
    kernel::{
        clock::Clock,
        fault::{Code, Fault, Result},
    },
};

/// How much is encrypted ahead of the socket.
const BUFFER: usize = 512 * 1024;
/// How long the end of a data connection may take to be told.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the handshakes of a session agreed on.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// The version, as it is written on the wire's dumps: `TLSv1_3`.
    pub(super) version: Option<String>,
    /// The cipher suite.
    pub(super) suite: Option<String>,
    /// The server's certificate, DER.
    pub(super) certificate: Option<Vec<u8>>,
    /// Whether the last data connection resumed the session of the control connection.
    pub(super) resumed: Option<bool>,
    /// Whether the first handshake broke off with the connection, and not by a word of TLS.
    pub(super) broken_off: bool,
    /// Why the server's certificate was refused.
    pub(super) refused: Option<&'static str>,
}

/// The facts of one session, shared with its connector.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Facts>>);

impl Seen {
    /// What is known now.
    pub(super) fn facts(&self) -> Facts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts TLS on the connections of one session: the control connection first, then those of data.
pub(super) struct Connector {
    config: Arc<ClientConfig>,
    seen: Seen,
    holder: Holder,
}

impl Connector {
    /// Reads certificates and keys. Fails with `configuration` where a file does not serve.
    pub(super) fn new(
        settings: &Settings,
        clock: &Clock,
        seen: Seen,
        holder: Holder,
    ) -> Result<Self> {
        let config = Arc::new(configure(settings, clock)?);
        Ok(Self {
            config,
            seen,
            holder,
        })
    }

    fn shake_hands(&self, name: ServerName<'static>, mut socket: TcpStream) -> io::Result<Secured> {
        let mut connection =
            ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
        connection.set_buffer_limit(Some(BUFFER));
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let is_data = self.note(&connection);
        Ok(Secured {
            stream: StreamOwned::new(connection, socket),
            is_data,
        })
    }

    /// Notes what was agreed; tells whether this was a data connection.
    fn note(&self, connection: &ClientConnection) -> bool {
        let mut facts = self.seen.lock();
        if facts.version.is_some() {
            let resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
            facts.resumed = Some(resumed);
            return true;
        }
        let shown = connection.peer_certificates().and_then(<[_]>::first);
        facts.version = connection.protocol_version().map(|v| format!("{v:?}"));
        facts.suite = connection
            .negotiated_cipher_suite()
            .map(|suite| format!("{:?}", suite.suite()));
        facts.certificate = shown.map(|shown| shown.to_vec());
        false
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl TlsConnector for Connector {
    type Stream = Secured;

    fn connect(&self, domain: &str, stream: TcpStream) -> FtpResult<Secured> {
        let name = ServerName::try_from(domain.to_owned());
        let name = name.map_err(|error| FtpError::SecureError(error.to_string()))?;
        let is_data = self.seen.lock().version.is_some();
        self.holder
            .hold(&stream, usize::from(is_data))
            .map_err(FtpError::ConnectionError)?;
        self.shake_hands(name, stream).map_err(|error| {
            let mut facts = self.seen.lock();
            facts.refused = refusal(&error);
            facts.broken_off = !is_data && !is_of_tls(&error);
            FtpError::SecureError(error.to_string())
        })
    }
}

/// Whether a handshake failed by what was said in it, and not by the connection below.
fn is_of_tls(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
}

/// Why the server's certificate does not serve, where that is what broke the handshake; for the operator, in French.
fn refusal(error: &io::Error) -> Option<&'static str> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(why) = inner else {
        return None;
    };
    Some(match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "le certificat du serveur est expiré"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "le certificat du serveur n'est pas encore valable"
        }
        CertificateError::UnknownIssuer => {
            "le certificat du serveur ne vient d'aucune autorité connue"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "le certificat du serveur porte un autre nom"
        }
        CertificateError::Revoked => "le certificat du serveur est révoqué",
        _ => "le certificat du serveur n'est pas acceptable",
    })
}

/// Whether authorities, certificate and key serve. Fails with the key of the settings, and with `configuration`.
pub(super) fn check(settings: &Settings) -> Result<(), (&'static str, Fault)> {
    roots(settings).map_err(|fault| ("ftps.ca", fault))?;
    let made = configure(settings, &Clock::system());
    made.map(drop).map_err(|fault| ("ftps.certificate", fault))
}

/// The authorities that the server's certificate must come from.
fn roots(settings: &Settings) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(&settings.ca)? {
        roots.add(authority).map_err(unfit)?;
    }
    match roots.is_empty() {
        true => Err(unfit("no authority")),
        false => Ok(roots),
    }
}

fn configure(settings: &Settings, clock: &Clock) -> Result<ClientConfig> {
    let roots = roots(settings)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(HouseTime(clock.clone())))
        .with_protocol_versions(&versions(settings))
        .map_err(unfit)?
        .with_root_certificates(roots);
    match &settings.certificate {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(unfit)?;
            let chain = certificates(certificate)?;
            builder.with_client_auth_cert(chain, key).map_err(unfit)
        }
    }
}

/// What the settings allow, from the floor to the ceiling.
fn versions(settings: &Settings) -> Vec<&'static SupportedProtocolVersion> {
    let known = [(TlsVersion::V12, &TLS12), (TlsVersion::V13, &TLS13)];
    let allowed = known
        .into_iter()
        .filter(|(version, _)| (settings.tls_floor..=settings.tls_ceiling).contains(version));
    allowed.map(|(_, version)| version).collect()
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).map_err(unfit)?;
    read.collect::<Result<_, _>>().map_err(unfit)
}

fn unfit(error: impl fmt::Display) -> Fault {
    let detail = "un certificat ou une clé du dépôt FTPS est inutilisable";
    Fault::new(Code::Configuration, detail).because(error)
}

/// The house's clock for the dates of certificates.
#[derive(Debug)]
struct HouseTime(Clock);

impl TimeProvider for HouseTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now_micros() / 1_000_000).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// A connection under TLS.
#[derive(Debug)]
pub(super) struct Secured {
    stream: StreamOwned<ClientConnection, TcpStream>,
    is_data: bool,
}

impl TlsStream for Secured {
    type InnerStream = StreamOwned<ClientConnection, TcpStream>;

    fn tcp_stream(self) -> FtpResult<TcpStream> {
        let socket = self.stream.get_ref().try_clone();
        socket.map_err(FtpError::ConnectionError)
    }

    fn get_ref(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    fn mut_ref(&mut self) -> &mut Self::InnerStream {
        &mut self.stream
    }
}

impl Drop for Secured {
    /// Says goodbye; on a data connection it also takes the tickets that came meanwhile. Whether the transfer went well is
    /// told by the reply on the control connection, not here.
    fn drop(&mut self) {
        let _ = self.stream.flush();
        self.stream.conn.send_close_notify();
        let _ = self.stream.conn.write_tls(&mut self.stream.sock);
        if self.is_data {
            let _ = self.stream.sock.shutdown(Shutdown::Write);
            let _ = self.stream.sock.set_read_timeout(Some(FAREWELL));
            let mut rest = [0; 4096];
            // Ends with the peer's goodbye, its closing, or the time for it: whichever comes first.
            let most = 64;
            let _ = (0..most).any(|_| !matches!(self.stream.read(&mut rest), Ok(read) if read > 0));
        }
    }
}
