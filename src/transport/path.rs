//! Names and folders of a depot.

use crate::kernel::{
    digest::{hex, sha256},
    fault::{Code, Fault, Result},
};

/// What a name of ours ends with as long as its file is on its way.
const TEMPORARY: &str = ".part";

/// The most bytes of a name, on every depot that we know.
const LONGEST: usize = 255;

/// How many digits of its hash stand for the end of a name that is too long.
const DIGITS: usize = 16;

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

/// The name of an archive's receipt, without the `.json` and `.p7s` of its two files; a mark tells it from the receipt of
/// another archive of that name. A name that leaves no room is shortened as by [`marked`].
pub fn receipt(name: &str, mark: Option<&str>) -> String {
    let ending = mark.map_or(String::new(), |mark| format!(".{mark}")) + ".ack";
    let around = temporary(&format!("{ending}.json")).len();
    fitted(name, LONGEST - around) + &ending
}

/// The name of a file beside another of its name: `NAME.MARK`. Of a name that leaves no room its first bytes stay, with `~` and
/// 16 digits of its SHA-256.
pub fn marked(name: &str, mark: &str) -> String {
    let ending = format!(".{mark}");
    fitted(name, LONGEST - ending.len()) + &ending
}

fn fitted(name: &str, room: usize) -> String {
    if name.len() <= room {
        return name.to_owned();
    }
    let digest = hex(&sha256(name.as_bytes()));
    let kept = name.floor_char_boundary(room - DIGITS - 1);
    format!("{}~{}", &name[..kept], &digest[..DIGITS])
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
    fn a_receipt_fits_however_long_its_archives_name_is() {
        assert_eq!(receipt("LOT.zip", None), "LOT.zip.ack");
        assert_eq!(receipt("LOT.zip", Some("0a1b")), "LOT.zip.0a1b.ack");
        let fits = "a".repeat(240);
        assert_eq!(receipt(&fits, None), format!("{fits}.ack"));
        let long = "é".repeat(127);
        let names = [receipt(&long, None), receipt(&long, Some("0a1b"))];
        for name in &names {
            assert!(
                temporary(&format!("{name}.json")).len() <= LONGEST,
                "{name}"
            );
        }
        assert_ne!(receipt(&format!("{long}a"), None), names[0]);
        assert_eq!(receipt(&long, None), names[0]);
        assert!(marked(&long, "0123456789ab").len() <= LONGEST);
    }

    #[test]
    fn what_is_no_plain_name_leads_nowhere() {
        for name in ["", ".", "..", "a/b", "../b", "a\0b", "a\r\nDELE b"] {
            assert_eq!(join("in", name).unwrap_err().code(), Code::Invalid);
        }
    }
}
