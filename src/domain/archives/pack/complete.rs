//! What the metadata leave out, found in the folder.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::{
    Planned, Progress, Step,
    files::{self, Found, Reading},
};
use crate::{
    codec::comparable,
    kernel::{
        digest::{hex, sha256},
        fault::{Code, Fault, Result},
    },
};

type Object = Map<String, Value>;

/// How many hexadecimal digits of a digest make a uid.
const UID: usize = 32;

/// The metadata completed, and the files in their order. Files of `skip` are none.
pub(super) fn manifest(
    folder: &Path,
    skip: &[PathBuf],
    mut metadata: Object,
    progress: &dyn Progress,
) -> Result<(Object, Vec<Planned>)> {
    let found = files::below(folder, folder, skip)?;
    let total = found.iter().filter_map(|(_, path)| path.metadata().ok());
    progress.begin(Step::Hash, total.map(|file| file.len()).sum());
    let mut completing = Completing {
        found: found
            .into_iter()
            .map(|(name, path)| (comparable(&name), path))
            .collect(),
        planned: Vec::new(),
        progress,
    };
    match metadata.get_mut("dossiers") {
        Some(Value::Array(dossiers)) => {
            for dossier in dossiers.iter_mut().filter_map(Value::as_object_mut) {
                let id = dossier
                    .get("dossierId")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let below = format!("{}/", comparable(id));
                completing.dossier(dossier, &below)?;
            }
        }
        _ => completing.dossier(&mut metadata, "")?,
    }
    completing.nothing_left()?;
    Ok((metadata, completing.planned))
}

struct Completing<'p> {
    /// Files that no piece has yet, by their names.
    found: HashMap<String, PathBuf>,
    planned: Vec<Planned>,
    progress: &'p dyn Progress,
}

impl Completing<'_> {
    /// Completes a dossier; without pieces, each file whose name begins with `below` is one.
    fn dossier(&mut self, dossier: &mut Object, below: &str) -> Result<()> {
        if !dossier.contains_key("pieces") {
            let mut names: Vec<_> = self
                .found
                .keys()
                .filter(|name| name.starts_with(below))
                .cloned()
                .collect();
            names.sort();
            let pieces = names
                .into_iter()
                .map(|name| json!({ "files": [{ "name": name }] }));
            dossier.insert("pieces".to_owned(), pieces.collect());
        }
        let pieces = dossier.get_mut("pieces").and_then(Value::as_array_mut);
        for piece in pieces
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            self.piece(piece)?;
        }
        Ok(())
    }

    fn piece(&mut self, piece: &mut Object) -> Result<()> {
        let first = self.planned.len();
        let files = piece.get_mut("files").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten() {
            // A name alone is a file too.
            if let Value::String(name) = file {
                *file = json!({ "name": name });
            }
            if let Some(file) = file.as_object_mut() {
                self.file(file)?;
            }
        }
        let uid = uid(&self.planned[first..]);
        piece.entry("uid").or_insert_with(|| uid.into());
        Ok(())
    }

    fn file(&mut self, file: &mut Object) -> Result<()> {
        let name = comparable(file.get("name").and_then(Value::as_str).unwrap_or_default());
        let path = self.found.remove(&name).ok_or_else(|| {
            let detail = format!("{name}: not in the folder, or declared twice");
            Fault::new(Code::Usage, detail)
        })?;
        let with_sha512 = file
            .get("hash")
            .is_some_and(|hash| hash["algorithm"] == "SHA-512");
        let found: Found = (name, path);
        let Reading {
            planned,
            media_type,
            sha512,
        } = files::read(found, with_sha512, self.progress)?;
        let hash = match sha512 {
            Some(value) => json!({ "algorithm": "SHA-512", "value": hex(&value) }),
            None => json!({ "algorithm": "SHA-256", "value": hex(&planned.sha256) }),
        };
        // A hash that was given is not replaced: it may tell that the file is another one. Only its value may be left out.
        let given = file
            .get("hash")
            .and_then(|hash| hash.get("value"))
            .is_some();
        if !given {
            file.insert("hash".to_owned(), hash);
        }
        file.entry("mediaType").or_insert_with(|| media_type.into());
        file.entry("size").or_insert_with(|| planned.size.into());
        self.planned.push(planned);
        Ok(())
    }

    /// A file that no piece has would be refused on the other side.
    fn nothing_left(&self) -> Result<()> {
        let mut names: Vec<_> = self.found.keys().map(String::as_str).collect();
        names.sort_unstable();
        match names.is_empty() {
            true => Ok(()),
            false => Err(Fault::new(
                Code::Usage,
                format!("files that no piece declares:\n  {}", names.join("\n  ")),
            )),
        }
    }
}

/// The same files have the same uid again; a corrected one has another.
fn uid(files: &[Planned]) -> String {
    let told = files
        .iter()
        .flat_map(|file| [file.name.as_bytes(), b"\0", &file.sha256[..]].concat());
    let digest = hex(&sha256(&told.collect::<Vec<u8>>()));
    digest[..UID].to_owned()
}
