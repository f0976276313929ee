//! What a sender says of a piece (API-11): the minimum of the specification, read with every fault at once.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fields::{Fields, PRINTABLE, Text};
use crate::kernel::{
    digest::{Algorithm, from_hex},
    fault::{Code, FieldFault},
};

/// The metadata of a piece, as sent back in views and in its return.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The project (market lot).
    pub project: String,
    /// The application of ASP that sends.
    pub source_application: String,
    /// The contract that binds ASP to its principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_reference: Option<String>,
    /// The dossier.
    pub dossier_id: String,
    /// The sender's own id of the piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub piece_uid: Option<String>,
    /// The sender's own type of the piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub piece_type: Option<String>,
    /// Business data: whatever the project agreed.
    pub business_data: Map<String, Value>,
    /// 1 for the initial deposit, 2… for each complement.
    pub iteration: u32,
    /// The content's hash as announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<Hash>,
    /// The file's name: a label, never a path.
    pub file_name: String,
    /// The declared media type.
    pub media_type: String,
}

/// An announced hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hash {
    /// `SHA-256` or `SHA-512`.
    pub algorithm: String,
    /// Its value, hexadecimal.
    pub value: String,
}

impl Hash {
    /// The algorithm; [`Metadata::read`] lets no other name pass.
    pub fn algorithm(&self) -> Algorithm {
        match self.algorithm.as_str() {
            "SHA-512" => Algorithm::Sha512,
            _ => Algorithm::Sha256,
        }
    }

    /// The value's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        from_hex(&self.value).unwrap_or_default()
    }
}

/// A short text: a name, a type.
pub(in crate::domain) const SHORT: Text = Text {
    most: 64,
    allowed: PRINTABLE,
};
/// A longer one: an id, a reference.
pub(in crate::domain) const LONG: Text = Text {
    most: 128,
    allowed: PRINTABLE,
};
const FILE_NAME: Text = Text {
    most: 255,
    allowed: (
        is_name_char,
        "sans « / », « \\ » ni caractère de contrôle ou de direction",
    ),
};
const MEDIA_TYPE: Text = Text {
    most: 255,
    allowed: (is_media_char, "de la forme type/sous-type"),
};
/// The highest iteration.
pub const ITERATIONS: u32 = 1_000_000;

fn is_name_char(c: char) -> bool {
    (PRINTABLE.0)(c) && c != '/' && c != '\\'
}

fn is_media_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/!#$&-^_.+".contains(c)
}

impl Metadata {
    /// Reads the metadata of a piece at pointer `/metadata`; with its faults, it is not to be used.
    pub fn read(value: Value) -> (Self, Vec<FieldFault>) {
        let Value::Object(object) = value else {
            let fault = FieldFault::new(
                "/metadata",
                Code::MetadataNotJson,
                "Un objet JSON est attendu.",
            );
            return (Self::empty(), vec![fault]);
        };
        let mut fields = Fields::new("/metadata", object);
        let metadata = Self {
            project: fields.text("project", SHORT),
            source_application: fields.text("sourceApplication", SHORT),
            contract_reference: fields.optional_text("contractReference", LONG),
            dossier_id: fields.text("dossierId", LONG),
            piece_uid: fields.optional_text("pieceUid", LONG),
            piece_type: fields.optional_text("pieceType", SHORT),
            business_data: fields.object("businessData"),
            iteration: fields.number("iteration", 1, ITERATIONS),
            hash: hash(&mut fields),
            file_name: file_name(&mut fields),
            media_type: media_type(&mut fields),
        };
        (metadata, fields.finish())
    }

    fn empty() -> Self {
        Self {
            project: String::new(),
            source_application: String::new(),
            contract_reference: None,
            dossier_id: String::new(),
            piece_uid: None,
            piece_type: None,
            business_data: Map::new(),
            iteration: 1,
            hash: None,
            file_name: String::new(),
            media_type: String::new(),
        }
    }
}

fn file_name(fields: &mut Fields) -> String {
    let name = fields.text("fileName", FILE_NAME);
    if name == "." || name == ".." {
        fields.wrong("fileName", Code::Invalid, "Un nom de fichier est attendu.");
    }
    name
}

/// The media type that stands at `mediaType`; empty where it is none.
pub(in crate::domain) fn media_type(fields: &mut Fields) -> String {
    let text = fields.text("mediaType", MEDIA_TYPE);
    let mut halves = text.split('/');
    let well_formed = matches!(
        (halves.next(), halves.next(), halves.next()),
        (Some(kind), Some(sub), None) if is_token(kind) && is_token(sub)
    );
    if !text.is_empty() && !well_formed {
        fields.wrong(
            "mediaType",
            Code::Invalid,
            "La forme type/sous-type est attendue.",
        );
        return String::new();
    }
    text
}

