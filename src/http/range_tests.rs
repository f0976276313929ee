use super::*;

const SHA256: Sha256 = [0xab; 32];

fn stored(file_name: &str) -> Stored<'_> {
    Stored {
        size: 1000,
        sha256: &SHA256,
        file_name,
        media_type: "application/pdf",
    }
}

fn asked(name: HeaderName, value: &str) -> Plan {
    let mut headers = HeaderMap::new();
    headers.insert(name, value.parse().unwrap());
    plan(&stored("a"), &headers)
}

#[test]
fn one_range_is_sent_in_part_and_clipped_to_the_content() {
    let cases = [
        ("bytes=0-99", Plan::Part(0..100)),
        ("bytes=900-", Plan::Part(900..1000)),
        ("bytes=-1", Plan::Part(999..1000)),
        ("bytes=-5000", Plan::Part(0..1000)),
        ("bytes=999-99999999999999999999999", Plan::Part(999..1000)),
        ("bytes=1000-", Plan::Unsatisfiable),
        ("bytes=99999999999999999999999-", Plan::Unsatisfiable),
        ("bytes=-0", Plan::Unsatisfiable),
    ];
    for (text, expected) in cases {
        assert_eq!(asked(RANGE, text), expected, "{text}");
    }
}

#[test]
fn a_range_that_cannot_be_read_or_is_several_gives_the_whole() {
    for text in [
        "bytes=5-2",
        "bytes=a-b",
        "bytes=",
        "lines=1-2",
        "bytes=0-1,5-6",
        "bytes=+1-2",
        "bytes=-",
    ] {
        assert_eq!(asked(RANGE, text), Plan::Whole, "{text}");
    }
}

#[test]
fn who_has_the_content_gets_304_and_who_has_another_gets_it_whole() {
    let tag = format!("\"{}\"", "ab".repeat(32));
    assert_eq!(asked(IF_NONE_MATCH, &tag), Plan::NotModified);
    assert_eq!(
        asked(IF_NONE_MATCH, &format!("\"x\", W/{tag}")),
        Plan::NotModified
    );
    assert_eq!(asked(IF_NONE_MATCH, "*"), Plan::NotModified);
    assert_eq!(asked(IF_NONE_MATCH, "\"x\""), Plan::Whole);
    let mut headers = HeaderMap::new();
    headers.insert(RANGE, "bytes=0-1".parse().unwrap());
    headers.insert(IF_RANGE, "\"x\"".parse().unwrap());
    assert_eq!(plan(&stored("a"), &headers), Plan::Whole);
    headers.insert(IF_RANGE, tag.parse().unwrap());
    assert_eq!(plan(&stored("a"), &headers), Plan::Part(0..2));
}

#[test]
fn a_part_still_tells_the_digest_of_the_whole() {
    let (status, headers) = head(&stored("a.pdf"), &Plan::Part(10..20));
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(headers[CONTENT_RANGE], "bytes 10-19/1000");
    assert_eq!(headers[CONTENT_LENGTH], "10");
    let digest = headers[REPR_DIGEST].to_str().unwrap();
    let digest = digest
        .strip_prefix("sha-256=:")
        .unwrap()
        .strip_suffix(':')
        .unwrap();
    assert_eq!(BASE64.decode(digest.as_bytes()).unwrap(), SHA256);
    assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[test]
fn a_hostile_file_name_stays_inside_its_quotes() {
    let names = [
        "a\"; filename=\"evil.exe",
        "..\\..\\passwd",
        "../../etc/passwd",
        "line\r\nSet-Cookie: a=b",
        "nul\0.pdf",
        "gnp.\u{202e}fdp.exe",
        "100%25 'quoted'.pdf",
        &"é".repeat(255),
    ];
    for name in names {
        let value = disposition(name);
        assert!(HeaderValue::from_str(&value).is_ok(), "{value:?}");
        assert_eq!(value.matches('"').count(), 2, "{value}");
        assert_eq!(value.matches('\'').count(), 2, "{value}");
        assert!(!value.contains(['/', '\\', '\r', '\n', '\0']), "{value:?}");
    }
}

#[test]
fn an_accented_name_comes_back_whole_from_its_encoded_form() {
    assert_eq!(
        disposition("Relevé n°1.pdf"),
        "attachment; filename=\"Relev_ n_1.pdf\"; filename*=UTF-8''Relev%C3%A9%20n%C2%B01.pdf"
    );
}

#[test]
fn an_unsatisfiable_range_tells_the_size() {
    let response = unsatisfiable(1000);
    assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(response.headers()[CONTENT_RANGE], "bytes */1000");
}
