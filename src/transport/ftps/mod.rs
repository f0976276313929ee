//! FTP over TLS (RFC 4217), explicit and implicit, always with the data channel protected.
//!
//! | file | gives |
//! |---|---|
//! | `link` | the session's sockets under one deadline |
//! | `tls` | who the server must be, who we are, and sessions that data connections resume |
//! | `listing` | folders: `MLSD` where the server knows it, else `LIST` and `MDTM` |
//! | `reply` | from a server's reply to a fault |
//!
//! **What counts as done.** An upload: the reply 226 or 250 *and* the right `SIZE`. A download: every byte that `SIZE`
//! announced, the TLS goodbye, and that reply. A data connection that breaks is not reported before the control connection was
//! asked why: a full disk or a refused session often shows up as "Broken pipe" only, or as a data connection that takes nothing
//! any more (what stands between us keeps it open), and is not taken for a silence either.
//!
//! **Passive mode only.** Data connections go to the control connection's own address, whatever the server tells (behind NAT
//! it tells a wrong one, and a hostile one would send us elsewhere), or to `passive_address`.
//!
//! **TLS session reuse.** Servers may demand that data connections resume the control connection's session (vsftpd:
//! `require_ssl_reuse`, ProFTPD unless `NoSessionReuseRequired`). See `tls`; where one fails with TLS 1.3 all the same, the
//! fault says so and `tls_ceiling = "1.2"` helps.

mod link;
mod listing;
mod reply;
mod tls;
mod transfer;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec};
use suppaftp::{FtpError, FtpResult, ImplFtpStream, Mode, Status, types::FileType};

use self::{
    link::Link,
    tls::{Connector, Secured, Seen},
};
use super::{Listed, Session, Sink, net};
use crate::{
    config::depots::{Ftps as Settings, FtpsMode},
    kernel::{
        clock::Clock,
        digest::{hex, sha256},
        fault::{Code, Fault, Result},
    },
};

type Stream = ImplFtpStream<Secured>;

/// A session with an FTPS server.
pub struct Ftps {
    stream: Stream,
    link: Link,
    seen: Seen,
    patience: Duration,
    mode: FtpsMode,
    knows_mlsd: bool,
    /// Where the server puts us after the login.
    home: String,
    /// Exact dates of files whose listing tells minutes only, by path: with the size and the date as listed.
    dates: HashMap<String, listing::Dated>,
}

/// Whether its certificate can be judged and ours shown: what the settings and their files say. Fails with the key of the
/// settings, and with `configuration`.
pub(super) fn trusts_its_server(settings: &Settings) -> Result<(), (&'static str, Fault)> {
    tls::check(settings)
}

/// Connects and logs in; no silence of the server is borne for longer than `patience`.
///
/// Fails with `depot-unreachable`, `depot-certificate-refused`, `depot-insecure` (no TLS, or none that the settings allow),
/// `depot-login-refused`, or `configuration` where a file does not serve.
pub fn connect(settings: &Settings, patience: Duration, clock: &Clock) -> Result<Ftps> {
    let link = Link::new()?;
    let seen = Seen::default();
    let connector = Connector::new(settings, clock, seen.clone(), link.holder())?;
    let password = password(settings)?;
    link.within(patience);
    let stream = match settings.mode {
        FtpsMode::Explicit => {
            let end = Instant::now() + patience;
            let socket = net::dial(&settings.host, settings.port, end)?;
            explicit(socket, name(settings), &link, connector)
        }
        FtpsMode::Implicit => implicit(settings, patience, connector),
    };
    let stream = stream.map_err(|error| refused(&seen, error))?;
    let mut ftps = Ftps {
        stream: through(stream, settings.passive_address, patience),
        link,
        seen,
        patience,
        mode: settings.mode,
        knows_mlsd: false,
        home: String::new(),
        dates: HashMap::new(),
    };
    ftps.log_in(settings, &password)?;
    Ok(ftps)
}

fn password(settings: &Settings) -> Result<crate::kernel::secret::Secret> {
    let read = std::fs::read_to_string(&settings.password_file);
    let text = read.map_err(|error| {
        let detail = "le mot de passe du dépôt FTPS est illisible";
        Fault::new(Code::Configuration, detail).because(error)
    })?;
    let password = text.trim_end_matches(['\r', '\n']);
    Ok(crate::kernel::secret::Secret::new(password))
}

