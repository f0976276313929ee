//! The judge's own tests on bodies: one field too few, one too many, a null, a value of the wrong form.

use serde_json::{Value, json};

use super::{
    Contract,
    severity::{assert_refused, check_piece, example, piece},
};

#[test]
fn a_missing_field_is_refused() {
    for field in ["reconciliationId", "controls", "return", "links"] {
        let mut body = piece();
        body.as_object_mut().expect("an object").remove(field);
        assert_refused(check_piece(&body), field);
    }
}

#[test]
fn an_extra_field_is_refused_at_any_depth() {
    for place in ["", "/metadata", "/controls/0", "/return", "/links"] {
        let mut body = piece();
        body.pointer_mut(place).expect(place)["intrus"] = json!(1);
        assert_refused(check_piece(&body), "intrus");
    }
}

#[test]
fn a_null_is_refused_where_the_contract_does_not_admit_it() {
    for place in [
        "/status",
        "/metadata",
        "/return/state",
        "/metadata/pieceUid",
    ] {
        let mut body = piece();
        *body.pointer_mut(place).expect(place) = Value::Null;
        assert_refused(check_piece(&body), "null");
    }
    for place in ["/return", "/return/nextAttemptAt"] {
        let mut body = piece();
        *body.pointer_mut(place).expect(place) = Value::Null;
        check_piece(&body).expect(place);
    }
}

#[test]
fn a_value_of_the_wrong_form_is_refused() {
    let cases = [
        (
            "/reconciliationId",
            json!("01a1ffe0-542b-4a41-9c3e-5b0f2a7d6e10"),
        ),
        ("/receivedAt", json!("2026-11-21T20:50:54.123456789Z")),
        ("/receivedAt", json!("2026-11-21T21:50:54.123456+01:00")),
        ("/receivedAt", json!("2026-13-41T20:50:54Z")),
        ("/sha256", json!("ABCD")),
        ("/status", json!("lost")),
        ("/size", json!("48213")),
        ("/metadata/iteration", json!(0)),
        ("/metadata/fileName", json!("../avis.pdf")),
        ("/metadata/fileName", json!("avis\u{202e}fdp.exe")),
        ("/metadata/fileName", json!("avis\r\n.pdf")),
        ("/metadata/dossierId", json!("D\u{0}")),
        ("/controls/0/outcome", json!("limit_exceeded")),
    ];
    for (place, value) in cases {
        let mut body = piece();
        *body.pointer_mut(place).expect(place) = value;
        assert_refused(check_piece(&body), place);
    }
}

#[test]
fn a_value_can_be_judged_by_a_schema_of_the_contract() {
    let mut receipt = example("/components/schemas/Receipt/example");
    let check = |value: &Value| Contract::load().check_schema("Receipt", value);
    check(&receipt).expect("a receipt");
    receipt["dossierId"] = json!("D-2026-000042");
    assert_refused(check(&receipt), "dossierId");
}
