//! Who is at the other end of a connection, given to handlers as an extension of each request.

use std::{net::SocketAddr, sync::Arc};

use openssl::x509::X509;
use rustls::pki_types::CertificateDer;

use crate::kernel::digest::{self, Sha256};

/// The other end of a connection. One value serves all of its requests.
#[derive(Clone, Debug)]
pub struct Peer {
    /// SHA-256 of the verified client certificate's DER form (RFC 8705 `x5t#S256`); `None` without certificate (API-9).
    pub certificate_sha256: Option<Sha256>,
    /// The certificate's subject, for the log: `CN=…, O=…`.
    pub subject: Option<Arc<str>>,
    /// The address that connected.
    pub address: SocketAddr,
}

impl Peer {
    /// A peer that showed no certificate.
    pub fn anonymous(address: SocketAddr) -> Self {
        Self {
            certificate_sha256: None,
            subject: None,
            address,
        }
    }

    /// A peer whose certificate the handshake verified.
    pub fn certified(address: SocketAddr, certificate: &CertificateDer<'_>) -> Self {
        Self {
            certificate_sha256: Some(digest::sha256(certificate)),
            subject: subject(certificate).map(Into::into),
            address,
        }
    }
}

/// The subject as text; `None` where it cannot be read, which refuses nobody: the fingerprint is the identity.
fn subject(certificate: &[u8]) -> Option<String> {
    let certificate = X509::from_der(certificate).ok()?;
    let attributes = certificate.subject_name().entries().filter_map(|entry| {
        let name = entry.object().nid().short_name().ok()?;
        let value = entry.data().to_string().ok()?;
        Some(format!("{name}={value}"))
    });
    Some(attributes.collect::<Vec<_>>().join(", "))
}
