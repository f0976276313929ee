//! A document to send: its name, its type, its size and hash, read before anything starts.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use crate::kernel::{
    digest::{Hasher, Sha256},
    fault::{Code, Fault, Result},
};

/// A file of the command line.
pub struct Document {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name without folder.
    pub name: String,
    /// Its id with its sender: the same file named twice is two pieces.
    pub uid: String,
    /// Its type, by its first bytes, else by its name.
    pub media_type: &'static str,
    /// In bytes.
    pub size: u64,
    /// Of the whole file.
    pub sha256: Sha256,
}

impl Document {
    /// Reads the file that stands at `place` of the command line. Fails with code `usage` where it cannot be read.
    pub fn read(path: &Path, place: usize) -> Result<Self> {
        let unreadable = |error| Fault::new(Code::Usage, format!("{}: {error}", path.display()));
        let mut file = File::open(path).map_err(unreadable)?;
        let (mut hasher, mut size, mut head) = (Hasher::new(false), 0, Vec::new());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut buffer).map_err(unreadable)?;
            if read == 0 {
                break;
            }
            if size == 0 {
                head.extend_from_slice(&buffer[..read]);
            }
            hasher.update(&buffer[..read]);
            size += read as u64;
        }
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        Ok(Self {
            path: path.to_owned(),
            uid: format!("{place}-{name}"),
            media_type: media_type(&head, path),
            name,
            size,
            sha256: hasher.finish().sha256,
        })
    }
}

fn media_type(head: &[u8], path: &Path) -> &'static str {
    if let Some(kind) = infer::get(head) {
        return kind.mime_type();
    }
    let extension = path.extension().map(|text| text.to_ascii_lowercase());
    match extension
        .and_then(|text| text.into_string().ok())
        .as_deref()
    {
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("tif" | "tiff") => "image/tiff",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}
