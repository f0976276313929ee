//! The algorithms that we agree to. Nothing with SHA-1, MD5, CBC, RC4, 3DES or DSA; nothing that only a preference would keep
//! away, for a list is what the server chooses from.

use ssh2::{MethodType, Session};

use super::hostkey::HostKey;
use crate::kernel::fault::{Code, Fault, Result};

/// Key exchange. The library adds the strict order (Terrapin) by itself.
const KEX: &str = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,\
                   ecdh-sha2-nistp521,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,\
                   diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256";

/// Ciphers, the one that costs us least first: the library enciphers a whole packet by ChaCha20, and AES block by block.
const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,\
                       aes256-ctr";

/// Codes of authenticity, for the ciphers without one of their own.
const MACS: &str =
    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";

/// Signatures by our RSA keys.
const SIGNATURES: &str = "rsa-sha2-512,rsa-sha2-256";

/// The methods by which a server proves to have a key, each with the kind of key.
pub const HOST_KEYS: &[(&str, &str)] = &[
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "ssh-rsa"),
    ("rsa-sha2-256", "ssh-rsa"),
];

/// Tells the library what we agree to, with these methods of host keys.
pub fn agree(session: &Session, host_keys: &str) -> Result<()> {
    let wanted = [
        (MethodType::Kex, KEX),
        (MethodType::HostKey, host_keys),
        (MethodType::CryptCs, CIPHERS),
        (MethodType::CryptSc, CIPHERS),
        (MethodType::MacCs, MACS),
        (MethodType::MacSc, MACS),
        (MethodType::CompCs, "none"),
        (MethodType::CompSc, "none"),
        (MethodType::SignAlgo, SIGNATURES),
    ];
    for (kind, methods) in wanted {
        session
            .method_pref(kind, methods)
            .map_err(Fault::internal)?;
    }
    Ok(())
}

/// The fault of two ends without anything in common.
pub fn disagreement(cause: &str) -> Fault {
    let detail = "Le serveur du dépôt et la passerelle n'ont pas d'algorithme sûr en commun.";
    Fault::new(Code::DepotInsecure, detail).because(cause)
}

/// What was agreed on, for an operator's eyes.
pub fn agreed(session: &Session, key: &HostKey) -> Vec<(String, String)> {
    let method = |kind| session.methods(kind).unwrap_or_default().to_owned();
    let pairs = [
        ("server", session.banner().unwrap_or_default().to_owned()),
        ("keyExchange", method(MethodType::Kex)),
        ("hostKey", key.kind.clone()),
        ("hostKeyFingerprint", key.fingerprint()),
        ("cipherOut", method(MethodType::CryptCs)),
        ("cipherIn", method(MethodType::CryptSc)),
        ("macOut", method(MethodType::MacCs)),
        ("macIn", method(MethodType::MacSc)),
    ];
    let named = pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    named.collect()
}
