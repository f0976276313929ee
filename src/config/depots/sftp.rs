//! An SSH server: who we are there, and by which keys we know it.

use std::path::PathBuf;

use super::super::reader::Reader;

/// The bytes of a SHA-256 in base64 without padding.
const FINGERPRINT: usize = 43;

/// How an SSH server is reached.
#[derive(Clone, Debug)]
pub struct Sftp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Our name there.
    pub user: String,
    /// How we prove it.
    pub login: SftpLogin,
    /// The keys that it may show; any other is refused before we log in.
    pub host_keys: HostKeys,
}

/// How we prove who we are.
#[derive(Clone, Debug)]
pub enum SftpLogin {
    /// By the password in this file.
    Password(PathBuf),
    /// By a private key, which may be encrypted.
    Key {
        /// The key: OpenSSH or PEM.
        key: PathBuf,
        /// The file of its passphrase.
        passphrase: Option<PathBuf>,
    },
    /// By the agent at `SSH_AUTH_SOCK`: every key that it holds is tried.
    Agent,
}

/// By what we know the server.
#[derive(Clone, Debug)]
pub enum HostKeys {
    /// SHA-256 fingerprints, as `ssh-keygen -l` shows them (`SHA256:…`).
    Fingerprints(Vec<String>),
    /// A file in OpenSSH's form (`ssh-keyscan`), hashed names too.
    KnownHosts(PathBuf),
}

impl Sftp {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            host: reader.text("sftp.host"),
            port: reader.number("sftp.port", 22, 1, 65_535) as u16,
            user: reader.text("sftp.user"),
            login: login(reader),
            host_keys: host_keys(reader),
        }
    }
}

fn login(reader: &mut Reader) -> SftpLogin {
    let password = reader.optional_file("sftp.password_file");
    let key = reader.optional_file("sftp.key_file");
    let passphrase = reader.optional_file("sftp.passphrase_file");
    let agent = reader.flag("sftp.agent", false);
    if passphrase.is_some() && key.is_none() {
        reader.wrong("sftp.passphrase_file", "there is no sftp.key_file");
    }
    match (password, key, agent) {
        (Some(password), None, false) => SftpLogin::Password(password),
        (None, Some(key), false) => SftpLogin::Key { key, passphrase },
        (None, None, true) => SftpLogin::Agent,
        _ => {
            let detail = "give exactly one of password_file, key_file and agent = true";
            reader.wrong("sftp", detail);
            SftpLogin::Agent
        }
    }
}

fn host_keys(reader: &mut Reader) -> HostKeys {
    let pinned = reader.list("sftp.host_key");
    let file = reader.optional_file("sftp.known_hosts");
    for text in &pinned {
        if !is_fingerprint(text) {
            let detail = "expected fingerprints as `ssh-keygen -l` shows them: SHA256:…";
            reader.wrong("sftp.host_key", detail);
        }
    }
    match (pinned.is_empty(), file) {
        (false, None) => HostKeys::Fingerprints(pinned),
        (true, Some(file)) => HostKeys::KnownHosts(file),
        _ => {
            reader.wrong("sftp", "give exactly one of host_key and known_hosts");
            HostKeys::Fingerprints(pinned)
        }
    }
}

fn is_fingerprint(text: &str) -> bool {
    let base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    let hash = text.strip_prefix("SHA256:");
    hash.is_some_and(|hash| hash.len() == FINGERPRINT && hash.chars().all(base64))
}
