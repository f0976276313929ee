//! Is the server the one that we know? Asked before we tell it who we are.
//!
//! A server has keys of several kinds and shows one of a kind that we ask for. With a `known_hosts` file the kinds are those of
//! the file. With fingerprints they are not known: where the shown key is not pinned, the other kinds are asked for, one
//! connection each, before the server is refused.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use data_encoding::{BASE64, BASE64_NOPAD};

use super::{
    algorithms::{self, HOST_KEYS},
    known_hosts,
    wire::Wire,
};
use crate::{
    config::depots::{self, HostKeys},
    kernel::{
        digest,
        fault::{Code, Fault, Result},
    },
    transport::net,
};

/// A key that a server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// Its kind, such as `ssh-ed25519`.
    pub kind: String,
    /// SHA-256 of the key.
    pub sha256: [u8; 32],
}

/// The keys that a server may show.
#[derive(Debug)]
pub enum Pins {
    /// By fingerprint: of which kind is not known.
    Fingerprints(Vec<[u8; 32]>),
    /// Of a file, each with its kind.
    Keys(Vec<HostKey>),
}

impl HostKey {
    /// From the key as it is on the wire: its kind comes first.
    pub fn of(blob: &[u8]) -> Option<Self> {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let kind = rest.get(..u32::from_be_bytes(*length) as usize)?;
        Some(Self {
            kind: String::from_utf8(kind.to_vec()).ok()?,
            sha256: digest::sha256(blob),
        })
    }

    /// As `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", BASE64_NOPAD.encode(&self.sha256))
    }
}

impl Pins {
    /// The pins of the settings. Fails with `configuration` where the file is not readable or holds no key of this server.
    pub fn read(settings: &depots::Sftp) -> Result<Self> {
        match &settings.host_keys {
            HostKeys::Fingerprints(texts) => {
                let hashes = texts.iter().filter_map(|text| hash(text));
                Ok(Self::Fingerprints(hashes.collect()))
            }
            HostKeys::KnownHosts(file) => {
                known_hosts::read(file, &settings.host, settings.port).map(Self::Keys)
            }
        }
    }

    fn knows(&self, key: &HostKey) -> bool {
        match self {
            Self::Fingerprints(hashes) => hashes.contains(&key.sha256),
            Self::Keys(keys) => keys.contains(key),
        }
    }

    /// Whether a key of this kind may be known.
    fn may_know(&self, kind: &str) -> bool {
        match self {
            Self::Fingerprints(_) => true,
            Self::Keys(keys) => keys.iter().any(|key| key.kind == kind),
        }
    }
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let base64 = text.strip_prefix("SHA256:")?;
    let bytes = BASE64.decode(format!("{base64}=").as_bytes()).ok()?;
    bytes.try_into().ok()
}

/// Connects up to the keys, until the server shows one that is known.
///
/// Fails with `host-key-refused` where it shows none, `depot-insecure` where nothing safe is in common.
pub fn meet(
    settings: &depots::Sftp,
    pins: &Pins,
    timeout: Duration,
    end: Instant,
) -> Result<(Wire, HostKey)> {
    let (mut seen, mut shown, mut disagreed) = (BTreeSet::new(), Vec::new(), false);
    loop {
        let methods = methods(pins, &seen);
        if methods.is_empty() {
            return Err(refused(&shown));
        }
        let mut wire = Wire::dial(&settings.host, settings.port, timeout, end)?;
        algorithms::agree(wire.session(), &methods)?;
        match wire.shake_hands() {
            Ok(()) => {}
            // It has no key of the kinds that are left.
            Err(tried) if tried.is_disagreement() && !shown.is_empty() => {
                return Err(refused(&shown));
            }
            // Once, it may be a cut.
            Err(tried) if tried.is_disagreement() && !disagreed => {
                disagreed = true;
                continue;
            }
            Err(tried) if tried.is_disagreement() => {
                return Err(algorithms::disagreement(&tried.cause("handshake")));
            }
            Err(tried) => return Err(net::unreachable(tried.cause("handshake"))),
        }
        let key = shown_by(&wire)?;
        if pins.knows(&key) {
            return Ok((wire, key));
        }
        shown.push(key.fingerprint());
        // A kind asked for is a kind shown, or else left out as asked.
        if !seen.insert(key.kind) {
            return Err(refused(&shown));
        }
    }
}

fn methods(pins: &Pins, seen: &BTreeSet<String>) -> String {
    let wanted = HOST_KEYS
        .iter()
        .filter(|(_, kind)| pins.may_know(kind) && !seen.contains(*kind));
    let names: Vec<_> = wanted.map(|(method, _)| *method).collect();
    names.join(",")
}

fn shown_by(wire: &Wire) -> Result<HostKey> {
    let key = wire.session().host_key();
    let key = key.and_then(|(blob, _)| HostKey::of(blob));
    key.ok_or_else(|| net::unreachable("the server showed no key that can be read"))
}

fn refused(shown: &[String]) -> Fault {
    let detail = format!(
        "La clé du serveur n'est pas celle que l'on connaît ; il montre {}. Rien ne lui a été envoyé. Vérifiez auprès du \
         partenaire avant de changer host_key ou known_hosts.",
        shown.join(", ")
    );
    Fault::new(Code::HostKeyRefused, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_shown() {
        let key = HostKey::of(b"\0\0\0\x0bssh-ed25519\0\0\0\x02ab").unwrap();
        assert_eq!(key.kind, "ssh-ed25519");
        assert_eq!(hash(&key.fingerprint()), Some(key.sha256));
        assert!(Pins::Fingerprints(vec![key.sha256]).knows(&key));
        assert!(!Pins::Fingerprints(vec![[0; 32]]).knows(&key));
    }

    #[test]
    fn a_key_that_is_cut_is_no_key() {
        for blob in [&b""[..], b"\0\0\0", b"\0\0\0\x0bssh", b"\xff\xff\xff\xff"] {
            assert_eq!(HostKey::of(blob), None);
        }
    }

    #[test]
    fn only_the_kinds_of_the_file_are_asked_for_and_no_kind_twice() {
        let key = |kind: &str| HostKey {
            kind: kind.to_owned(),
            sha256: [1; 32],
        };
        let pins = Pins::Keys(vec![key("ssh-rsa"), key("ssh-ed25519")]);
        let none = BTreeSet::new();
        assert_eq!(
            methods(&pins, &none),
            "ssh-ed25519,rsa-sha2-512,rsa-sha2-256"
        );
        let seen = BTreeSet::from(["ssh-ed25519".to_owned()]);
        assert_eq!(methods(&pins, &seen), "rsa-sha2-512,rsa-sha2-256");
    }
}
