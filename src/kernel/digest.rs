//! Digests, and the keyed hashes that stand for personal data in receipts and in the journal.
//!
//! [`Hasher`] and its small relatives hash where they stand. [`blocks`] is for those who hash many streams at once.

pub mod blocks;
#[cfg(target_arch = "x86_64")]
mod vector;

use aws_lc_rs::{digest as lc, hmac};
use data_encoding::HEXLOWER;

use super::secret::Key;

/// A SHA-256 value.
pub type Sha256 = [u8; 32];

/// The algorithms that a sender may announce (API-11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256, the one that every receipt proves.
    Sha256,
    /// SHA-512, computed beside it where the sender announces it.
    Sha512,
}

impl Algorithm {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The length of its value, in bytes.
    pub fn value_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// Hashes bytes as they pass: SHA-256 always, SHA-512 on demand.
pub struct Hasher {
    sha256: lc::Context,
    sha512: Option<Sha512>,
}

/// Hashes bytes as they pass: SHA-512 alone.
pub struct Sha512(lc::Context);

/// What a [`Hasher`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256 of all bytes.
    pub sha256: Sha256,
    /// SHA-512 of all bytes, where asked for.
    pub sha512: Option<[u8; 64]>,
}

impl Hasher {
    /// A fresh hasher; `with_sha512` computes both at once.
    pub fn new(with_sha512: bool) -> Self {
        Self {
            sha256: lc::Context::new(&lc::SHA256),
            sha512: with_sha512.then(Sha512::default),
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
    }

    /// The digests of all that was added.
    pub fn finish(self) -> Digests {
        Digests {
            sha256: copied(self.sha256.finish().as_ref()),
            sha512: self.sha512.map(Sha512::finish),
        }
    }
}

impl Default for Sha512 {
    fn default() -> Self {
        Self(lc::Context::new(&lc::SHA512))
    }
}

impl Sha512 {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    pub fn finish(self) -> [u8; 64] {
        copied(self.0.finish().as_ref())
    }
}

impl Digests {
    /// The value of `algorithm`, where it was computed.
    pub fn of(&self, algorithm: Algorithm) -> Option<&[u8]> {
        match algorithm {
            Algorithm::Sha256 => Some(&self.sha256),
            Algorithm::Sha512 => self.sha512.as_ref().map(|value| &value[..]),
        }
    }
}

/// SHA-256 of one slice.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    copied(lc::digest(&lc::SHA256, bytes).as_ref())
}

/// HMAC-SHA-256 over fields that cannot run into each other (each is preceded by its length).
pub fn keyed(key: &Key, fields: &[&[u8]]) -> Sha256 {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    let mut context = hmac::Context::with_key(&key);
    for field in fields {
        context.update(&(field.len() as u64).to_be_bytes());
        context.update(field);
    }
    copied(context.sign().as_ref())
}

/// Plain HMAC-SHA-256 of one value, as any tool computes it: the hashes that a receipt shows.
pub fn hmac_sha256(key: &Key, value: &[u8]) -> Sha256 {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    copied(hmac::sign(&key, value).as_ref())
}

/// Lower-case hexadecimal, as digests are written on the wire.
pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

/// Reads hexadecimal of either case; `None` where it is not.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .ok()
}

fn copied<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_of_abc_is_the_published_one() {
        let mut hasher = Hasher::new(true);
        hasher.update(b"a");
        hasher.update(b"bc");
        let digests = hasher.finish();
        assert!(hex(&digests.sha256).starts_with("ba7816bf8f01cfea"));
        assert!(hex(digests.of(Algorithm::Sha512).unwrap()).starts_with("ddaf35a193617aba"));
    }

    #[test]
    fn fields_of_a_keyed_hash_do_not_run_into_each_other() {
        let key = Key::new([1; 32]);
        assert_ne!(keyed(&key, &[b"ab", b"c"]), keyed(&key, &[b"a", b"bc"]));
    }
}
