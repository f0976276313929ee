//! What every TLS configuration of the kit starts from.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, pem::PemObject},
};

use super::pki::{Identity, pki};

/// The cryptography that the gateway uses too.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// A store that trusts our root alone.
pub fn roots() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(&pki().root).expect("we wrote it");
    roots.add(root).expect("a root is a certificate");
    Arc::new(roots)
}

/// A client that trusts our root and shows `identity`, or nothing.
pub fn client(identity: Option<&Identity>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the defaults fit")
        .with_root_certificates(roots());
    match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain(), identity.private_key())
            .expect("key and certificate belong together"),
    }
}
