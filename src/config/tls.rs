//! A certificate and its key, as every section that has one names them.

use std::path::PathBuf;

use super::reader::Reader;

/// A certificate chain and its private key, both PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads `certificate` and `key_file` of a section; both must be there.
    pub(super) fn read(reader: &mut Reader, section: &str) -> Self {
        Self {
            certificate: reader.file(&format!("{section}.certificate")),
            key: reader.file(&format!("{section}.key_file")),
        }
    }
}
