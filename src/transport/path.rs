//! Names and folders of a depot.

use crate::kernel::fault::{Code, Fault, Result};

/// What a name of ours ends with as long as its file is on its way.
const TEMPORARY: &str = ".part";

/// The path of a file in a folder (`""` and `"."` are the depot's root).
///
/// Fails with `invalid` where `name` is no plain name: empty, `.`, `..`, or with `/`, NUL or line breaks in it.
pub fn join(folder: &str, name: &str) -> Result<String> {
    let forbidden = |c: char| c == '/' || c.is_ascii_control();
    if name.is_empty() || name == "." || name == ".." || name.contains(forbidden) {
        let detail = "ce nom ne peut être celui d'un fichier de dépôt";
        return Err(Fault::new(Code::Invalid, detail));
    }
    Ok(match folder.trim_end_matches('/') {
        "" if folder.starts_with('/') => format!("/{name}"),
        "" | "." => name.to_owned(),
        folder => format!("{folder}/{name}"),
    })
}

/// The name that a file has on its way: hidden, so that nobody who lists plain names takes it.
pub fn temporary(name: &str) -> String {
    format!(".{name}{TEMPORARY}")
}

/// Whether a name is hidden: nobody's business, not even ours.
pub fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// The folder and the name of a path.
pub fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => ("", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lies_below_its_folder_however_that_is_written() {
        for (folder, path) in [
            ("in", "in/a.zip"),
            ("in/", "in/a.zip"),
            ("/in", "/in/a.zip"),
            ("", "a.zip"),
            (".", "a.zip"),
            ("/", "/a.zip"),
        ] {
            assert_eq!(join(folder, "a.zip").unwrap(), path);
        }
        assert_eq!(split("in/a.zip"), ("in", "a.zip"));
        assert_eq!(split("/a.zip"), ("/", "a.zip"));
        assert_eq!(split("a.zip"), ("", "a.zip"));
    }

    #[test]
    fn what_is_no_plain_name_leads_nowhere() {
        for name in ["", ".", "..", "a/b", "../b", "a\0b", "a\r\nDELE b"] {
            assert_eq!(join("in", name).unwrap_err().code(), Code::Invalid);
        }
    }
}