/// In clear first, then `AUTH TLS`: nothing that matters is said before.
fn explicit(socket: TcpStream, name: &str, link: &Link, connector: Connector) -> FtpResult<Stream> {
    let held = link.holder().hold(&socket, 0);
    held.map_err(FtpError::ConnectionError)?;
    Stream::connect_with_stream(socket)?.into_secure(connector, name)
}

/// TLS from the first byte. The library connects by itself here and without a deadline, hence the thread: the caller goes on
/// at his, and the connection attempt ends with the system's own.
fn implicit(settings: &Settings, patience: Duration, connector: Connector) -> FtpResult<Stream> {
    let (tell, told) = mpsc::channel();
    let (address, name) = (
        (settings.host.clone(), settings.port),
        name(settings).to_owned(),
    );
    let connecting = move || {
        let connected = Stream::connect_secure_implicit(address, connector, &name);
        // Nobody listens any more once the deadline has passed.
        let _ = tell.send(connected);
    };
    thread::Builder::new()
        .name("depot-connect".to_owned())
        .spawn(connecting)
        .map_err(FtpError::ConnectionError)?;
    let mut stream = told
        .recv_timeout(patience)
        .map_err(|_| FtpError::ConnectionError(std::io::ErrorKind::TimedOut.into()))??;
    stream.custom_command("PBSZ 0", &[Status::CommandOk])?;
    stream.custom_command("PROT P", &[Status::CommandOk])?;
    Ok(stream)
}

fn name(settings: &Settings) -> &str {
    settings.server_name.as_ref().unwrap_or(&settings.host)
}

/// Leads data connections to the address that counts.
fn through(stream: Stream, passive_address: Option<IpAddr>, patience: Duration) -> Stream {
    let control = stream.get_ref().peer_addr().ok();
    let mut stream = stream.passive_stream_builder(move |told: SocketAddr| {
        let address = passive_address.or(control.map(|control| control.ip()));
        let address = SocketAddr::new(address.unwrap_or(told.ip()), told.port());
        TcpStream::connect_timeout(&address, patience).map_err(FtpError::ConnectionError)
    });
    let mode = match control.is_some_and(|control| control.is_ipv6()) {
        true => Mode::ExtendedPassive,
        false => Mode::Passive,
    };
    stream.set_mode(mode);
    stream
}

/// Why there is no session, where there is none.
fn refused(seen: &Seen, error: FtpError) -> Fault {
    let facts = seen.facts();
    if facts.broken_off {
        return reply::unreachable(&error);
    }
    if let Some(why) = facts.refused {
        let detail = format!("Le serveur FTPS n'est pas celui qui est attendu : {why}.");
        return Fault::new(Code::DepotCertificateRefused, detail).because(error);
    }
    match error {
        FtpError::SecureError(cause) => insecure(&cause),
        FtpError::UnexpectedResponse(reply) if reply::code(&reply) >= 500 => {
            insecure(&format!("reply {}", reply::code(&reply)))
        }
        other => reply::unreachable(&other),
    }
}

fn insecure(cause: &str) -> Fault {
    let detail = "Le serveur FTPS et nous n'avons pas de TLS en commun.";
    Fault::new(Code::DepotInsecure, detail).because(cause)
}

impl Ftps {
    fn log_in(
        &mut self,
        settings: &Settings,
        password: &crate::kernel::secret::Secret,
    ) -> Result<()> {
        self.link.within(self.patience);
        let logged_in = self.stream.login(settings.user.as_str(), password.expose());
        logged_in.map_err(|error| match error {
            FtpError::UnexpectedResponse(reply) if reply::code(&reply) != 421 => {
                let detail = "Le serveur FTPS refuse notre compte ou son mot de passe.";
                let cause = format!("reply {}", reply::code(&reply));
                Fault::new(Code::DepotLoginRefused, detail).because(cause)
            }
            other => reply::unreachable(&other),
        })?;
        self.command(|stream| stream.transfer_type(FileType::Binary))?;
        self.home = self.command(Stream::pwd)?;
        // A server that does not know FEAT knows none.
        let features = self.command(Stream::feat).unwrap_or_default();
        self.knows_mlsd = features.contains_key("MLST") || features.contains_key("MLSD");
        if features.contains_key("UTF8") {
            // Told for those that wait for it; to the others it is UTF-8 anyway.
            let _ = self.command(|stream| stream.opts("UTF8", Some("ON")));
        }
        Ok(())
    }

