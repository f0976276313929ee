use serde_json::json;

use super::*;

fn told(document: Document) -> Vec<String> {
    match document.done() {
        Err(Refusal::Bad(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

/// R7: all faults of a body are told together, each with its place.
#[test]
fn every_fault_of_a_body_is_told_at_once() {
    let document = Document::new(
        json!({
            "applicant": { "firstName": "George", "email": "nobody" },
            "externalId": "x".repeat(31),
            "closeDateTime": "2026-03-04T10:15:30",
            "isActivated": "yes",
            "size": -1,
            "cases": [{ "recipient": { "type": "SI", "companyRegister": "123", "branchCode": "1" } }, 7],
        }),
        vec!["editorName: too long".to_owned()],
    );
    let fields = document.object();
    let applicant = fields.required_object("applicant");
    applicant.required_text("firstName", 255);
    applicant.required_text("lastName", 255);
    applicant.email("email");
    fields.required_text("externalId", 30);
    fields.instant("closeDateTime");
    fields.required_flag("isActivated");
    fields.required_integer("size", 0..=10);
    for case in fields.required_objects("cases") {
        case.required_organization("recipient");
    }
    fields.required_object("osl").required_text("name", 10);
    let faults = told(document);
    let places: Vec<_> = faults
        .iter()
        .map(|fault| fault.split(':').next().unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "editorName",
            "#/applicant/lastName",
            "#/applicant/email",
            "#/externalId",
            "#/closeDateTime",
            "#/isActivated",
            "#/size",
            "#/cases/1",
            "#/cases/0/recipient/companyRegister",
            "#/osl",
        ],
        "{faults:?}"
    );
}

/// R6: what nobody asks for is ignored, and null is like absence.
#[test]
fn unknown_fields_are_ignored_and_null_is_nothing() {
    let document = Document::new(
        json!({ "other": [1], "message": null, "size": 4.0 }),
        Vec::new(),
    );
    let fields = document.object();
    assert_eq!(fields.text("message", 5), None);
    assert_eq!(fields.integer("size", 0..=4), Some(4));
    assert_eq!(fields.flag("notification"), None);
    assert!(document.done().is_ok());
}

/// R6: what must be there may be empty only where the contract says nothing of its length.
#[test]
fn a_text_that_must_be_there_may_be_empty_where_it_is_asked_for_so() {
    let document = Document::new(json!({ "name": "", "code": "", "long": "xxx" }), Vec::new());
    let fields = document.object();
    assert_eq!(fields.present_text("name", 5), "");
    fields.required_text("code", 5);
    fields.present_text("long", 2);
    fields.present_text("none", 5);
    assert_eq!(
        told(document),
        [
            "#/code: String is empty",
            "#/long: String is too long (3 characters, at most 2)",
            "#/none: required key not found",
        ]
    );
}

#[test]
fn a_body_that_is_no_object_is_one_fault() {
    for body in [json!([]), json!(7), json!(null), json!("x")] {
        let document = Document::new(body, Vec::new());
        let fields = document.object();
        fields.required_text("a", 5);
        fields.required_object("b").required_uuid("c");
        assert_eq!(told(document), ["#: expected an object"]);
    }
}

#[test]
fn texts_of_an_array_are_each_looked_at_and_keep_their_order() {
    let document = Document::new(
        json!({ "recipients": ["b", "a", 3, "long"], "empty": [] }),
        Vec::new(),
    );
    let fields = document.object();
    assert_eq!(
        fields.required_texts("recipients", 3),
        ["b", "a", "", "long"]
    );
    fields.not_empty("empty");
    assert_eq!(
        told(document),
        [
            "#/recipients/2: expected a String",
            "#/recipients/3: String is too long (4 characters, at most 3)",
            "#/empty: expected at least one item",
        ]
    );
}
