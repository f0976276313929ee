//! The server's key: one that we know, or nothing is told to it.

use std::{fs, process::Command};

use navette::{kernel::clock::Clock, kernel::fault::Code, transport};

use super::{read_text, refusal};
use crate::kit::{
    depot::{
        DIRECT, Depot,
        sshd::{Sshd, USER},
    },
    gateway::{Engine, Kit},
    process, scratch,
};

/// A server with a key of each of these names.
fn with_keys(names: &[&str]) -> Sshd {
    let sshd = Sshd::start(scratch::fresh("depot"));
    let lines: Vec<_> = names
        .iter()
        .map(|name| format!("HostKey {}", sshd.file(name).display()))
        .collect();
    restarted(sshd, &lines.join("\n"))
}

fn restarted(mut sshd: Sshd, more: &str) -> Sshd {
    use crate::kit::depot::Server;
    sshd.vanish();
    sshd.configure(more);
    sshd.appear();
    sshd
}

/// The settings of a depot at this server, known by these lines.
fn known_by(sshd: &Sshd, lines: &str) -> String {
    let login = format!("key_file = {:?}\n{lines}", sshd.file("user"));
    format!(
        "depot = \"partenaire\"\ntransport = \"sftp\"\n{}\n[[flow]]\nname = \"retours\"\nproject = \"marche-1\"\n\
         direction = \"out\"\npath = \"out\"\n",
        sshd.section(DIRECT, &login)
    )
}

fn pinned(sshd: &Sshd, key: &str) -> String {
    known_by(sshd, &format!("host_key = [{:?}]", sshd.fingerprint(key)))
}

/// Whether the server was asked to let us in; it logs the end of earlier connections when it comes to it.
fn heard_of_us(sshd: &Sshd) -> bool {
    use crate::kit::depot::Server;
    sshd.log().contains(&format!("publickey for {USER}"))
}

/// A host of its own that is not started: settings only.
fn depot() -> Depot {
    Depot::start(crate::kit::depot::Make::Folder)
}

#[test]
fn a_changed_key_is_refused_before_we_say_who_we_are() {
    let sshd = Sshd::start(scratch::fresh("depot"));
    let settings = read_text(&depot(), &pinned(&sshd, "host"));
    transport::connect(&settings, &Clock::system()).expect("the key is known");
    assert!(heard_of_us(&sshd));
    // The same address, another key: somebody in between, or a new machine.
    for name in ["host", "host.pub"] {
        fs::copy(sshd.file(&format!("other-{name}")), sshd.file(name)).unwrap();
    }
    fs::write(sshd.file("log"), "").unwrap();
    let sshd = restarted(sshd, "");
    let fault = refusal(&settings);
    assert_eq!(fault.code(), Code::HostKeyRefused);
    assert!(
        fault.detail().contains(&sshd.fingerprint("other-host")),
        "{fault}"
    );
    assert!(!heard_of_us(&sshd), "it was told who we are");
}

#[test]
fn an_unknown_host_is_refused_before_we_say_who_we_are() {
    let sshd = Sshd::start(scratch::fresh("depot"));
    let file = sshd.file("known_hosts");
    for text in [
        "",
        "elsewhere ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJtDXLqTd1nKnDzKlY2vXWwMHgbZYJYJQmMYJQy0n0Xa\n",
    ] {
        fs::write(&file, text).unwrap();
        let settings = read_text(
            &depot(),
            &known_by(&sshd, &format!("known_hosts = {file:?}")),
        );
        assert_eq!(refusal(&settings).code(), Code::HostKeyRefused);
    }
    assert!(!heard_of_us(&sshd));
}

#[test]
fn a_file_of_known_hosts_is_read_as_openssh_wrote_it() {
    let sshd = Sshd::start(scratch::fresh("depot"));
    let file = sshd.file("known_hosts");
    let scanned = |options: &[&str]| {
        let mut scan = Command::new("ssh-keyscan");
        scan.args(options)
            .args(["-p", &sshd.port().to_string(), DIRECT]);
        process::run(&scan, 20).succeeded()
    };
    let (plain, hashed) = (scanned(&[]), scanned(&["-H"]));
    assert!(hashed.contains("|1|"), "{hashed}");
    let lines = format!("known_hosts = {file:?}");
    for text in [&plain, &hashed] {
        fs::write(&file, text).unwrap();
        let settings = read_text(&depot(), &known_by(&sshd, &lines));
        transport::connect(&settings, &Clock::system()).expect("the key is known");
    }
    let key = fs::read_to_string(sshd.file("host.pub")).unwrap();
    fs::write(&file, format!("{plain}@revoked * {key}")).unwrap();
    let settings = read_text(&depot(), &known_by(&sshd, &lines));
    assert_eq!(refusal(&settings).code(), Code::HostKeyRefused);
}

