//! `known_hosts` in OpenSSH's form: plain and hashed names, patterns, ports, `@revoked`.
//!
//! The library knows no keys signed by an authority (`…-cert-v01@openssh.com`), so a server shows its plain key, which has to be
//! named like any other. A file that knows the host by a `@cert-authority` line alone is refused with these words: silence
//! would look like a server that nobody knows. So is one with a `@revoked` line whose key cannot be read: what cannot be
//! compared cannot be refused.

use std::{fs, path::Path};

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use wildmatch::WildMatch;

use super::hostkey::HostKey;
use crate::kernel::{
    fault::{Code, Fault, Result},
    secret,
};

/// The port that a name without one stands for.
const SSH: u16 = 22;

/// What a file says of one host.
#[derive(Default)]
struct Said {
    keys: Vec<HostKey>,
    revoked: Vec<HostKey>,
    /// Whether an authority may speak for it.
    authority: bool,
    /// The first line that revokes what cannot be read, from 1.
    unreadable: Option<usize>,
}

/// The keys of `host` in `file`, without those revoked.
///
/// Fails with `configuration` where the file cannot be read, revokes a key that cannot, or knows the host by an authority
/// alone; with `host-key-refused` where it has no key of this host.
pub fn read(file: &Path, host: &str, port: u16) -> Result<Vec<HostKey>> {
    let fault = |code, detail: String| Fault::new(code, format!("{} : {detail}", file.display()));
    let text =
        fs::read_to_string(file).map_err(|error| fault(Code::Configuration, error.to_string()))?;
    let host = spelling(host, port);
    let said = said_of(&text, &host);
    if let Some(line) = said.unreadable {
        let detail = format!("ligne {line}, la clé révoquée (@revoked) est illisible.");
        return Err(fault(Code::Configuration, detail));
    }
    if said.keys.is_empty() && said.authority {
        let detail = format!(
            "{host} n'y est connu que par une autorité (@cert-authority), ce qui n'est pas pris en charge. Nommez la clé du \
             serveur lui-même, dans ce fichier ou par host_key."
        );
        return Err(fault(Code::Configuration, detail));
    }
    if said.keys.is_empty() {
        let detail = format!("aucune clé valable de {host} : le serveur est inconnu.");
        return Err(fault(Code::HostKeyRefused, detail));
    }
    Ok(said.keys)
}

/// A host as these files write it.
fn spelling(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    match port {
        SSH => host,
        port => format!("[{host}]:{port}"),
    }
}

fn said_of(text: &str, host: &str) -> Said {
    let mut said = Said::default();
    for (at, line) in text.lines().enumerate() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["@revoked", names, rest @ ..] if matches(names, host) => {
                match rest.get(1).and_then(|key| key_of(key)) {
                    Some(key) => said.revoked.push(key),
                    None => said.unreadable = said.unreadable.or(Some(at + 1)),
                }
            }
            ["@cert-authority", names, ..] => said.authority |= matches(names, host),
            [names, _, key, ..] if !names.starts_with(['#', '@']) && matches(names, host) => {
                said.keys.extend(key_of(key));
            }
            _ => {}
        }
    }
    said.keys.retain(|key| !said.revoked.contains(key));
    said
}

fn key_of(base64: &str) -> Option<HostKey> {
    HostKey::of(&BASE64.decode(base64.as_bytes()).ok()?)
}

/// Whether one of the names, and no name with a `!`, is the host's.
fn matches(names: &str, host: &str) -> bool {
    if let Some(hashed) = names.strip_prefix("|1|") {
        return is_hash_of(hashed, host).unwrap_or(false);
    }
    let mut found = false;
    for name in names.split(',') {
        match name.strip_prefix('!') {
            Some(not) if is_like(not, host) => return false,
            Some(_) => {}
            None => found |= is_like(name, host),
        }
    }
    found
}

fn is_like(pattern: &str, host: &str) -> bool {
    WildMatch::new(&pattern.to_lowercase()).matches(host)
}

