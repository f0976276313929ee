//! `known_hosts` in OpenSSH's form: plain and hashed names, patterns, ports, `@revoked`.
//!
//! `@cert-authority` lines are passed over: the library knows no keys signed by an authority (`…-cert-v01@openssh.com`), so that
//! a server shows its plain key, which has to be named like any other.

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

/// The keys of `host` in `file`, without those revoked.
///
/// Fails with `configuration` where the file cannot be read, `host-key-refused` where it has none for this host.
pub fn read(file: &Path, host: &str, port: u16) -> Result<Vec<HostKey>> {
    let text = fs::read_to_string(file).map_err(|error| {
        let detail = format!("{}: {error}", file.display());
        Fault::new(Code::Configuration, detail)
    })?;
    let keys = keys_of(&text, &spelling(host, port));
    if keys.is_empty() {
        let detail = format!(
            "{} ne contient pas de clé de {} : le serveur est inconnu.",
            file.display(),
            spelling(host, port)
        );
        return Err(Fault::new(Code::HostKeyRefused, detail));
    }
    Ok(keys)
}

/// A host as these files write it.
fn spelling(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    match port {
        SSH => host,
        port => format!("[{host}]:{port}"),
    }
}

fn keys_of(text: &str, host: &str) -> Vec<HostKey> {
    let (mut keys, mut revoked) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["@revoked", names, _, key, ..] if matches(names, host) => revoked.extend(key_of(key)),
            [names, _, key, ..] if !names.starts_with(['#', '@']) && matches(names, host) => {
                keys.extend(key_of(key));
            }
            _ => {}
        }
    }
    keys.retain(|key| !revoked.contains(key));
    keys
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

    fn found(text: &str, host: &str, port: u16) -> usize {
        keys_of(text, &spelling(host, port)).len()
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
}
