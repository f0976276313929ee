//! Manifests good and bad, in JSON and in XML: the reader and the published schemas say the same.

use jsonschema::Validator;
use navette::{
    codec::Refusal,
    domain::archives::manifest::{Manifest, is_siret},
};
use serde_json::{Value, json};

use super::manifests_xml::xml_of;
use crate::kit::archive;

fn schema() -> Validator {
    let text = include_str!("../../../schemas/manifest-v1.schema.json");
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

pub fn examples() -> Vec<Value> {
    let text = include_str!("../../../schemas/manifest-v1.schema.json");
    let schema: Value = serde_json::from_str(text).unwrap();
    schema["examples"].as_array().unwrap().clone()
}

/// What is wrong, as `code detail`.
pub fn faults(text: &[u8]) -> Vec<String> {
    match Manifest::parse(text) {
        Ok(_) => Vec::new(),
        Err(Refusal::Unsafe(findings)) => findings
            .iter()
            .map(|finding| format!("{} {}", finding.code, finding.detail))
            .collect(),
        Err(other) => panic!("{other:?}"),
    }
}

/// A good manifest of one file with something else at a JSON pointer; `null` takes the field away.
fn changed(pointer: &str, value: Value) -> Value {
    let mut manifest = archive::manifest(&["a.pdf", "b.pdf"]);
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    match (manifest.pointer_mut(parent).unwrap(), value) {
        (Value::Object(object), Value::Null) => {
            object.remove(field).unwrap();
        }
        (Value::Object(object), value) => {
            object.insert(field.to_owned(), value);
        }
        (Value::Array(array), value) => array[field.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    manifest
}

#[test]
fn the_examples_of_the_schema_are_read_as_they_stand() {
    let schema = schema();
    for example in examples() {
        assert!(
            schema.is_valid(&example),
            "{:?}",
            schema.iter_errors(&example).collect::<Vec<_>>()
        );
        assert_eq!(faults(example.to_string().as_bytes()), [""; 0]);
    }
    let pli = Manifest::parse(examples()[1].to_string().as_bytes()).unwrap();
    assert_eq!(
        (
            pli.kind(),
            &*pli.dossiers[0].dossier_id,
            pli.dossiers[0].iteration
        ),
        ("pli", "AMIENS-2026-11-0007", 1)
    );
    let batch = Manifest::parse(examples()[2].to_string().as_bytes()).unwrap();
    assert_eq!(
        (batch.dossiers.len(), batch.pieces(), batch.files()),
        (2, 2, 2)
    );
}

/// One change each, that schema and reader both refuse.
fn both_refuse() -> Vec<(&'static str, Value)> {
    vec![
        ("/project", Value::Null),
        ("/project", json!("Grand Projet")),
        ("/sourceApplication", Value::Null),
        ("/sourceApplication", json!("x".repeat(65))),
        ("/dossierId", Value::Null),
        ("/dossierId", json!("")),
        ("/iteration", Value::Null),
        ("/iteration", json!(0)),
        ("/iteration", json!("1")),
        ("/iteration", json!(1.5)),
        ("/colour", json!("red")),
        ("/kind", json!("letter")),
        ("/kind", json!("pli")),
        ("/pliId", json!("P-1")),
        ("/businessData", json!([])),
        ("/businessData", json!({ "siret": 73_282_932_000_074_u64 })),
        ("/businessData", json!({ "siret": "7328293200007" })),
        ("/pieces", Value::Null),
        ("/pieces", json!([])),
        ("/pieces", json!({})),
        ("/pieces/0", json!("a.pdf")),
        ("/pieces/0/uid", Value::Null),
        ("/pieces/0/uid", json!("u".repeat(129))),
        ("/pieces/0/files", json!([])),
        ("/pieces/0/files", json!("a.pdf")),
        ("/pieces/0/files/0/name", Value::Null),
        ("/pieces/0/files/0/name", json!("../a.pdf")),
        ("/pieces/0/files/0/name", json!("/a.pdf")),
        ("/pieces/0/files/0/name", json!("a\\b.pdf")),
        ("/pieces/0/files/0/name", json!("a//b")),
        ("/pieces/0/files/0/name", json!("a/")),
        ("/pieces/0/files/0/name", json!("manifest.json")),
        ("/pieces/0/files/0/name", json!("C:a.pdf")),
        ("/pieces/0/files/0/name", json!("a\u{202e}fdp.exe")),
        ("/sourceApplication", json!("droite\u{200f}")),
        ("/dossierId", json!("isole\u{2066}")),
        ("/pieces/0/uid", json!("marque\u{61c}")),
        ("/pieces/0/files/0/name", json!("n".repeat(1025))),
        ("/pieces/0/files/0/mediaType", Value::Null),
        ("/pieces/0/files/0/mediaType", json!("pdf")),
        ("/pieces/0/files/0/size", json!(-1)),
        ("/pieces/0/files/0/size", json!("12")),
        ("/pieces/0/files/0/hash", json!("abc")),
        (
            "/pieces/0/files/0/hash",
            json!({ "algorithm": "MD5", "value": "abc" }),
        ),
        (
            "/pieces/0/files/0/hash",
            json!({ "algorithm": "SHA-256", "value": "a".repeat(128) }),
        ),
        (
            "/pieces/0/files/0/hash",
            json!({ "algorithm": "SHA-512", "value": "a".repeat(64) }),
        ),
        ("/pieces/0/files/0/colour", json!(1)),
        ("/pieces/0/documents", json!([{}])),
        (
            "/pieces/0/documents",
            json!([{ "uid": "F", "pages": [], "files": ["a.pdf"] }]),
        ),
        ("/pieces/0/documents", json!([{ "uid": "F" }])),
        (
            "/pieces/0/documents",
            json!([{ "uid": "F", "pages": [{ "from": 0, "to": 1 }] }]),
        ),
        ("/dossiers", json!([])),
    ]
}

#[test]
fn what_the_schema_refuses_the_reader_refuses() {
    let schema = schema();
    assert_eq!(
        faults(
            archive::manifest(&["a.pdf", "b.pdf"])
                .to_string()
                .as_bytes()
        ),
        [""; 0]
    );
    for (pointer, value) in both_refuse() {
        let manifest = changed(pointer, value.clone());
        assert!(
            !schema.is_valid(&manifest),
            "the schema takes {pointer} {value}"
        );
        assert!(
            !faults(manifest.to_string().as_bytes()).is_empty(),
            "the reader takes {pointer} {value}"
        );
    }
}

#[test]
fn what_no_schema_can_say_the_reader_refuses_too() {
    let code = |pointer: &str, value: Value| {
        let found = faults(changed(pointer, value).to_string().as_bytes());
        found
            .first()
            .map(|fault| fault.split(' ').next().unwrap().to_owned())
            .unwrap_or_default()
    };
    assert_eq!(code("/pieces/1/uid", json!("P-0")), "duplicate-piece");
    assert_eq!(
        code("/pieces/1/files/0/name", json!("a.pdf")),
        "duplicate-file"
    );
    assert_eq!(
        code("/businessData", json!({ "siret": "73282932000075" })),
        "siret-invalid"
    );
    assert_eq!(
        code("/businessData", json!({ "siret": "73282932000074" })),
        ""
    );
    let documents = |value: Value| code("/pieces/0/documents", value);
    assert_eq!(
        documents(json!([{ "uid": "F", "pages": [{ "from": 2, "to": 1 }] }])),
        "manifest-invalid"
    );
    assert_eq!(
        documents(json!([{ "uid": "F", "files": ["b.pdf"] }])),
        "manifest-invalid"
    );
    assert_eq!(
        documents(json!([{ "uid": "F", "files": ["a.pdf"] }, { "uid": "F", "files": ["a.pdf"] }])),
        "manifest-invalid"
    );
    assert_eq!(
        documents(
            json!([{ "uid": "F", "files": ["a.pdf"] }, { "uid": "G", "pages": [{ "from": 1, "to": 1 }] }])
        ),
        ""
    );
    let two = json!([{ "name": "a.pdf", "mediaType": "application/pdf" }, { "name": "c.pdf", "mediaType": "application/pdf" }]);
    let mut manifest = changed("/pieces/0/files", two);
    manifest["pieces"][0]["documents"] = json!([{ "uid": "F", "pages": [{ "from": 1, "to": 1 }] }]);
    assert_eq!(
        faults(manifest.to_string().as_bytes()).len(),
        1,
        "pages of which file?"
    );
    assert!(is_siret("73282932000074"));
}

#[test]
fn a_number_that_would_come_back_altered_is_told_at_its_place() {
    let text = archive::manifest(&["a.pdf", "b.pdf"]).to_string();
    let with = |data: &str| {
        let piece = "\"uid\":\"P-1\"";
        assert!(text.contains(piece), "{text}");
        let text = text.replacen(piece, &format!("{piece},\"businessData\":{data}"), 1);
        faults(text.as_bytes())
    };
    for number in ["12345678901234567890123", "0.12345678901234567890"] {
        let found = with(&format!("{{\"n\":[1,{number}]}}"));
        assert_eq!(found.len(), 1, "{found:?}");
        let told = "manifest-invalid /pieces/1/businessData/n/1 :";
        assert!(found[0].starts_with(told), "{found:?}");
    }
    assert_eq!(with("{\"n\":[1.10,1e2,18446744073709551615]}"), [""; 0]);
}

#[test]
fn a_pli_is_digitised_after_it_came() {
    let mut pli = examples()[1].clone();
    pli["digitisedOn"] = json!("2026-11-17");
    assert_eq!(faults(pli.to_string().as_bytes()).len(), 1);
    for day in ["2026-02-30", "18/11/2026", "2026-11-18T10:00", "20261118"] {
        pli["receivedOn"] = json!(day);
        pli["digitisedOn"] = json!("2026-11-19");
        assert_eq!(faults(pli.to_string().as_bytes()).len(), 1, "{day}");
    }
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    let mut manifest = changed("/project", Value::Null);
    manifest["iteration"] = json!(0);
    manifest["pieces"][0]["files"][0]["name"] = json!("../x");
    manifest["pieces"][1]["uid"] = Value::Null;
    manifest["pieces"][1]["files"][0]["hash"] = json!({ "algorithm": "SHA-1", "value": "" });
    let found = faults(manifest.to_string().as_bytes()).join("\n");
    for place in [
        "/project",
        "/iteration",
        "/pieces/0/files/0/name",
        "/pieces/1/uid",
        "/pieces/1/files/0/hash/algorithm",
    ] {
        assert!(
            found.contains(&format!("manifest-invalid {place} :")),
            "{place} not in\n{found}"
        );
    }
}

#[test]
fn what_is_no_strict_json_is_refused_in_one_word() {
    let good = archive::manifest(&["a.pdf"]).to_string();
    let deep = good.replace(
        "\"pieces\"",
        &format!("\"x\":{}{},\"pieces\"", "[".repeat(40), "]".repeat(40)),
    );
    let twice = good.replace("\"project\"", "\"project\":\"x\",\"project\"");
    let pieces_twice = good.replace("\"pieces\"", "\"pieces\":[],\"pieces\"");
    let uid_twice = good.replace("\"uid\"", "\"uid\":\"x\",\"uid\"");
    let after = format!("{good}x");
    let cut = &good[..good.len() - 1];
    for text in [
        "",
        "[]",
        "\"x\"",
        "null",
        "{",
        cut,
        &after,
        &twice,
        &pieces_twice,
        &uid_twice,
        &deep,
        "{\"project\":1e999}",
    ] {
        let found = faults(text.as_bytes());
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(
            found[0].starts_with("manifest-unreadable"),
            "{text}: {found:?}"
        );
    }
    let found = faults(b"\xff\xfe{}");
    assert!(found[0].starts_with("manifest-unreadable"), "{found:?}");
}

#[test]
fn one_piece_may_not_be_longer_than_a_mebibyte_however_many_there_are() {
    let long = changed(
        "/pieces/0/businessData",
        json!({ "words": "w".repeat(2 << 20) }),
    );
    assert!(faults(long.to_string().as_bytes())[0].starts_with("manifest-unreadable"));
    let names: Vec<_> = (0..20_000).map(|place| format!("{place}.pdf")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(
        faults(archive::manifest(&names).to_string().as_bytes()),
        [""; 0]
    );
    let xml = xml_of(&format!("<name>{}</name>", "w".repeat(2 << 20)));
    assert!(faults(xml.as_bytes())[0].starts_with("manifest-unreadable"));
}
