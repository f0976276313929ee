//! The real type of a document, told from its first bytes, against the declared one.
//!
//! What has a signature is told by the `infer` library. Text has none, so it is decided here:
//! - bytes are *text* when they hold no control character but tabs, line ends and form feeds, or start with the mark of
//!   UTF-16; any eight-bit encoding passes, since Windows-1252 is everyday in CSV files;
//! - in text, only signatures that are text themselves count, at its start: PDF, RTF, PostScript, HTML, XML, scripts.
//!   The two letters `MZ` at the head of a CSV do not make it a program;
//! - declared JSON must begin as JSON does, declared XML with `<`, declared CSV must be nothing more specific; any text
//!   agrees with the other text types.
//!
//! Families agree among themselves: Office files with ZIP, old Office files with each other. `application/octet-stream`
//! says nothing and agrees with all; then the *real* type must be on the project's list. A declared type without a known
//! signature agrees with all but programs.
//!
//! To teach it a type: an alias goes to [`canonical`], a family to [`FAMILIES`].

use serde::{Deserialize, Serialize};

/// How many first bytes are enough.
pub const PREFIX_BYTES: usize = 8192;

const TEXT: &str = "text/plain";
const ANYTHING: &str = "application/octet-stream";

/// Prefixes of canonical types that share one container and hence one signature.
const FAMILIES: &[&[&str]] = &[
    &[
        "application/zip",
        "application/vnd.openxmlformats-officedocument.",
        "application/vnd.oasis.opendocument.",
        "application/epub+zip",
        "application/java-archive",
    ],
    &[
        "application/msword",
        "application/vnd.ms-",
        "application/x-ole-storage",
    ],
];

/// Signatures that are text themselves.
const WRITTEN: &[&str] = &[
    "application/pdf",
    "application/rtf",
    "application/postscript",
    "text/html",
    "text/xml",
    "text/x-shellscript",
];

/// Signatures of programs, long enough not to be met by chance in a binary format that has no signature here.
const PROGRAMS: &[&str] = &[
    "application/vnd.microsoft.portable-executable",
    "application/x-mach-binary",
    "application/vnd.android.dex",
    "application/java",
    "application/wasm",
];

/// What the first bytes say of a declared type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeFinding {
    /// The declared type, canonical: lower case, no parameters, no alias.
    pub declared: String,
    /// The real type, where it can be told.
    pub actual: Option<String>,
    /// Whether the two can be the same.
    pub agrees: bool,
}

impl TypeFinding {
    /// The type to go by: the real one where it can be told and is more than "text".
    pub fn known(&self) -> &str {
        let actual = self.actual.as_deref().filter(|actual| *actual != TEXT);
        actual.unwrap_or(&self.declared)
    }
}

/// The real type of a document by its first [`PREFIX_BYTES`]; `None` where nothing tells it.
pub fn sniff(prefix: &[u8]) -> Option<&'static str> {
    let signature = signature(prefix);
    match is_text(prefix) {
        true => Some(written(prefix, signature).unwrap_or(TEXT)),
        false => signature,
    }
}

fn signature(prefix: &[u8]) -> Option<&'static str> {
    let found = infer::get(prefix).map(|kind| kind.mime_type());
    // The library looks for a camera's mark in bytes 8 and 9 and, meeting half of it, no longer sees a TIFF.
    let tiff = prefix.starts_with(b"II*\0") || prefix.starts_with(b"MM\0*");
    let found = found.or(tiff.then_some("image/tiff"))?;
    Some(alias(found).unwrap_or(found))
}

/// Compares a declared type with the first bytes of the content.
pub fn compare(prefix: &[u8], declared: &str) -> TypeFinding {
    let declared = canonical(declared);
    let actual = sniff(prefix);
    TypeFinding {
        agrees: agrees(prefix, &declared, actual),
        actual: actual.map(str::to_owned),
        declared,
    }
}

/// Whether a project's list takes a type. Entries are types, or families such as `image/*`; aliases count as the same.
/// An empty list takes all.
pub fn listed(list: &[String], media_type: &str) -> bool {
    let wanted = canonical(media_type);
    let takes = |entry: &String| match entry.trim().strip_suffix('*') {
        Some(family) => wanted.starts_with(&family.to_ascii_lowercase()),
        None => canonical(entry) == wanted,
    };
    list.is_empty() || list.iter().any(takes)
}

/// Whether a project's list takes a finding: by its declared type, and where that says nothing, by its real one too.
pub fn accepted(list: &[String], found: &TypeFinding) -> bool {
    let hidden = found.declared == ANYTHING;
    listed(list, &found.declared) && (!hidden || listed(list, found.known()))
}

/// A media type without parameters, in lower case, aliases replaced.
pub fn canonical(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    alias(&essence).map_or(essence, str::to_owned)
}

fn alias(essence: &str) -> Option<&'static str> {
    match essence {
        "image/jpg" | "image/pjpeg" => Some("image/jpeg"),
        "image/tif" | "image/x-tiff" => Some("image/tiff"),
        "image/x-png" => Some("image/png"),
        "application/x-pdf" => Some("application/pdf"),
        "application/xml" => Some("text/xml"),
        "text/json" => Some("application/json"),
        "application/csv" => Some("text/csv"),
        "text/rtf" => Some("application/rtf"),
        "application/x-gzip" => Some("application/gzip"),
        "application/x-zip-compressed" | "application/x-zip" => Some("application/zip"),
        _ => None,
    }
}

