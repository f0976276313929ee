//! The two parts of a sending: missing, turned round, repeated, unreadable.

use reqwest::{
    Method,
    multipart::{Form, Part},
};

use super::Desk;
use crate::{
    both_engines,
    kit::{
        client::{file_part, finish, json_part, metadata},
        document,
    },
};

fn good() -> Part {
    json_part(metadata("D-1").to_string())
}

fn file() -> Part {
    file_part(document::small("D-1"))
}

both_engines! {
    async fn a_sending_without_metadata_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let answer = desk.client.push_form(Form::new().part("content", file())).await;
        desk.refuses(&answer, 400, "metadata-missing");
    }

    async fn metadata_after_the_content_are_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let answer = desk.client.push_form(Form::new().part("content", file()).part("metadata", good())).await;
        desk.refuses(&answer, 400, "metadata-misplaced");
    }

    async fn metadata_that_come_twice_are_refused_before_and_after_the_content(kit) {
        let mut desk = Desk::open(kit).await;
        let twice = Form::new().part("metadata", good()).part("metadata", good()).part("content", file());
        let answer = desk.client.push_form(twice).await;
        desk.refuses(&answer, 400, "metadata-repeated");
        let around = Form::new().part("metadata", good()).part("content", file()).part("metadata", good());
        let answer = desk.client.push_form(around).await;
        desk.refuses(&answer, 400, "metadata-repeated");
    }

    async fn a_sending_without_content_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let answer = desk.client.push_form(Form::new().part("metadata", good())).await;
        desk.refuses(&answer, 400, "content-missing");
    }

    async fn a_part_that_the_contract_does_not_know_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let first = Form::new().part("other", file()).part("metadata", good()).part("content", file());
        let last = Form::new().part("metadata", good()).part("content", file()).part("other", file());
        let second_file = Form::new().part("metadata", good()).part("content", file()).part("content", file());
        for form in [first, last, second_file] {
            let answer = desk.client.push_form(form).await;
            desk.refuses(&answer, 400, "request-malformed");
        }
    }

    async fn a_body_that_is_no_form_is_refused_by_its_type(kit) {
        let mut desk = Desk::open(kit).await;
        for kind in ["application/json", "application/x-www-form-urlencoded", "multipart/mixed; boundary=x", "x"] {
            let request = desk.client.request(Method::POST, "/v1/pieces").header("content-type", kind);
            let answer = finish(request.body("{}")).await;
            desk.refuses(&answer, 415, "request-type-unsupported");
        }
    }

    async fn a_form_without_a_boundary_is_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let request = desk.client.request(Method::POST, "/v1/pieces").header("content-type", "multipart/form-data");
        let answer = finish(request.body("--x--")).await;
        desk.refuses(&answer, 400, "request-malformed");
    }

    async fn metadata_that_are_not_one_json_object_are_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let one = metadata("D-1").to_string();
        let twice = format!("{one}{one}");
        for text in ["", "x", "{", "[]", "1", "null", "\"x\"", "{'project': 1}", &twice] {
            let answer = desk.client.push_text(text.to_owned(), document::small("x")).await;
            desk.refuses(&answer, 400, "metadata-not-json");
        }
    }

    async fn metadata_that_are_not_utf_8_are_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let mut bytes = metadata("D-caf\u{e9}").to_string().into_bytes();
        let at = bytes.iter().position(|byte| *byte == 0xc3).unwrap();
        bytes.remove(at);
        let part = Part::bytes(bytes).mime_str("application/json").unwrap();
        let answer = desk.client.push_form(Form::new().part("metadata", part).part("content", file())).await;
        desk.refuses(&answer, 400, "metadata-not-json");
    }

    /// What two readers may understand differently is understood by none, at any depth.
    async fn metadata_with_a_key_twice_are_refused(kit) {
        let mut desk = Desk::open(kit).await;
        let text = metadata("D-1").to_string();
        let outer = text.replacen('{', r#"{"dossierId": "D-2", "#, 1);
        let inner = text.replacen('{', r#"{"businessData": {"a": [{"b": 1, "b": 2}]}, "#, 1);
        for text in [outer, inner] {
            let answer = desk.client.push_text(text, document::small("x")).await;
            desk.refuses(&answer, 400, "metadata-not-json");
        }
    }

    async fn metadata_ten_thousand_levels_deep_are_refused_and_thirty_two_pass(kit) {
        let mut desk = Desk::open(kit).await;
        let deep = |levels: usize| {
            let inner = format!("{}{}", "[".repeat(levels - 2), "]".repeat(levels - 2));
            metadata("D-1").to_string().replacen('{', &format!(r#"{{"businessData": {{"a": {inner}}}, "#), 1)
        };
        for levels in [10_000, 33] {
            let answer = desk.client.push_text(deep(levels), document::small("x")).await;
            desk.refuses(&answer, 400, "metadata-not-json");
        }
        let answer = desk.client.push_text(deep(32), document::small("x")).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    async fn metadata_may_have_65536_bytes_and_not_one_more(kit) {
        let mut desk = Desk::open(kit).await;
        let text = metadata("D-1").to_string();
        let padded = |bytes: usize| format!("{text}{}", " ".repeat(bytes - text.len()));
        let answer = desk.client.push_text(padded(65_537), document::small("x")).await;
        desk.refuses(&answer, 400, "metadata-too-large");
        let answer = desk.client.push_text(padded(65_536), document::small("x")).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
}
