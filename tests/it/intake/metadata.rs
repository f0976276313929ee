//! Metadata that read well and say something that cannot be: every fault of the stage in one answer (API-4, API-11).

use serde_json::{Value, json};

use super::{Desk, fault};
use crate::{
    both_engines,
    kit::{client::metadata, contract::Contract, document},
};

/// Good metadata with changed fields; a field that becomes `()` is taken out.
fn changed(changes: &[(&str, Option<Value>)]) -> Value {
    let mut metadata = metadata("D-1");
    let fields = metadata.as_object_mut().unwrap();
    for (field, value) in changes {
        match value {
            Some(value) => fields.insert((*field).to_owned(), value.clone()),
            None => fields.remove(*field),
        };
    }
    metadata
}

/// Sends good metadata with one changed field, which must be refused with that code at that field.
async fn refuses(desk: &mut Desk, field: &str, value: Option<Value>, status: u16, code: &str) {
    let shown = format!("{field}: {value:?}");
    let sent = changed(&[(field, value)]);
    let answer = desk.client.push(&sent, document::small("x")).await;
    desk.refuses(&answer, status, code);
    assert_eq!(
        answer.faults(),
        [fault(&format!("/metadata/{field}"), code)],
        "{shown:.200}"
    );
    // What projects settle among themselves no contract can say.
    if [
        "required",
        "invalid",
        "too-long",
        "out-of-range",
        "unknown-field",
    ]
    .contains(&code)
    {
        let faults = Contract::load().value_faults("Metadata", &sent);
        assert!(!faults.is_empty(), "the contract takes {shown:.200}");
    }
}

