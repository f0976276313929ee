//! An FTP server over TLS.

use std::{net::IpAddr, path::PathBuf};

use super::super::reader::Reader;

/// How an FTPS server is reached.
#[derive(Clone, Debug)]
pub struct Ftps {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// When TLS begins.
    pub mode: FtpsMode,
    /// Our name there.
    pub user: String,
    /// The file of our password.
    pub password_file: PathBuf,
    /// The authorities that its certificate must come from, PEM.
    pub ca: PathBuf,
    /// The name that its certificate must bear, where not [`Ftps::host`].
    pub server_name: Option<String>,
    /// Our certificate chain and its key, PEM, where it asks for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// The lowest version of TLS.
    pub tls_floor: TlsVersion,
    /// The highest. 1.2 where nothing is said, unless the floor is above: servers that demand the session's reuse on data
    /// connections let a ticket of 1.3 serve once, and some give no other.
    pub tls_ceiling: TlsVersion,
    /// The address of data connections, where the server tells a wrong one.
    pub passive_address: Option<IpAddr>,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FtpsMode {
    /// By `AUTH TLS`, on port 21.
    Explicit,
    /// At once, on port 990.
    Implicit,
}

/// Versions of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.2
    V12,
    /// 1.3
    V13,
}

impl Ftps {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mode = mode(reader);
        let port = match mode {
            FtpsMode::Explicit => 21,
            FtpsMode::Implicit => 990,
        };
        let (tls_floor, tls_ceiling) = versions(reader);
        Self {
            host: reader.text("ftps.host"),
            port: reader.number("ftps.port", port, 1, 65_535) as u16,
            mode,
            user: reader.text("ftps.user"),
            password_file: reader.file("ftps.password_file"),
            ca: reader.file("ftps.ca"),
            server_name: reader.optional_text("ftps.server_name"),
            certificate: certificate(reader),
            tls_floor,
            tls_ceiling,
            passive_address: passive_address(reader),
        }
    }
}

fn mode(reader: &mut Reader) -> FtpsMode {
    match reader.optional_text("ftps.mode").as_deref() {
        None | Some("explicit") => FtpsMode::Explicit,
        Some("implicit") => FtpsMode::Implicit,
        Some(_) => {
            reader.wrong("ftps.mode", "expected \"explicit\" or \"implicit\"");
            FtpsMode::Explicit
        }
    }
}

fn certificate(reader: &mut Reader) -> Option<(PathBuf, PathBuf)> {
    let certificate = reader.optional_file("ftps.certificate");
    let key = reader.optional_file("ftps.key_file");
    if certificate.is_some() != key.is_some() {
        reader.wrong("ftps.certificate", "certificate and key_file go together");
    }
    certificate.zip(key)
}

fn versions(reader: &mut Reader) -> (TlsVersion, TlsVersion) {
    let floor = version(reader, "ftps.tls_floor", TlsVersion::V12);
    let ceiling = version(reader, "ftps.tls_ceiling", floor);
    if floor > ceiling {
        reader.wrong("ftps.tls_ceiling", "must not be below tls_floor");
    }
    (floor, ceiling)
}

fn version(reader: &mut Reader, key: &str, default: TlsVersion) -> TlsVersion {
    match reader.optional_text(key).as_deref() {
        None => default,
        Some("1.2") => TlsVersion::V12,
        Some("1.3") => TlsVersion::V13,
        Some(_) => {
            reader.wrong(key, "expected \"1.2\" or \"1.3\"");
            default
        }
    }
}

fn passive_address(reader: &mut Reader) -> Option<IpAddr> {
    let text = reader.optional_text("ftps.passive_address")?;
    let address = text.parse().ok();
    if address.is_none() {
        reader.wrong("ftps.passive_address", "expected an IP address");
    }
    address
}
