//! Depots as their partners have them: real servers, each with a folder of this machine behind it.
//!
//! | file | gives |
//! |---|---|
//! | `sshd` | a real OpenSSH server: `internal-sftp` in a chroot, a user of its own |
//! | `ftps` | real FTPS servers: vsftpd, ProFTPD |
//! | `proxy` | what stands between us and a server: it cuts, it swallows |
//! | `folder` | no server at all |
//!
//! A sentence about every transport is written once, over a [`Depot`], in `every_depot!` (or `distant_depots!` where a network
//! is needed):
//!
//! ```ignore
//! every_depot! {
//!     fn a_file_arrives_whole(depot) {
//!         let sent = depot.run(&["archive", "send", "lot.zip", "--depot", depot.name()]);
//!         …
//!     }
//! }
//! ```
//!
//! To add a transport: a file with a [`Server`], a variant of [`Make`], and its name in the two macros.

pub mod folder;
pub mod ftps;
pub mod proxy;
pub mod sshd;

use std::{
    fmt::{self, Write as _},
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

pub use proxy::Proxy;

use super::{
    ftps::Make as FtpsMake,
    gateway::{Gateway, PROJECT},
    process::{self, Finished},
    scratch,
};

/// Seconds for a command on a busy machine.
const PATIENCE: u32 = 120;

/// The address at which a server is reached itself.
pub const DIRECT: &str = "127.0.0.1";

/// The folders of the kit's flows.
pub const FOLDERS: [&str; 6] = ["in", "out", "acks", "receipts", "rejected", "done"];

/// A place where files are exchanged, over one transport.
pub trait Server: Send + Sync {
    /// The folder of this machine that it serves.
    fn root(&self) -> &Path;

    /// The lines of a depot's settings that lead to it at this address, and at its own ports: `transport = …` first.
    fn settings(&self, host: &str) -> String;

    /// The ports that it listens on, or may; none where it is not reached over a network.
    fn ports(&self) -> Vec<u16>;

    /// Makes a folder of it one that its user may read and nothing else.
    fn forbid_writing(&self, folder: &str);

    /// Stops it; connections that are open die with it.
    fn vanish(&mut self) {}

    /// Starts it again.
    fn appear(&mut self) {}

    /// What it logged.
    fn log(&self) -> String {
        String::new()
    }
}

/// The transports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// A directory.
    Folder,
    /// OpenSSH.
    Sftp,
    /// vsftpd, which demands that data connections resume the TLS session.
    Vsftpd,
    /// ProFTPD.
    Proftpd,
}

/// A depot of a test: a server, what stands before it, and the settings that lead there.
pub struct Depot {
    /// The server.
    pub server: Box<dyn Server>,
    /// What stands before it, where it is reached over a network.
    pub proxy: Option<Proxy>,
    dir: PathBuf,
    more: String,
}

impl Depot {
    /// Starts one whose folder is a new one.
    pub fn start(make: Make) -> Self {
        Self::start_in(make, scratch::fresh("depot"))
    }

    /// The same, whose folder is there already: a small disk perhaps.
    pub fn start_in(make: Make, root: PathBuf) -> Self {
        for folder in FOLDERS {
            fs::create_dir_all(root.join(folder)).expect("the folder is writable");
        }
        let server: Box<dyn Server> = match make {
            Make::Folder => Box::new(folder::Folder::new(root)),
            Make::Sftp => Box::new(sshd::Sshd::start(root)),
            Make::Vsftpd => Box::new(ftps::start(FtpsMake::Vsftpd, root)),
            Make::Proftpd => Box::new(ftps::start(FtpsMake::Proftpd, root)),
        };
        Self::of(server)
    }

    /// One of a server that runs.
    pub fn of(server: Box<dyn Server>) -> Self {
        let ports = server.ports();
        Self {
            proxy: (!ports.is_empty()).then(|| Proxy::start(&ports)),
            server,
            dir: scratch::fresh("settings"),
            more: String::new(),
        }
    }

    /// Adds lines to the depot's own settings, such as `timeout_seconds = 2`.
    pub fn with(mut self, more: &str) -> Self {
        let _ = writeln!(self.more, "{more}");
        self
    }