/// Half of a media type begins with a letter or a digit (RFC 6838).
fn is_token(half: &str) -> bool {
    half.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// The announced hash that may stand at `hash`.
pub(in crate::domain) fn hash(fields: &mut Fields) -> Option<Hash> {
    let Value::Object(object) = fields.take("hash")? else {
        fields.wrong(
            "hash",
            Code::HashMalformed,
            "Un objet {algorithm, value} est attendu.",
        );
        return None;
    };
    let mut inner = fields.inside("hash", object);
    let hash = Hash {
        algorithm: inner.text("algorithm", SHORT),
        value: inner.text("value", LONG),
    };
    check_hash(&mut inner, &hash);
    fields.absorb(inner.finish());
    Some(hash)
}

fn check_hash(fields: &mut Fields, hash: &Hash) {
    let known = [Algorithm::Sha256, Algorithm::Sha512];
    let Some(algorithm) = known.iter().find(|known| known.name() == hash.algorithm) else {
        if !hash.algorithm.is_empty() {
            fields.wrong(
                "algorithm",
                Code::HashMalformed,
                "SHA-256 ou SHA-512 est attendu.",
            );
        }
        return;
    };
    let bytes = from_hex(&hash.value).map(|bytes| bytes.len());
    if !hash.value.is_empty() && bytes != Some(algorithm.value_bytes()) {
        let digits = algorithm.value_bytes() * 2;
        fields.wrong(
            "value",
            Code::HashMalformed,
            format!("{digits} chiffres hexadécimaux sont attendus."),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({"project": "p", "sourceApplication": "isis", "dossierId": "D1", "iteration": 1,
               "fileName": "facture.pdf", "mediaType": "application/pdf"})
    }

    fn codes(change: Value) -> Vec<(String, Code)> {
        let mut value = good();
        for (key, new) in change.as_object().unwrap() {
            value[key] = new.clone();
        }
        let faults = Metadata::read(value).1;
        faults
            .into_iter()
            .map(|fault| (fault.pointer, fault.code))
            .collect()
    }

    #[test]
    fn good_metadata_has_no_fault_and_is_written_as_it_came() {
        let (metadata, faults) = Metadata::read(good());
        assert!(faults.is_empty(), "{faults:?}");
        let mut expected = good();
        expected["businessData"] = json!({});
        assert_eq!(serde_json::to_value(metadata).unwrap(), expected);
    }

    #[test]
    fn every_fault_of_the_metadata_is_told_at_once_with_its_place() {
        let found = codes(
            json!({"iteration": 0, "dossierId": null, "colour": 1, "mediaType": "pdf",
            "hash": {"algorithm": "MD5", "value": "x"}, "businessData": []}),
        );
        let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        for pointer in [
            "iteration",
            "dossierId",
            "colour",
            "mediaType",
            "hash/algorithm",
            "businessData",
        ] {
            assert!(
                pointers.contains(&&*format!("/metadata/{pointer}")),
                "{pointer} not in {pointers:?}"
            );
        }
    }

    #[test]
    fn a_hash_has_the_length_and_the_digits_of_its_algorithm() {
        for value in ["abc", &"g".repeat(64), &"a".repeat(63), &"a".repeat(128)] {
            let found = codes(json!({"hash": {"algorithm": "SHA-256", "value": value}}));
            assert_eq!(
                found,
                [("/metadata/hash/value".to_owned(), Code::HashMalformed)]
            );
        }
        assert_eq!(
            codes(json!({"hash": {"algorithm": "SHA-512", "value": "A".repeat(128)}})),
            []
        );
    }

    #[test]
    fn a_file_name_is_a_label_and_never_a_path() {
        for name in [
            "../x",
            "a/b",
            "a\\b",
            "..",
            "a\0",
            "a\r\nb",
            "a\u{202E}fdp.exe",
        ] {
            let found = codes(json!({ "fileName": name }));
            assert_eq!(
                found,
                [("/metadata/fileName".to_owned(), Code::Invalid)],
                "{name:?}"
            );
        }
        let long = codes(json!({ "fileName": "x".repeat(10_000) }));
        assert_eq!(long, [("/metadata/fileName".to_owned(), Code::TooLong)]);
    }
}