both_engines! {
    async fn an_unknown_project_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        refuses(&mut desk, "project", Some(json!("nowhere")), 422, "unknown-project").await;
    }

    async fn an_iteration_is_a_whole_number_from_one_to_a_million(kit) {
        let mut desk = Desk::open(kit).await;
        for number in [json!(0), json!(-1), json!(1_000_001), json!(u64::MAX)] {
            refuses(&mut desk, "iteration", Some(number), 422, "out-of-range").await;
        }
        for other in [json!("1"), json!(1.5), json!(null), json!([1])] {
            refuses(&mut desk, "iteration", Some(other), 422, "invalid").await;
        }
    }

    async fn a_mandatory_field_that_is_missing_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        for field in ["project", "sourceApplication", "dossierId", "iteration", "fileName", "mediaType"] {
            refuses(&mut desk, field, None, 422, "required").await;
        }
    }

    async fn a_field_that_the_contract_does_not_know_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        refuses(&mut desk, "couleur", Some(json!(1)), 422, "unknown-field").await;
    }

    async fn a_text_is_neither_empty_nor_null_nor_longer_than_its_limit(kit) {
        let mut desk = Desk::open(kit).await;
        for (field, most) in [("dossierId", 128), ("pieceUid", 128), ("pieceType", 64), ("contractReference", 128)] {
            refuses(&mut desk, field, Some(json!("")), 422, "invalid").await;
            refuses(&mut desk, field, Some(json!(null)), 422, "invalid").await;
            refuses(&mut desk, field, Some(json!("a\u{0}b")), 422, "invalid").await;
            for mark in ['\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}'] {
                refuses(&mut desk, field, Some(json!(format!("a{mark}b"))), 422, "invalid").await;
            }
            refuses(&mut desk, field, Some(json!("é".repeat(most + 1))), 422, "too-long").await;
        }
    }

    async fn business_data_are_an_object(kit) {
        let mut desk = Desk::open(kit).await;
        for other in [json!([]), json!("x"), json!(null)] {
            refuses(&mut desk, "businessData", Some(other), 422, "invalid").await;
        }
    }

    async fn a_malformed_hash_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let (short, long) = ("a".repeat(64), "a".repeat(128));
        for (algorithm, value) in [("SHA-256", &*long), ("SHA-512", &short), ("SHA-256", &"g".repeat(64))] {
            let hash = json!({"algorithm": algorithm, "value": value});
            let sent = changed(&[("hash", Some(hash))]);
            let answer = desk.client.push(&sent, document::small("x")).await;
            desk.refuses(&answer, 422, "hash-malformed");
            assert_eq!(answer.faults(), [fault("/metadata/hash/value", "hash-malformed")]);
        }
        let sent = changed(&[("hash", Some(json!({"algorithm": "MD5", "value": "a".repeat(32)})))]);
        let answer = desk.client.push(&sent, document::small("x")).await;
        desk.refuses(&answer, 422, "hash-malformed");
    }

    async fn a_hash_is_mandatory_where_the_project_archives_for_evidence(kit) {
        let mut desk = Desk::open(kit.set_project("sae", true)).await;
        refuses(&mut desk, "hash", None, 422, "hash-required").await;
    }

    async fn a_media_type_that_the_project_does_not_take_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        refuses(&mut desk, "mediaType", Some(json!("application/zip")), 415, "media-type-not-accepted").await;
    }

    async fn a_media_type_that_is_none_is_refused_and_its_case_does_not_matter(kit) {
        let mut desk = Desk::open(kit).await;
        for text in ["pdf", "application/", "/pdf", "a/b/c", "text/plain; charset=utf-8", "application/.pdf"] {
            refuses(&mut desk, "mediaType", Some(json!(text)), 422, "invalid").await;
        }
        let sent = changed(&[("mediaType", Some(json!("Application/PDF")))]);
        let answer = desk.client.push(&sent, document::small("x")).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    /// The sender learns of everything at once, each fault at its place.
    async fn several_faults_are_told_together_under_the_general_code(kit) {
        let mut desk = Desk::open(kit).await;
        let sent = changed(&[
            ("iteration", Some(json!(0))),
            ("dossierId", None),
            ("fileName", Some(json!("../x"))),
            ("a/b~c", Some(json!(1))),
            ("project", Some(json!("nowhere"))),
        ]);
        let answer = desk.client.push(&sent, document::small("x")).await;
        desk.refuses(&answer, 422, "metadata-invalid");
        let mut faults = answer.faults();
        faults.sort();
        assert_eq!(faults, [
            fault("/metadata/a~1b~0c", "unknown-field"),
            fault("/metadata/dossierId", "required"),
            fault("/metadata/fileName", "invalid"),
            fault("/metadata/iteration", "out-of-range"),
            fault("/metadata/project", "unknown-project"),
        ]);
    }

    async fn several_faults_of_one_code_are_told_under_that_code(kit) {
        let mut desk = Desk::open(kit).await;
        let answer = desk.client.push(&changed(&[("dossierId", None), ("fileName", None)]), document::small("x")).await;
        desk.refuses(&answer, 422, "required");
        assert_eq!(answer.faults().len(), 2);
    }

    async fn a_fault_of_the_perimeter_gives_its_status_to_the_stage(kit) {
        let mut desk = Desk::open(kit).await;
        let sent = changed(&[("sourceApplication", Some(json!("another"))), ("iteration", Some(json!(0)))]);
        let answer = desk.client.push(&sent, document::small("x")).await;
        desk.refuses(&answer, 403, "perimeter-forbidden");
        assert_eq!(answer.faults().len(), 2);
    }

    /// What neither 64 bits nor a double keep would come back as another number: it is refused where it stands.
    async fn a_number_that_would_come_back_altered_is_refused_at_its_place(kit) {
        let mut desk = Desk::open(kit).await;
        let text = metadata("D-1").to_string();
        for (data, place) in [
            (r#"{"montant": 12345678901234567890123}"#, "montant"),
            (r#"{"lignes": [{"taux": 0.12345678901234567890}]}"#, "lignes/0/taux"),
        ] {
            let text = text.replacen('{', &format!(r#"{{"businessData": {data}, "#), 1);
            let answer = desk.client.push_text(text, document::small("x")).await;
            desk.refuses(&answer, 400, "metadata-not-json");
            let pointer = format!("/metadata/businessData/{place}");
            assert_eq!(answer.faults(), [fault(&pointer, "metadata-not-json")]);
        }
    }

    /// The same value written in another way is the same value, with all its digits.
    async fn numbers_come_back_with_their_values_however_they_were_written(kit) {
        let desk = Desk::open(kit).await;
        let data = r#"{"a": 1.10, "b": 1e2, "c": 18446744073709551615, "d": 31.245270191439438, "e": -0.12345678901234566}"#;
        let text = metadata("D-1").to_string().replacen('{', &format!(r#"{{"businessData": {data}, "#), 1);
        let id = desk.client.push_text(text, document::small("x")).await.reconciliation_id();
        let told = json!({"a": 1.1, "b": 100.0, "c": u64::MAX, "d": 31.245270191439438, "e": -0.12345678901234566});
        assert_eq!(desk.return_of(&id).await["metadata"]["businessData"], told);
    }

    /// What the sender said comes back as it was said.
    async fn everything_that_was_said_of_a_piece_comes_back(kit) {
        let desk = Desk::open(kit).await;
        let sent = changed(&[
            ("pieceUid", Some(json!("P-é-1"))),
            ("pieceType", Some(json!("avis"))),
            ("contractReference", Some(json!("C 1/2"))),
            ("iteration", Some(json!(1_000_000))),
            ("businessData", Some(json!({"montant": 12.5, "grand": 9_007_199_254_740_993_u64, "liste": [null, {"a": ""}]}))),
        ]);
        let id = desk.client.push(&sent, document::small("x")).await.reconciliation_id();
        let shown = desk.client.get(&format!("/v1/pieces/{id}")).await.json();
        assert_eq!(shown["metadata"], sent);
        assert_eq!(desk.return_of(&id).await["metadata"], sent);
    }
}