fn agrees(prefix: &[u8], declared: &str, actual: Option<&str>) -> bool {
    match actual {
        _ if declared == ANYTHING => true,
        Some(actual) if actual == declared || related(declared, actual) => true,
        _ if declared_text(declared) => is_text(prefix) && reads_as(prefix, declared, actual),
        _ if infer::is_mime_supported(declared) => false,
        _ => !is_program(prefix, actual),
    }
}

fn is_program(prefix: &[u8], actual: Option<&str>) -> bool {
    let listed = actual.is_some_and(|actual| PROGRAMS.contains(&actual));
    listed || prefix.starts_with(b"\x7FELF")
}

fn related(declared: &str, actual: &str) -> bool {
    let member = |family: &[&str], kind: &str| family.iter().any(|prefix| kind.starts_with(prefix));
    let both = |family: &&&[&str]| member(family, declared) && member(family, actual);
    FAMILIES.iter().find(both).is_some()
}

fn declared_text(declared: &str) -> bool {
    let structured = declared.ends_with("+json") || declared.ends_with("+xml");
    declared.starts_with("text/") || declared == "application/json" || structured
}

fn reads_as(prefix: &[u8], declared: &str, actual: Option<&str>) -> bool {
    let first = first_character(prefix);
    if declared.ends_with("json") {
        return matches!(
            first,
            b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'
        );
    }
    match declared {
        "text/xml" => first == b'<',
        xml if xml.ends_with("+xml") => first == b'<',
        "text/csv" => actual == Some(TEXT),
        _ => true,
    }
}

/// The first byte that is neither white space nor part of a byte order mark; 0 where there is none.
fn first_character(prefix: &[u8]) -> u8 {
    let skipped = |byte: &u8| {
        !byte.is_ascii_whitespace() && !matches!(byte, 0 | 0xEF | 0xBB | 0xBF | 0xFE | 0xFF)
    };
    prefix.iter().copied().find(skipped).unwrap_or(0)
}

/// What a text's own signature says, if it stands at its start.
fn written(prefix: &[u8], signature: Option<&'static str>) -> Option<&'static str> {
    let found = signature.filter(|kind| WRITTEN.contains(kind))?;
    let late_pdf = found == "application/pdf" && first_character(prefix) != b'%';
    (!late_pdf).then_some(found)
}

fn is_text(prefix: &[u8]) -> bool {
    let utf16 = prefix.starts_with(&[0xFF, 0xFE]) || prefix.starts_with(&[0xFE, 0xFF]);
    let printable = |byte: &u8| *byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C);
    !prefix.is_empty() && (utf16 || prefix.iter().all(printable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(prefix: &[u8], declared: &str) -> bool {
        compare(prefix, declared).agrees
    }

    #[test]
    fn a_program_named_as_a_document_is_told() {
        let program = b"MZ\x90\0\x03\0\0\0\x04\0 %PDF-1.4";
        for declared in [
            "application/pdf",
            "image/png",
            "text/csv",
            "application/x-unheard-of",
        ] {
            assert!(!agree(program, declared), "{declared}");
        }
    }

    #[test]
    fn aliases_parameters_and_letter_case_do_not_make_another_type() {
        assert!(agree(b"\xFF\xD8\xFF\xE0\0\x10JFIF\0", "image/JPG"));
        assert!(agree(
            b"<?xml version='1.0'?><a/>",
            "application/xml; charset=utf-8"
        ));
        assert!(agree(b"II*\0\x08\0\0\0\x43\0\0\0", "image/tif"));
    }

    #[test]
    fn a_document_of_another_type_is_told_though_both_are_harmless() {
        assert!(!agree(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/jpeg"));
        assert!(!agree(b"%PDF-1.7\n", "text/csv"));
        assert!(!agree(b"plain words", "application/pdf"));
        assert!(!agree(
            b"\0\x01\x02\x03 no known signature",
            "application/pdf"
        ));
    }

    #[test]
    fn text_is_told_by_how_it_reads() {
        assert!(agree(b"MZ;nom;montant\n1;2;3\n", "text/csv"));
        assert!(agree("société;montant\n".as_bytes(), "text/csv"));
        assert!(agree(b"soci\xE9t\xE9;montant\r\n", "text/csv"));
        assert!(agree(b" \n{\"a\": 1}", "application/json"));
        assert!(agree(b"\xEF\xBB\xBF<a/>", "application/xml"));
        assert!(agree(b"See %PDF for more", "text/plain"));
        assert!(!agree(b"a;b\0c", "text/csv"));
        assert!(!agree(b"<html> <body>", "text/csv"));
        assert!(!agree(b"nom;montant", "application/xml"));
        assert!(!agree(b"<a/>", "application/json"));
        assert!(!agree(b"", "text/plain"));
    }

    #[test]
    fn containers_agree_within_their_family() {
        let zip = b"PK\x03\x04\x14\0\0\0\x08\0anything else at all here";
        assert!(agree(zip, "application/zip"));
        assert!(agree(zip, "application/vnd.oasis.opendocument.text"));
        assert!(!agree(zip, "application/pdf"));
    }

    #[test]
    fn a_type_that_says_nothing_is_accepted_only_if_the_real_one_is_listed() {
        let list = ["application/octet-stream".to_owned(), "image/*".to_owned()];
        let accepts = |prefix: &[u8]| accepted(&list, &compare(prefix, "application/octet-stream"));
        assert!(accepts(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"));
        assert!(accepts(b"\x01\x02\x03"));
        assert!(!accepts(b"MZ\x90\0\x03\0\0\0"));
        assert!(listed(&[], "application/pdf"));
        assert!(listed(&list, "image/jpg"));
        assert!(!listed(&list, "application/pdf"));
    }
}
