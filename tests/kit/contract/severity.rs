//! The judge's own tests: each makes one thing wrong in a good message, and fails if the judge lets it pass.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{Contract, Faults, texts};

const ID: &str = "01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10";
const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Headers of these names and values.
fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

/// The example of an answer of the contract, by its JSON pointer.
pub fn example(pointer: &str) -> Value {
    let found = texts::parse(texts::PIECES).pointer(pointer).cloned();
    found.unwrap_or_else(|| panic!("no example at {pointer}"))
}

/// A piece that the contract admits.
pub fn piece() -> Value {
    example(
        "/paths/~1v1~1pieces~1{reconciliationId}/get/responses/200/content/application~1json/example",
    )
}

/// The example of a declared error response.
fn problem(response: &str) -> Value {
    example(&format!(
        "/components/responses/{response}/content/application~1problem+json/example"
    ))
}

/// A piece's answer, judged.
pub fn check_piece(body: &Value) -> Result<(), Faults> {
    let path = format!("/v1/pieces/{ID}");
    let bytes = body.to_string();
    Contract::load().check_response(
        "GET",
        &path,
        200,
        Some(JSON),
        &HeaderMap::new(),
        bytes.as_bytes(),
    )
}

/// A problem answered to `POST /v1/pieces`.
fn check_problem(status: u16, headers: &HeaderMap, body: &Value) -> Result<(), Faults> {
    let bytes = body.to_string();
    Contract::load().check_response(
        "POST",
        "/v1/pieces",
        status,
        Some(PROBLEM),
        headers,
        bytes.as_bytes(),
    )
}

/// Fails unless the judge found a fault that speaks of `word`.
pub fn assert_refused(judged: Result<(), Faults>, word: &str) {
    let faults = judged.expect_err(word);
    assert!(
        faults.iter().any(|fault| fault.contains(word)),
        "{word}: {faults:#?}"
    );
}

#[test]
fn good_answers_pass() {
    check_piece(&piece()).expect("a piece");
    let retry = headers(&[("retry-after", "5")]);
    check_problem(503, &retry, &problem("Unavailable")).expect("a problem");
    let list = json!({"items": [], "nextCursor": null}).to_string();
    let path = "/v1/pieces?limit=10";
    Contract::load()
        .check_response(
            "GET",
            path,
            200,
            Some("application/json; charset=utf-8"),
            &HeaderMap::new(),
            list.as_bytes(),
        )
        .expect("a list");
}

#[test]
fn an_undeclared_status_is_refused() {
    let body = piece().to_string();
    let check = |method, path: &str, status| {
        Contract::load().check_response(
            method,
            path,
            status,
            Some(JSON),
            &HeaderMap::new(),
            body.as_bytes(),
        )
    };
    assert_refused(
        check("GET", &format!("/v1/pieces/{ID}"), 201),
        "answered 201",
    );
    assert_refused(
        check("GET", &format!("/v1/pieces/{ID}"), 409),
        "answered 409",
    );
}

#[test]
fn an_unknown_address_may_only_answer_404_and_an_unknown_method_only_405() {
    let contract = Contract::load();
    let none = HeaderMap::new();
    let check = |method, path, status, headers: &HeaderMap, body: &Value| {
        contract.check_response(
            method,
            path,
            status,
            Some(PROBLEM),
            headers,
            body.to_string().as_bytes(),
        )
    };
    let missing = problem("NotFound");
    check("GET", "/v2/pieces", 404, &none, &missing).expect("an unknown address");
    assert_refused(
        check("GET", "/v2/pieces", 200, &none, &missing),
        "answered 200",
    );
    assert_refused(
        check("GET", "/v1/pieces/", 200, &none, &missing),
        "answered 200",
    );
    let refused = problem("MethodNotAllowed");
    let allow = headers(&[("allow", "GET, HEAD, POST")]);
    check("DELETE", "/v1/pieces", 405, &allow, &refused).expect("an unknown method");
    assert_refused(
        check("DELETE", "/v1/pieces", 405, &none, &refused),
        "header Allow is missing",
    );
    assert_refused(
        check("DELETE", "/v1/pieces", 404, &allow, &missing),
        "answered 404",
    );
}

