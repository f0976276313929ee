//! Names of entries: which are safe, what their bytes mean, and which are the same.
//!
//! A name is a path of labels below nothing: `a/b.pdf`. What leads upwards or elsewhere, what a terminal would obey, and
//! what another system reads as something else is refused, though nothing here ever makes a path of it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// What the bytes of a name mean where the archive does not say that they are UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodePage {
    /// UTF-8 where the bytes are UTF-8, else the one of the zip's book, 437.
    #[default]
    Auto,
    /// UTF-8: all else is unreadable.
    Utf8,
    /// 437, of DOS and of the book.
    Cp437,
    /// 850, of DOS in western Europe.
    Cp850,
    /// 1252, of Windows.
    Cp1252,
}

impl CodePage {
    /// The name that settings and commands use: `auto`, `utf-8` (or `utf8`), `cp437`, `cp850`, `cp1252`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "auto" => Self::Auto,
            "utf-8" | "utf8" => Self::Utf8,
            "cp437" => Self::Cp437,
            "cp850" => Self::Cp850,
            "cp1252" => Self::Cp1252,
            _ => return None,
        })
    }

    /// The text of `bytes`; none where they are no text of this page.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<String> {
        let utf8 = || str::from_utf8(bytes).ok().map(str::to_owned);
        let oem = |table| oem_cp::decode_string_complete_table(bytes, table);
        match self {
            Self::Utf8 => utf8(),
            Self::Auto => utf8().or_else(|| Self::Cp437.decode(bytes)),
            Self::Cp437 => Some(oem(&oem_cp::code_table::DECODING_TABLE_CP437)),
            Self::Cp850 => Some(oem(&oem_cp::code_table::DECODING_TABLE_CP850)),
            Self::Cp1252 => encoding_rs::WINDOWS_1252
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(|text| text.into_owned()),
        }
    }
}

/// Whether `c` may be shown: no control, nothing that reorders the text around it.
pub(super) fn is_printable(c: char) -> bool {
    let reorders = matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !reorders
}

/// A name without the `./` that tar writes before each; the empty text for the root itself.
pub(super) fn plain(name: &str) -> &str {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    if name == "." { "" } else { name }
}

/// Whether a file's name is a relative path of plain labels, without anything that leads elsewhere.
pub fn is_safe(name: &str) -> bool {
    let drive = |name: &str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':')
    };
    !drive(name)
        && name.split('/').all(is_label)
        && name.chars().all(|c| is_printable(c) && c != '\\')
}

fn is_label(label: &str) -> bool {
    !matches!(label, "" | "." | "..")
}

/// The one spelling of a name by which a manifest's and an archive's are compared: composed accents (NFC). A Mac writes
/// them apart.
pub fn comparable(name: &str) -> Cow<'_, str> {
    match is_nfc(name) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(name.nfc().collect()),
    }
}

/// The spelling under which two names are one to a system that does not tell letters' case: composed, in lower case, with
/// compatible forms (ligatures, wide letters) as their plain ones.
pub(super) fn folded(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        };
    }
    // Upper case first: the sharp s and its capitals then meet as "ss".
    let upper: String = name.nfkc().flat_map(char::to_uppercase).collect();
    Cow::Owned(upper.to_lowercase().nfkc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_or_are_obeyed_are_not_safe() {
        for name in [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/../b",
            "a/..",
            "..",
            ".",
            "a/./b",
            "C:a",
            "c:/a",
            "a\\b",
            "..\\a",
            "a\0b",
            "a\nb",
            "a\u{1b}[2Jb",
            "a\u{202E}fdp.exe",
            "a\u{85}",
        ] {
            assert!(!is_safe(name), "{name:?}");
        }
        for name in [
            "a",
            "a/b.pdf",
            "é/à.pdf",
            "..a",
            "a..",
            "a b",
            "...",
            "ab:c",
        ] {
            assert!(is_safe(name), "{name:?}");
        }
    }

    #[test]
    fn names_that_some_system_takes_for_one_fold_alike() {
        for (one, other) in [
            ("Été.pdf", "e\u{301}te\u{301}.PDF"),
            ("stra\u{df}e", "STRASSE"),
            ("\u{fb01}n", "FIN"),
            ("LOT/a", "lot/A"),
            ("\u{3c3}", "\u{3c2}"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("été"), folded("ete"));
    }

    #[test]
    fn bytes_mean_what_the_page_says() {
        for (page, bytes) in [
            (CodePage::Cp437, &b"\x82t\x82"[..]),
            (CodePage::Cp850, b"\x82t\x82"),
            (CodePage::Cp1252, b"\xe9t\xe9"),
            (CodePage::Utf8, "été".as_bytes()),
            (CodePage::Auto, "été".as_bytes()),
            (CodePage::Auto, b"\x82t\x82"),
        ] {
            assert_eq!(page.decode(bytes).as_deref(), Some("été"), "{page:?}");
        }
        assert_eq!(CodePage::Utf8.decode(b"\xe9t\xe9"), None);
        assert_eq!(CodePage::Cp850.decode(b"\xb5"), Some("Á".to_owned()));
        assert_eq!(CodePage::Cp437.decode(b"\xb5"), Some("╡".to_owned()));
    }

    #[test]
    fn the_point_before_each_name_of_a_tar_is_no_part_of_it() {
        assert_eq!(plain("./a/b"), "a/b");
        assert_eq!(plain("././a"), "a");
        assert_eq!((plain("."), plain("./")), ("", ""));
        assert_eq!(plain("../a"), "../a");
    }
}
