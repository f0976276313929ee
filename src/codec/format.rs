//! The formats, told by content.

use std::fmt;

use flate2::{Decompress, FlushDecompress};
use serde::{Deserialize, Serialize};

use super::{gz, tar};

/// A format of an archive (ARC-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// `zip`, stored or deflated, zip64 included.
    #[serde(rename = "zip")]
    Zip,
    /// `tar`: ustar, pax, GNU, v7.
    #[serde(rename = "tar")]
    Tar,
    /// `tar.gz`, also written `tgz`.
    #[serde(rename = "tar.gz")]
    TarGz,
    /// `gz`: one file, its manifest beside it.
    #[serde(rename = "gz")]
    Gz,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Zip, Self::Tar, Self::TarGz, Self::Gz];

    /// How many first bytes are enough for [`Format::detect`].
    pub const PREFIX_BYTES: usize = 128 << 10;

    /// The format of what begins with `prefix`; none where it is none of ours.
    pub fn detect(prefix: &[u8]) -> Option<Self> {
        if prefix.starts_with(b"PK\x03\x04") || prefix.starts_with(b"PK\x05\x06") {
            return Some(Self::Zip);
        }
        if tar::is_header(prefix) {
            return Some(Self::Tar);
        }
        let header = gz::header_length(prefix)?;
        Some(match tar::is_header(&beginning(&prefix[header..])) {
            true => Self::TarGz,
            false => Self::Gz,
        })
    }

    /// The name that settings and files use: `zip`, `tar`, `tar.gz`, `gz`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
            Self::Gz => "gz",
        }
    }

    /// Reads [`Format::as_str`]; `tgz` is `tar.gz`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "tgz" => Some(Self::TarGz),
            _ => Self::ALL.into_iter().find(|format| format.as_str() == name),
        }
    }

    /// Whether it must be unpacked to a plain one before it can be read by seeking.
    pub fn is_packed(self) -> bool {
        matches!(self, Self::TarGz | Self::Gz)
    }

    /// What lies inside of a packed one: a tar in a `tar.gz`; all others are themselves.
    pub fn unpacked(self) -> Self {
        match self {
            Self::TarGz => Self::Tar,
            other => other,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The first bytes that a deflate stream inflates to: a tar's header, where it is one.
fn beginning(deflated: &[u8]) -> Vec<u8> {
    let mut text = vec![0; tar::BLOCK];
    let mut inflater = Decompress::new(false);
    // What does not inflate is no tar; the walk of the gzip will say what it is.
    let _ = inflater.decompress(deflated, &mut text, FlushDecompress::None);
    text.truncate(inflater.total_out() as usize);
    text
}
