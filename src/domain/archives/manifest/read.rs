//! In the making.

use std::io::BufRead;

use super::Manifest;
use crate::codec::{FindingCode, Refusal};

pub(super) fn parse(_text: impl BufRead) -> Result<Manifest, Refusal> {
    Err(Refusal::one(FindingCode::ManifestUnreadable, "à venir"))
}