#[test]
fn a_missing_or_malformed_header_is_refused() {
    let body = problem("Unavailable");
    assert_refused(
        check_problem(503, &HeaderMap::new(), &body),
        "Retry-After is missing",
    );
    let soon = headers(&[("retry-after", "soon")]);
    assert_refused(check_problem(503, &soon, &body), "Retry-After");
    let never = headers(&[("retry-after", "0")]);
    assert_refused(check_problem(503, &never, &body), "Retry-After");
}

#[test]
fn an_undeclared_media_type_is_refused() {
    let (contract, none) = (Contract::load(), HeaderMap::new());
    let (path, body) = (format!("/v1/pieces/{ID}"), piece().to_string());
    let check = |media| contract.check_response("GET", &path, 200, media, &none, body.as_bytes());
    assert_refused(check(Some("text/html")), "text/html");
    assert_refused(check(Some(PROBLEM)), PROBLEM);
    assert_refused(check(None), "no content type");
}

#[test]
fn a_body_that_is_not_json_or_not_declared_is_refused() {
    let (contract, path) = (Contract::load(), format!("/v1/pieces/{ID}"));
    let none = HeaderMap::new();
    let cut = contract.check_response("GET", &path, 200, Some(JSON), &none, b"{\"status\":");
    assert_refused(cut, "not JSON");
    let etag = headers(&[(
        "etag",
        "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
    )]);
    let content = format!("{path}/content");
    let check = |body| contract.check_response("GET", &content, 304, None, &etag, body);
    check(b"").expect("nothing");
    assert_refused(check(b"bytes"), "none declared");
}

#[test]
fn a_problem_must_agree_with_its_status_and_its_code() {
    let (none, conflict) = (HeaderMap::new(), problem("Conflict"));
    check_problem(409, &none, &conflict).expect("a conflict");
    assert_refused(check_problem(422, &none, &conflict), "409");
    let mut other = conflict.clone();
    other["code"] = json!("too-large");
    assert_refused(check_problem(409, &none, &other), "too-large");
    let mut typed = conflict;
    typed["type"] = json!("urn:navette:problem:too-large");
    assert_refused(check_problem(409, &none, &typed), "beside code");
    let mut large = problem("TooLarge");
    large
        .as_object_mut()
        .expect("an object")
        .remove("limitBytes");
    assert_refused(check_problem(413, &none, &large), "limitBytes");
}

#[test]
fn a_callback_needs_its_headers_and_a_whole_return() {
    let contract = Contract::callback();
    let good = example("/components/schemas/Return/example");
    let signature = concat!(
        "v1a,",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "=="
    );
    let all = headers(&[
        ("webhook-id", "01a1ffe0-5902-7e5a-b1c6-3a9d4e8f7c43"),
        ("webhook-timestamp", "1795294255"),
        ("webhook-signature", signature),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
    ]);
    let check = |headers: &HeaderMap, body: &Value| {
        contract.check_request(
            "receiveReturn",
            Some(JSON),
            headers,
            body.to_string().as_bytes(),
        )
    };
    check(&all, &good).expect("a callback");
    for name in [
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "traceparent",
    ] {
        let mut fewer = all.clone();
        fewer.remove(name);
        assert_refused(check(&fewer, &good), name);
    }
    let mut linked_twice = good.clone();
    linked_twice["documents"][0]["href"] = json!("/v1/x");
    // Neither a return of a piece nor one of an archive.
    assert_refused(check(&all, &linked_twice), "oneOf");
    let mut later = good;
    later["outcome"] = json!("later");
    assert_refused(check(&all, &later), "oneOf");
}