    /// Sends a command and waits for its reply, for as long as silence is borne.
    fn command<T>(&mut self, act: impl FnOnce(&mut Stream) -> FtpResult<T>) -> Result<T> {
        self.link.within(self.patience);
        let done = act(&mut self.stream);
        self.link.at_rest();
        done.map_err(|error| self.told(&error))
    }

    /// What a verb's failure means for the session.
    fn told(&self, error: &FtpError) -> Fault {
        let fault = reply::fault(error);
        match fault.code() {
            Code::TransferCut => self.lost(fault),
            _ => fault,
        }
    }

    /// The session is of no more use: it was cut, or the server kept silent for too long.
    fn lost(&self, cut: Fault) -> Fault {
        self.link.cut();
        match self.link.is_silent() {
            true => net::unreachable("silent for too long"),
            false => cut,
        }
    }

    /// A refusal that does not say why, where the reason is that there is no such file.
    fn or_missing(&mut self, path: &str, refusal: Fault) -> Fault {
        let doubted = refusal.code() == Code::DepotDenied;
        match doubted && matches!(self.described(path), Ok(None)) {
            true => reply::missing(),
            false => refusal,
        }
    }
}

impl Session for Ftps {
    fn list(&mut self, folder: &str) -> Result<Vec<Listed>> {
        self.listed(folder)
    }

    fn stat(&mut self, path: &str) -> Result<Option<Listed>> {
        self.described(path)
    }

    fn read(&mut self, path: &str, from: u64, sink: Sink<'_>) -> Result<u64> {
        self.fetch(path, from, sink)
    }

    fn write(&mut self, path: &str, from: u64, source: &mut dyn std::io::Read) -> Result<u64> {
        self.store(path, from, source)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        // The protocol knows no "only if there is none": a look before is all that can be done.
        if self.described(to)?.is_some() {
            let detail = "Un autre fichier porte déjà ce nom sur le dépôt.";
            return Err(Fault::new(Code::DepotFileExists, detail));
        }
        let renamed = self.command(|stream| stream.rename(from, to));
        renamed.map_err(|fault| self.or_missing(from, fault))
    }

    fn remove(&mut self, path: &str) -> Result<()> {
        let removed = self.command(|stream| stream.rm(path));
        removed.map_err(|fault| self.or_missing(path, fault))
    }

    fn agreed(&self) -> Vec<(String, String)> {
        let facts = self.seen.facts();
        let mode = match self.mode {
            FtpsMode::Explicit => "explicit",
            FtpsMode::Implicit => "implicit",
        };
        let resumed = facts.resumed.map(|resumed| match resumed {
            true => "resumed".to_owned(),
            false => "not resumed".to_owned(),
        });
        let shown = facts.certificate.map(|der| hex(&sha256(&der)));
        let told = [
            ("mode", Some(mode.to_owned())),
            ("tls", facts.version),
            ("cipher suite", facts.suite),
            ("certificate sha256", shown),
            ("data session", resumed),
        ];
        told.into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }

    /// Whatever an idle server says, it says goodbye.
    fn is_open(&self) -> bool {
        !self.link.is_over() && !has_spoken(&self.stream.get_ref())
    }
}

/// Whether there is something to be read on a socket, its end included.
fn has_spoken(socket: &TcpStream) -> bool {
    let mut watched = [PollFd::new(socket, PollFlags::IN)];
    let at_once = Timespec::default();
    rustix::event::poll(&mut watched, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

impl Drop for Ftps {
    /// Says goodbye where somebody still listens, without waiting for long.
    fn drop(&mut self) {
        if !self.link.is_over() {
            self.link.within(Duration::from_secs(1));
            let _ = self.stream.quit();
        }
    }
}
