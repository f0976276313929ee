//! The settings of ProFTPD: what it needs to run apart from the machine, TLS, and else its defaults.

use std::{fmt::Write, fs, path::PathBuf, process::Command};

use super::{PASSWORD, Site, USER};
use crate::kit::{pki::pki, process, scratch};

/// Seconds to fetch and unpack it, the first time.
const PATIENCE: u32 = 300;

pub(super) fn command(site: &Site<'_>) -> Command {
    let home = home();
    account(site);
    let file = site.dir.join("proftpd.conf");
    let settings = settings(site, &home.join("usr/lib/proftpd"));
    fs::write(&file, settings).expect("the scratch directory is writable");
    let libraries = home.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH));
    let mut command = Command::new(home.join("usr/sbin/proftpd"));
    command
        .args(["--nodaemon", "--config"])
        .arg(file)
        .env("LD_LIBRARY_PATH", libraries);
    command
}

fn home() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kit/ftps/proftpd.sh");
    let said = process::run(&Command::new(script), PATIENCE).succeeded();
    PathBuf::from(said.trim())
}

/// Its own files of accounts and groups, which it wants to be read by nobody else.
fn account(site: &Site<'_>) {
    let mut hash = Command::new("openssl");
    hash.args(["passwd", "-6", PASSWORD]);
    let hash = process::run(&hash, 30).succeeded();
    let (user, group) = ids();
    let home = site.root.display();
    let accounts = format!("{USER}:{}:{user}:{group}::{home}:/bin/sh\n", hash.trim());
    let groups = format!("{USER}:x:{group}:\n");
    for (name, text) in [("passwd", accounts), ("group", groups)] {
        let file = site.dir.join(name);
        fs::write(&file, text).expect("the scratch directory is writable");
        scratch::set_mode(&file, 0o600);
    }
}

fn ids() -> (u32, u32) {
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    (user.as_raw(), group.as_raw())
}

/// Our account's or our group's name.
fn own(option: &str) -> String {
    let mut id = Command::new("id");
    id.arg(option);
    process::run(&id, 10).succeeded().trim().to_owned()
}

fn settings(site: &Site<'_>, modules: &std::path::Path) -> String {
    let (dir, wanted) = (site.dir.display(), site.wanted);
    let mut text = format!(
        "ModulePath {}\nLoadModule mod_tls.c\nServerType standalone\nServerName depot\nDefaultServer on\n\
         DefaultAddress 127.0.0.1\nPort {}\nUser {}\nGroup {}\nUseIPv6 off\nSocketBindTight on\nUseReverseDNS off\n\
         AuthOrder mod_auth_file.c\nAuthUserFile {dir}/passwd\nAuthGroupFile {dir}/group\nRequireValidShell off\n\
         RootLogin on\nDefaultRoot ~\nMasqueradeAddress {}\nPassivePorts {} {}\nPidFile {dir}/pid\nScoreboardFile {dir}/scoreboard\n\
         DelayTable none\nWtmpLog off\nTransferLog none\nSystemLog {dir}/proftpd.log\n",
        modules.display(),
        site.port,
        own("-un"),
        own("-gn"),
        wanted.passive_address,
        site.data,
        site.last(),
    );
    let _ = write!(
        text,
        "TLSEngine on\nTLSRequired on\nTLSLog {dir}/tls.log\nTLSECCertificateFile {}\nTLSECCertificateKeyFile {}\n",
        wanted.certificate.display(),
        wanted.key.display(),
    );
    if wanted.implicit {
        text.push_str("TLSOptions UseImplicitSSL\n");
    }
    if wanted.client_certificates {
        let root = pki().root.display();
        let _ = write!(text, "TLSVerifyClient on\nTLSCACertificateFile {root}\n");
    }
    text.push_str(wanted.more);
    text
}