    /// Its name in the settings.
    pub fn name(&self) -> &'static str {
        "partenaire"
    }

    /// Whether it speaks FTP: a connection for each transfer, and links followed where they are asked for by name.
    pub fn is_ftp(&self) -> bool {
        self.server.settings(DIRECT).contains("[ftps]")
    }

    /// What stands before it.
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("a depot behind a network")
    }

    /// A path of it on this machine.
    pub fn inside(&self, path: &str) -> PathBuf {
        self.server.root().join(path)
    }

    /// Leaves a file there as the partner's own program would: under another name, then renamed.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        let target = self.inside(path);
        let folder = target.parent().expect("it lies in a folder");
        let temporary = folder.join(".arrives");
        fs::write(&temporary, bytes).expect("the depot is writable");
        let owner = fs::metadata(folder).expect("it is there");
        chown(&temporary, Some(owner.uid()), Some(owner.gid())).expect("we are its administrator");
        fs::rename(&temporary, &target).expect("one file system");
    }

    /// The plain names in a folder of it, in order, hidden ones included.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.inside(folder)).expect("it is there");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("it is readable").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The settings of the depot, through the proxy where there is one.
    pub fn settings(&self) -> String {
        let host = self.proxy.as_ref().map_or(DIRECT, |_| proxy::ADDRESS);
        self.settings_at(host)
    }

    /// The settings of the depot, reached at this address.
    pub fn settings_at(&self, host: &str) -> String {
        let (head, section) = self.own(host);
        format!(
            "depot = {:?}\n{head}{}{section}{}",
            self.name(),
            self.more,
            FLOWS.replace("PROJECT", PROJECT)
        )
    }

    /// The server's lines: its keys of the depot, and its section.
    fn own(&self, host: &str) -> (String, String) {
        let own = self.server.settings(host);
        let section = own.find('[').expect("it has a section");
        (own[..section].to_owned(), own[section..].to_owned())
    }

    /// Writes the settings beside a settings file that is not there, and answers the folder: for who only sends.
    pub fn write(&self) -> &Path {
        self.write_text(&self.settings())
    }

    /// The same with another text.
    pub fn write_text(&self, text: &str) -> &Path {
        let folder = self.dir.join("depots");
        fs::create_dir_all(&folder).expect("the scratch directory is writable");
        fs::write(folder.join("1.toml"), text).expect("so is its folder");
        &self.dir
    }

    /// The binary on these settings, which are written.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.write();
        self.command_as_written(arguments)
    }

    /// The binary on the settings that were written last.
    pub fn command_as_written(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
        command
            .args(arguments)
            .env("NAVETTE_CONFIG", self.dir.join("navette.toml"))
            .current_dir(&self.dir);
        command
    }

    /// Runs it.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        process::run(&self.command(arguments), PATIENCE)
    }

    /// The name of the file there that an incident of this gateway calls so (`fileNameHash`), as an operator finds it.
    #[track_caller]
    pub fn named(&self, gateway: &Gateway, hash: &serde_json::Value) -> String {
        let said = gateway
            .run(&["depot", "files", self.name(), "--json"])
            .succeeded();
        let files: Vec<serde_json::Value> = serde_json::from_str(&said).expect("a list");
        let found = files.iter().find(|file| file["fileNameHash"] == *hash);
        let found = found.unwrap_or_else(|| panic!("{hash} is not in {said}"));
        found["name"].as_str().expect("a name").to_owned()
    }

    /// A file in the folder from which commands run.
    pub fn local(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let file = self.dir.join(name);
        fs::write(&file, bytes).expect("the scratch directory is writable");
        file
    }
}

impl fmt::Debug for Depot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Depot")
            .field("root", &self.server.root())
            .finish_non_exhaustive()
    }
}

impl Drop for Depot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the depot's log ---\n{}", self.server.log());
        }
    }
}

/// What goes through a depot of the kit.
const FLOWS: &str = r#"
[[flow]]
name = "lots"
project = "PROJECT"
direction = "in"
path = "in"
pattern = "*"
receipts = "receipts"
rejected = "rejected"

[[flow]]
name = "retours"
project = "PROJECT"
direction = "out"
path = "out"

[[flow]]
name = "acquittements"
project = "PROJECT"
direction = "acknowledgments"
path = "acks"
answers = "retours"
"#;

/// Bytes that no compression shortens, other ones for each seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Makes of each sentence one test per transport; the argument is a [`Depot`](crate::kit::depot::Depot).
#[macro_export]
macro_rules! every_depot {
    ($($sentences:tt)+) => {
        $crate::each_of_these_depots! { [folder Folder, sftp Sftp, vsftpd Vsftpd, proftpd Proftpd] $($sentences)+ }
    };
}

/// The same for transports over a network.
#[macro_export]
macro_rules! distant_depots {
    ($($sentences:tt)+) => {
        $crate::each_of_these_depots! { [sftp Sftp, vsftpd Vsftpd, proftpd Proftpd] $($sentences)+ }
    };
}

/// What both have in common: the sentences, then the tests of each.
#[macro_export]
macro_rules! each_of_these_depots {
    (@tests $name:ident [$($test:ident $make:ident),+]) => {$(
        #[test]
        fn $test() {
            use $crate::kit::depot::{Depot, Make};

            super::$name(Depot::start(Make::$make));
        }
    )+};
    ($makes:tt $($(#[$doc:meta])* fn $name:ident($depot:ident) $body:block)+) => {$(
        $(#[$doc])*
        fn $name($depot: $crate::kit::depot::Depot) $body

        mod $name {
            $crate::each_of_these_depots! { @tests $name $makes }
        }
    )+};
}