/// `salt|hash`, both in base64: HMAC-SHA1 of the host. It hides names, it proves nothing.
fn is_hash_of(hashed: &str, host: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let salt = BASE64.decode(salt.as_bytes()).ok()?;
    let hash = BASE64.decode(hash.as_bytes()).ok()?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &salt);
    let ours = hmac::sign(&key, host.as_bytes());
    Some(secret::same(ours.as_ref(), &hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by ssh-keygen and ssh-keygen -H.
    const ONE: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJtDXLqTd1nKnDzKlY2vXWwMHgbZYJYJQmMYJQy0n0Xa";
    const TWO: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn said(text: &str, host: &str, port: u16) -> Said {
        said_of(text, &spelling(host, port))
    }

    fn found(text: &str, host: &str, port: u16) -> usize {
        said(text, host, port).keys.len()
    }

    #[test]
    fn names_ports_patterns_and_exceptions_are_those_of_openssh() {
        let plain = format!("depot.example.org,192.0.2.1 ssh-ed25519 {ONE} a comment\n");
        assert_eq!(found(&plain, "Depot.Example.org", 22), 1);
        assert_eq!(found(&plain, "192.0.2.1", 22), 1);
        assert_eq!(found(&plain, "depot.example.org", 2222), 0);
        assert_eq!(found(&plain, "example.org", 22), 0);
        let port = format!("[depot.example.org]:2222 ssh-ed25519 {ONE}\n");
        assert_eq!(found(&port, "depot.example.org", 2222), 1);
        let pattern = format!("*.example.org,!old.example.org ssh-ed25519 {ONE}\n");
        assert_eq!(found(&pattern, "new.example.org", 22), 1);
        assert_eq!(found(&pattern, "old.example.org", 22), 0);
    }

    #[test]
    fn revoked_keys_comments_and_authorities_are_no_keys() {
        let both = format!("h ssh-ed25519 {ONE}\nh ssh-ed25519 {TWO}\n");
        assert_eq!(found(&both, "h", 22), 2);
        let revoked = format!("{both}@revoked * ssh-ed25519 {TWO}\n");
        assert_eq!(found(&revoked, "h", 22), 1);
        let none = format!(
            "# h ssh-ed25519 {ONE}\n#h ssh-ed25519 {ONE}\n@cert-authority h ssh-ed25519 {ONE}\nh ssh-ed25519\n"
        );
        assert_eq!(found(&none, "h", 22), 0);
    }

    #[test]
    fn a_revoked_key_is_none_wherever_its_line_stands_and_whatever_name_it_has() {
        let key = format!("h ssh-ed25519 {ONE}\n");
        for names in [
            "h",
            "*",
            "other,h",
            "|1|MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=|IZ5E9l73DScQ4IwepMfKiZz5dnI=",
        ] {
            let revoked = format!("@revoked {names} ssh-ed25519 {ONE}\n");
            let both = [
                found(&(key.clone() + &revoked), "h", 22),
                found(&(revoked + &key), "h", 22),
            ];
            assert_eq!(both, [0, 0], "{names}");
        }
        assert_eq!(
            found(&format!("{key}@revoked g ssh-ed25519 {ONE}\n"), "h", 22),
            1
        );
    }

    #[test]
    fn a_revoked_key_that_cannot_be_read_is_told_with_its_line() {
        let key = format!("h ssh-ed25519 {ONE}\n");
        for line in [
            "@revoked h ssh-ed25519 x",
            "@revoked h ssh-ed25519",
            "@revoked h",
        ] {
            assert_eq!(
                said(&(key.clone() + line), "h", 22).unreadable,
                Some(2),
                "{line}"
            );
        }
        assert_eq!(said("@revoked g ssh-ed25519 x\n", "h", 22).unreadable, None);
    }

    #[test]
    fn an_authority_is_noticed_where_it_speaks_for_the_host() {
        let line = format!("@cert-authority *.example.org ssh-ed25519 {ONE}\n");
        assert!(said(&line, "depot.example.org", 22).authority);
        assert!(!said(&line, "example.com", 22).authority);
    }
}
