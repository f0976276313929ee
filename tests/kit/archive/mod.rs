//! Archives made byte by byte, so that each byte of them can lie.
//!
//! | file | gives |
//! |---|---|
//! | `zip` | a zip of whatever its headers say |
//! | `tar` | a tar of whatever its headers say |

pub mod tar;
pub mod zip;

use serde_json::{Value, json};

/// A manifest of one dossier, each of these files a piece.
pub fn manifest(names: &[&str]) -> Value {
    let pieces: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(place, name)| {
            json!({ "uid": format!("P-{place}"), "files": [{ "name": name, "mediaType": "text/plain" }] })
        })
        .collect();
    json!({
        "project": "aides-demo", "sourceApplication": "isis", "dossierId": "D-1", "iteration": 1, "pieces": pieces,
    })
}

/// The text of the manifest of these files.
pub fn manifest_text(names: &[&str]) -> Vec<u8> {
    manifest(names).to_string().into_bytes()
}
