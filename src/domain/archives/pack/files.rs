//! The files of a folder: found, read once, told their type.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{Planned, Progress};
use crate::{
    codec::stream::Effort,
    domain::processing::sniff::{self, PREFIX_BYTES},
    kernel::{
        digest::Hasher,
        fault::{Code, Fault, Result},
    },
};

/// What names tell where the content does not.
const BY_NAME: &[(&str, &str)] = &[
    ("csv", "text/csv"),
    ("json", "application/json"),
    ("xml", "text/xml"),
    ("html", "text/html"),
    ("txt", "text/plain"),
    ("pdf", "application/pdf"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
];

/// Names of what is compressed already.
const PRESSED: &[&str] = &[
    "jpg", "jpeg", "png", "gif", "webp", "jp2", "zip", "gz", "7z", "docx", "xlsx", "pptx", "odt",
    "ods", "odp", "mp4",
];

/// The most files, and the most folders within each other, that are looked for.
const MOST: usize = 1_000_000;
const DEPTH: usize = 64;

/// The media type of a file by its first bytes; by its name where they tell any text, any archive or nothing.
pub fn media_type(prefix: &[u8], path: &Path) -> String {
    let found = sniff::sniff(prefix);
    let vague = matches!(found, None | Some("text/plain" | "application/zip"));
    let extension = extension(path);
    let named = BY_NAME.iter().find(|(name, _)| *name == extension);
    match named.filter(|_| vague) {
        Some((_, named)) => (*named).to_owned(),
        None => found.unwrap_or("application/octet-stream").to_owned(),
    }
}

/// How well a file of that name is worth compressing.
pub(super) fn effort(name: &str) -> Effort {
    match PRESSED.contains(&&*extension(Path::new(name))) {
        true => Effort::Fast,
        false => Effort::Well,
    }
}

fn extension(path: &Path) -> String {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.unwrap_or_default().to_ascii_lowercase()
}

/// A file's name in the archive, and where it is.
pub(super) type Found = (String, PathBuf);

/// Every plain file below `folder`, by its path from `root`, in the order of names. A link, or a name that is no text, is
/// a fault of use: nothing is left out unsaid but the files of `skip`.
pub(super) fn below(root: &Path, folder: &Path, skip: &[PathBuf]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    walk(root, folder, 0, &mut found)?;
    let real = |path: &Path| path.canonicalize().ok();
    let skipped: Vec<_> = skip.iter().filter_map(|path| real(path)).collect();
    found.retain(|(_, path)| {
        skipped.is_empty() || real(path).is_none_or(|path| !skipped.contains(&path))
    });
    found.sort();
    Ok(found)
}

fn walk(root: &Path, folder: &Path, depth: usize, found: &mut Vec<Found>) -> Result<()> {
    let failed = |error: io::Error| unreadable(folder, &error);
    if depth > DEPTH || found.len() > MOST {
        return Err(failed(io::Error::other("too many files or folders")));
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        if kind.is_dir() {
            walk(root, &path, depth + 1, found)?;
        } else if kind.is_file() {
            let name = path.strip_prefix(root).ok().and_then(Path::to_str);
            let name =
                name.ok_or_else(|| unreadable(&path, &io::Error::other("its name is no text")))?;
            found.push((name.to_owned(), path));
        } else {
            return Err(unreadable(
                &path,
                &io::Error::other("neither a file nor a folder"),
            ));
        }
    }
    Ok(())
}

/// What one reading of a file gives.
pub(super) struct Reading {
    pub planned: Planned,
    pub media_type: String,
    pub sha512: Option<[u8; 64]>,
}

/// Reads a whole file, with constant memory.
pub(super) fn read(
    (name, path): Found,
    with_sha512: bool,
    progress: &dyn Progress,
) -> Result<Reading> {
    let failed = |error: io::Error| unreadable(&path, &error);
    let mut file = File::open(&path).map_err(failed)?;
    let (mut hasher, mut prefix, mut size) = (Hasher::new(with_sha512), Vec::new(), 0);
    let mut buffer = vec![0; 1 << 18];
    loop {
        let bytes = file.read(&mut buffer).map_err(failed)?;
        if bytes == 0 {
            break;
        }
        let wanted = bytes.min(PREFIX_BYTES - prefix.len());
        prefix.extend_from_slice(&buffer[..wanted]);
        hasher.update(&buffer[..bytes]);
        progress.advance(bytes as u64);
        size += bytes as u64;
    }
    let digests = hasher.finish();
    let media_type = media_type(&prefix, &path);
    let planned = Planned {
        name,
        path,
        size,
        sha256: digests.sha256,
    };
    Ok(Reading {
        planned,
        media_type,
        sha512: digests.sha512,
    })
}

/// A file that cannot be used, told as a fault of use.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Fault {
    Fault::new(Code::Usage, format!("{}: {error}", path.display()))
}
