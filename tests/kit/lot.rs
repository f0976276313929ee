//! Archives made to measure: a manifest and its files, in the formats that partners send.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::gateway::{APPLICATION, PROJECT};
use navette::kernel::digest::{hex, sha256};

/// An archive in the making.
#[derive(Clone, Debug)]
pub struct Lot {
    /// The manifest as it will be written.
    pub manifest: Value,
    /// Names and contents, in their order.
    pub files: Vec<(String, Vec<u8>)>,
}

impl Lot {
    /// An archive of one dossier without a piece yet, its first deposit.
    pub fn new(dossier: &str) -> Self {
        Self::batch(&[dossier])
    }

    /// An archive of several dossiers without a piece yet.
    pub fn batch(dossiers: &[&str]) -> Self {
        let dossiers = dossiers.iter().map(|dossier| {
            json!({ "dossierId": dossier, "iteration": 1, "businessData": {}, "pieces": [] })
        });
        Self {
            manifest: json!({
                "project": PROJECT,
                "sourceApplication": APPLICATION,
                "dossiers": dossiers.collect::<Vec<_>>(),
            }),
            files: Vec::new(),
        }
    }

    /// Adds a piece of one file to the first dossier, its type told by the name.
    pub fn piece(self, uid: &str, name: &str, content: &[u8]) -> Self {
        self.piece_of(0, uid, &[(name, content)])
    }

    /// Adds a piece of several files to a dossier.
    pub fn piece_of(mut self, dossier: usize, uid: &str, files: &[(&str, &[u8])]) -> Self {
        let listed = files.iter().map(|(name, content)| {
            json!({
                "name": name,
                "mediaType": media_type(name),
                "size": content.len(),
                "hash": { "algorithm": "SHA-256", "value": hex(&sha256(content)) },
            })
        });
        let piece = json!({ "uid": uid, "files": listed.collect::<Vec<_>>(), "businessData": {} });
        let pieces = self.manifest["dossiers"][dossier]["pieces"].as_array_mut();
        pieces.expect("a dossier of the lot").push(piece);
        let files = files
            .iter()
            .map(|(name, content)| ((*name).to_owned(), content.to_vec()));
        self.files.extend(files);
        self
    }

    /// The same with another manifest.
    pub fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        change(&mut self.manifest);
        self
    }

    /// As a zip, deflated.
    pub fn zip(&self) -> Vec<u8> {
        self.zipped(CompressionMethod::Deflated)
    }

    /// As a zip, its files stored as they are.
    pub fn zip_stored(&self) -> Vec<u8> {
        self.zipped(CompressionMethod::Stored)
    }

    fn zipped(&self, method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for (name, content) in self.entries() {
            writer.start_file(name, options).expect("a name");
            writer.write_all(&content).expect("in memory");
        }
        writer.finish().expect("in memory").into_inner()
    }

    /// As a tar.
    pub fn tar(&self) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in self.entries() {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            builder
                .append_data(&mut header, name, &content[..])
                .expect("in memory");
        }
        builder.into_inner().expect("in memory")
    }

    /// As a tar.gz.
    pub fn tar_gz(&self) -> Vec<u8> {
        gz(&self.tar())
    }

    fn entries(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        let manifest = serde_json::to_vec(&self.manifest).expect("JSON");
        std::iter::once(("manifest.json".to_owned(), manifest)).chain(self.files.clone())
    }
}

/// One file as a gz.
pub fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("in memory");
    encoder.finish().expect("in memory")
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}
