//! Real FTPS servers on free loopback ports: vsftpd, which demands here that data connections resume the TLS session of the
//! control connection (`require_ssl_reuse=YES`), and ProFTPD, which does by default.
//!
//! They need a namespace of processes, so the tests that use them run as root. Both let one user in, [`USER`] with [`PASSWORD`], in a folder of their own: [`FtpsServer::root`]. To add a server: a variant
//! of [`Make`] and a file with its settings.

mod proftpd;
mod vsftpd;

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use super::{
    pki::{Identity, pki},
    ports,
    process::{self, Fate},
    scratch, wait,
};

/// Long enough for a busy machine.
const STARTED: Duration = Duration::from_secs(30);

/// Who logs in. vsftpd knows this one without the machine's accounts.
pub const USER: &str = "anonymous";

/// With what.
pub const PASSWORD: &str = "secret-du-depot";

/// How many ports a server has for data connections.
pub const DATA_PORTS: u16 = 24;

/// Which program serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// With `require_ssl_reuse=YES`.
    Vsftpd,
    /// With its defaults.
    Proftpd,
}

/// How a server is to be, where not as usual.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// TLS from the first byte.
    pub implicit: bool,
    /// Whether a client must show a certificate of the kit's root.
    pub client_certificates: bool,
    /// The address that it tells for data connections.
    pub passive_address: &'static str,
    /// Its certificate.
    pub certificate: PathBuf,
    /// The key of it.
    pub key: PathBuf,
    /// The folder that it serves, where not one of its own.
    pub root: Option<PathBuf>,
    /// More lines of its own settings.
    pub more: &'static str,
}

impl Default for Wanted {
    fn default() -> Self {
        Self::with(&pki().partner)
    }
}

impl Wanted {
    /// As usual, with another certificate.
    pub fn with(identity: &Identity) -> Self {
        Self {
            implicit: false,
            client_certificates: false,
            passive_address: "127.0.0.1",
            certificate: identity.certificate.clone(),
            key: identity.key.clone(),
            root: None,
            more: "",
        }
    }
}

/// A server that runs; killed when dropped.
#[derive(Debug)]
pub struct FtpsServer {
    dir: PathBuf,
    root: PathBuf,
    port: u16,
    data: u16,
    implicit: bool,
    command: Command,
    child: Option<Child>,
}

impl FtpsServer {
    /// Starts one as usual.
    pub fn start(make: Make) -> Self {
        Self::start_as(make, Wanted::default())
    }

    /// Starts one, and comes back when it listens.
    pub fn start_as(make: Make, wanted: Wanted) -> Self {
        let dir = scratch::fresh("ftps");
        let root = wanted.root.clone().unwrap_or_else(|| dir.join("root"));
        fs::create_dir_all(&root).expect("the scratch directory is writable");
        let site = Site {
            dir: &dir,
            root: &root,
            port: ports::free(),
            data: ports::free_row(DATA_PORTS),
            wanted: &wanted,
        };
        let command = match make {
            Make::Vsftpd => vsftpd::command(&site),
            Make::Proftpd => proftpd::command(&site),
        };
        let mut server = Self {
            port: site.port,
            data: site.data,
            implicit: wanted.implicit,
            root,
            dir,
            command,
            child: None,
        };
        server.appear();
        server
    }

    /// Starts it again.
    pub fn appear(&mut self) {
        let log = self.dir.join("server.log");
        // Its sessions are processes of their own: in a namespace of theirs, they end with it.
        let options = ["--pid", "--fork", "--kill-child"];
        let command = process::wrapped("unshare", &options, &self.command);
        let child = process::start(&command, Fate::Kill, &log);
        self.child = Some(child.expect("the server is installed"));
        wait::until("FTPS server", STARTED, || {
            TcpStream::connect(("127.0.0.1", self.port()))
                .is_ok()
                .then_some(())
        });
    }

    /// Stops it; sessions that run go with it.
    pub fn vanish(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The folder that it serves.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The first of its [`DATA_PORTS`] ports for data connections.
    pub fn data(&self) -> u16 {
        self.data
    }

    /// The settings of a depot there: the section `[ftps]`.
    pub fn settings(&self) -> String {
        self.settings_at(self.port())
    }

    /// The same through something that listens elsewhere and leads here.
    pub fn settings_at(&self, port: u16) -> String {
        let password = self.dir.join("password");
        fs::write(&password, PASSWORD).expect("the scratch directory is writable");
        let mode = match self.implicit {
            true => "implicit",
            false => "explicit",
        };
        format!(
            "[ftps]\nhost = \"localhost\"\nport = {port}\nuser = \"{USER}\"\npassword_file = {password:?}\n\
             ca = {:?}\nmode = \"{mode}\"\n",
            pki().root,
        )
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        let names = ["server.log", "vsftpd.log", "proftpd.log", "tls.log"];
        let logs = names.map(|name| fs::read_to_string(self.dir.join(name)).unwrap_or_default());
        logs.concat()
    }
}

impl Drop for FtpsServer {
    fn drop(&mut self) {
        self.vanish();
        if std::thread::panicking() {
            eprintln!("--- the FTPS server's log ---\n{}", self.log());
        }
    }
}

/// What the settings of a server are made of.
struct Site<'a> {
    dir: &'a Path,
    root: &'a Path,
    port: u16,
    data: u16,
    wanted: &'a Wanted,
}

impl Site<'_> {
    /// The last port for data connections.
    fn last(&self) -> u16 {
        self.data + DATA_PORTS - 1
    }
}