/// What an authority signed cannot be held to it. A server known by nothing else is refused with that reason, by the check of
/// the settings too; once its own key is named beside, the line does no harm.
#[test]
fn a_server_known_by_an_authority_alone_is_refused_with_the_reason() {
    let sshd = Sshd::start(scratch::fresh("depot"));
    let file = sshd.file("known_hosts");
    let key = |name: &str| fs::read_to_string(sshd.file(&format!("{name}.pub"))).unwrap();
    let host = format!("[{DIRECT}]:{}", sshd.port());
    let authority = format!("@cert-authority {host} {}", key("other-host"));
    let plain = format!("{host} {}", key("host"));
    let lines = known_by(&sshd, &format!("known_hosts = {file:?}"));
    signed_by(&sshd, "other-host", "host");
    let certificate = format!("HostCertificate {}", sshd.file("host-cert.pub").display());
    let sshd = restarted(sshd, &certificate);
    fs::write(&file, &authority).unwrap();
    let settings = read_text(&depot(), &lines);
    let fault = refusal(&settings);
    assert_eq!(fault.code(), Code::Configuration, "{fault}");
    assert!(fault.detail().contains("@cert-authority"), "{fault}");
    assert!(!heard_of_us(&sshd), "it was told who we are");
    let kit = Kit::new(Engine::Sqlite).with_depot("partenaire", lines);
    kit.write();
    let said = kit.run(&["check-config"]).failed_with(3);
    assert!(
        said.contains("partenaire: ") && said.contains("@cert-authority"),
        "{said}"
    );
    fs::write(&file, authority + &plain).unwrap();
    transport::connect(&settings, &Clock::system()).expect("the key is known");
    kit.run(&["check-config"]).succeeded();
}

/// Has one of the server's keys sign another, as an authority does.
fn signed_by(sshd: &Sshd, authority: &str, host: &str) {
    let mut sign = Command::new("ssh-keygen");
    sign.args(["-q", "-h", "-I", "depot", "-n", DIRECT, "-s"])
        .arg(sshd.file(authority))
        .arg(sshd.file(&format!("{host}.pub")));
    process::run(&sign, 20).succeeded();
}

/// A server with keys of three kinds shows the one that it is asked for; any of them may be the pinned one.
#[test]
fn a_pinned_key_is_found_among_keys_of_other_kinds() {
    let sshd = with_keys(&["host", "ecdsa-host", "rsa-host"]);
    for key in ["host", "ecdsa-host", "rsa-host"] {
        let settings = read_text(&depot(), &pinned(&sshd, key));
        let session = transport::connect(&settings, &Clock::system()).expect("the key is known");
        let shown = session.agreed();
        let fingerprint = ("hostKeyFingerprint".to_owned(), sshd.fingerprint(key));
        assert!(shown.contains(&fingerprint), "{shown:?}");
    }
    fs::write(sshd.file("log"), "").unwrap();
    let settings = read_text(&depot(), &pinned(&sshd, "other-host"));
    assert_eq!(refusal(&settings).code(), Code::HostKeyRefused);
    assert!(!heard_of_us(&sshd));
}

/// Each server offers, of one sort of algorithm, weak ones only.
#[test]
fn weak_algorithms_are_not_agreed_to_whatever_the_server_offers() {
    let weak = [
        "Ciphers aes128-cbc,aes256-cbc,3des-cbc",
        "KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
        "Ciphers aes128-ctr\nMACs hmac-sha1,hmac-md5",
    ];
    let sshd = Sshd::start(scratch::fresh("depot"));
    let settings = read_text(&depot(), &pinned(&sshd, "host"));
    let mut sshd = sshd;
    for lines in weak {
        sshd = restarted(sshd, lines);
        let fault = refusal(&settings);
        assert_eq!(fault.code(), Code::DepotInsecure, "{lines}: {fault}");
    }
    let rsa = read_text(&depot(), &pinned(&sshd, "rsa-host"));
    let key = sshd.file("rsa-host");
    let sha1 = format!("HostKey {}\nHostKeyAlgorithms ssh-rsa", key.display());
    let sshd = restarted(sshd, &sha1);
    assert_eq!(refusal(&rsa).code(), Code::DepotInsecure);
    assert!(!heard_of_us(&sshd));
}

#[test]
fn what_was_agreed_on_is_told_and_strong() {
    let sshd = Sshd::start(scratch::fresh("depot"));
    let settings = read_text(&depot(), &pinned(&sshd, "host"));
    let agreed = transport::connect(&settings, &Clock::system())
        .unwrap()
        .agreed();
    let value = |name: &str| {
        agreed
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    assert!(value("server").unwrap().starts_with("SSH-2.0-OpenSSH"));
    assert_eq!(value("keyExchange"), Some("curve25519-sha256"));
    assert_eq!(value("hostKey"), Some("ssh-ed25519"));
    assert_eq!(value("cipherOut"), Some("chacha20-poly1305@openssh.com"));
}
