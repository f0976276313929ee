//! A real OpenSSH server on a free loopback port: `internal-sftp` in a chroot, for one user who is no user of this machine.
//!
//! It needs a mount namespace, so the tests that use it run as root; elsewhere they fail and say so.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::LazyLock,
    time::Duration,
};

use super::{DIRECT, Server};
use crate::kit::{
    ports,
    process::{self, Fate},
    scratch, wait,
};

/// Long enough for a busy machine.
const STARTED: Duration = Duration::from_secs(30);

/// Who logs in.
pub const USER: &str = "partenaire";

/// His password.
pub const PASSWORD: &str = "secret-du-depot";

/// The passphrase of his encrypted key.
pub const PASSPHRASE: &str = "cheval-agrafe-pile";

/// His number: nobody's on this machine.
const UID: u32 = 42_424;

/// Names, kinds and passphrases of the keys that each server has beside it.
const KEYS: [(&str, &str, &str); 6] = [
    ("host", "ed25519", ""),
    ("other-host", "ed25519", ""),
    ("rsa-host", "rsa", ""),
    ("ecdsa-host", "ecdsa", ""),
    ("user", "ed25519", ""),
    ("encrypted", "rsa", PASSPHRASE),
];

/// Where they are made, once: RSA takes its time.
static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
    let dir = scratch::fresh("keys");
    for (name, kind, passphrase) in KEYS {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", kind, "-N", passphrase, "-f"]);
        process::run(command.arg(dir.join(name)), 60).succeeded();
    }
    dir
});

/// The script that starts it.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/depot/sshd.sh");

/// A server; it dies when dropped, with every connection.
#[derive(Debug)]
pub struct Sshd {
    dir: PathBuf,
    root: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Sshd {
    /// Starts one over a folder, which becomes its user's, with everything in it.
    pub fn start(root: PathBuf) -> Self {
        Self::start_with(root, "")
    }

    /// The same with lines that come first in its settings, and so win.
    pub fn start_with(root: PathBuf, more: &str) -> Self {
        let dir = scratch::fresh("sshd");
        // The user reads his keys there.
        scratch::set_mode(&dir, 0o755);
        let mut sshd = Self {
            port: ports::free(),
            dir,
            root,
            child: None,
        };
        give(&sshd.root);
        sshd.make_keys();
        sshd.make_account();
        sshd.configure(more);
        sshd.appear();
        sshd
    }

    /// A file of keys and secrets: `host`, `other-host`, `user`, `encrypted` (and `.pub`), `password`, `passphrase`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The fingerprint of a key of [`Sshd::file`], as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self, key: &str) -> String {
        let mut command = Command::new("ssh-keygen");
        command.arg("-lf").arg(self.file(&format!("{key}.pub")));
        let shown = process::run(&command, 10).succeeded();
        shown.split(' ').nth(1).expect("its second word").to_owned()
    }

    /// Writes other settings; they hold from the next start on.
    pub fn configure(&self, more: &str) {
        let dir = self.dir.display();
        let text = format!(
            "{more}\nPort {}\nListenAddress {DIRECT}\nHostKey {dir}/host\nPidFile none\nUsePAM no\nStrictModes no\n\
             AuthorizedKeysFile {dir}/authorized\nPasswordAuthentication yes\nMaxStartups 100\nMaxSessions 100\n\
             LogLevel VERBOSE\nSubsystem sftp internal-sftp\nChrootDirectory /srv\nForceCommand internal-sftp -d /depot\n\
             AllowTcpForwarding no\nX11Forwarding no\n",
            self.port
        );
        fs::write(self.file("sshd_config"), text).expect("the scratch directory is writable");
    }

    /// The section of a depot's settings that leads there, with these lines about login and host key.
    pub fn section(&self, host: &str, lines: &str) -> String {
        let port = self.port;
        format!("[sftp]\nhost = \"{host}\"\nport = {port}\nuser = \"{USER}\"\n{lines}\n")
    }

    fn make_keys(&self) {
        for name in KEYS
            .iter()
            .flat_map(|(name, ..)| [(*name).to_owned(), format!("{name}.pub")])
        {
            fs::copy(MADE.join(&name), self.file(&name))
                .expect("the scratch directory is writable");
        }
        let public = ["user", "encrypted"].map(|name| self.read(&format!("{name}.pub")));
        self.write("authorized", &public.concat());
        self.write("password", &format!("{PASSWORD}\n"));
        self.write("passphrase", &format!("{PASSPHRASE}\n"));
    }

    fn make_account(&self) {
        let mut command = Command::new("openssl");
        command.args(["passwd", "-6", PASSWORD]);
        let hash = process::run(&command, 10).succeeded();
        let account = format!("{USER}:x:{UID}:{UID}::/:/bin/false\n");
        self.write("passwd.more", &account);
        self.write(
            "shadow.more",
            &format!("{USER}:{}:19000:0:99999:7:::\n", hash.trim()),
        );
        let pam = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\n";
        self.write("pam", pam);
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).expect("the scratch directory is writable");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).expect("it was made")
    }
}

impl Server for Sshd {
    fn root(&self) -> &Path {
        &self.root
    }

    fn settings(&self, host: &str) -> String {
        let login = format!(
            "key_file = {:?}\nhost_key = [{:?}]",
            self.file("user"),
            self.fingerprint("host")
        );
        format!("transport = \"sftp\"\n{}", self.section(host, &login))
    }

    fn ports(&self) -> Vec<u16> {
        vec![self.port]
    }

    fn forbid_writing(&self, folder: &str) {
        scratch::set_mode(&self.root.join(folder), 0o555);
    }

    fn vanish(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
            // What it started dies a moment after it.
            wait::until("end of the SSH server", STARTED, || {
                TcpStream::connect((DIRECT, self.port))
                    .is_err()
                    .then_some(())
            });
        }
    }

    fn appear(&mut self) {
        // A process namespace of its own: with its first process, every connection's dies.
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            "--",
            "sh",
            SCRIPT,
        ]);
        command.args([&self.dir, &self.root]);
        let child = process::start(&command, Fate::Kill, &self.file("log"));
        self.child = Some(child.expect("util-linux is there"));
        wait::until("SSH server", STARTED, || {
            TcpStream::connect((DIRECT, self.port))
                .is_ok()
                .then_some(())
        });
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.vanish();
    }
}

/// Makes a folder and what is in it the user's.
fn give(path: &Path) {
    chown(path, Some(UID), Some(UID)).expect("we are root");
    let metadata = fs::metadata(path).expect("it is there");
    if metadata.is_dir() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("we are root");
        for entry in fs::read_dir(path).expect("it is readable") {
            give(&entry.expect("so are its entries").path());
        }
    }
}
