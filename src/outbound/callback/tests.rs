//! Attempts against a real HTTPS server with mutual TLS.

use std::time::Duration;

use bytes::Bytes;
use rcgen::ExtendedKeyUsagePurpose as Purpose;
use uuid::Uuid;

use self::partner::{Authority, Partner, Script};
use super::{signature::tests as keys, *};
use crate::kernel::{
    clock::{Clock, instant},
    fault::{Code, Result},
};

mod inside;
mod library;
mod partner;
mod pki;

const BODY: &[u8] = "{\"outcome\":\"processed\",\"name\":\"é\"}".as_bytes();

fn id() -> Uuid {
    "0193501a-0000-7000-8000-000000000001".parse().unwrap()
}

fn clock() -> Clock {
    Clock::frozen(instant(784_111_717_000_000))
}

fn settings(authority: &Authority, port: u16) -> Settings {
    let (certificate, key) = authority.issue(Purpose::ClientAuth);
    Settings {
        url: format!("https://localhost:{port}/returns"),
        certificate_pem: certificate.pem().into_bytes(),
        key_pem: key.serialize_pem().into_bytes(),
        ca_pem: authority.pem(),
        allow: vec!["localhost".into()],
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(20),
    }
}

async fn attempt(settings: Settings) -> Completed {
    attempt_by(Sender::new(&settings, keys::signer(), clock()).unwrap()).await
}

async fn attempt_by(sender: Sender) -> Completed {
    let prepared = sender.prepare(id(), Bytes::from_static(BODY), Some("00-ab-cd-01"));
    sender.send(prepared).await.complete(&clock())
}

/// One attempt at a partner who answers `text`.
async fn answered(text: &str) -> Completed {
    let authority = Authority::new();
    let partner = Partner::start(&authority, Script::Raw(text.into())).await;
    attempt(settings(&authority, partner.port)).await
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn refusal(completed: Completed) -> Refusal {
    match completed {
        Completed::Refused(refusal) => refusal,
        Completed::Acknowledged(ack) => panic!("acknowledged: {ack:?}"),
    }
}

fn ack(completed: Completed) -> Ack {
    match completed {
        Completed::Acknowledged(ack) => ack,
        Completed::Refused(refusal) => panic!("refused: {refusal:?}"),
    }
}

#[tokio::test]
async fn a_2xx_that_names_our_return_is_an_acknowledgment_with_its_proof() {
    let authority = Authority::new();
    let body = format!(r#"{{"acknowledgmentId":"AR-1","returnId":"{}"}}"#, id());
    let mut partner = Partner::start(&authority, Script::Raw(ok(&body))).await;
    let ack = ack(attempt(settings(&authority, partner.port)).await);
    assert_eq!(ack.acknowledgment_id.as_deref(), Some("AR-1"));
    assert_eq!(ack.answer.status, 200);
    assert_eq!(ack.answer.body, body.as_bytes());
    assert_eq!(
        ack.answer.peer_certificate_sha256,
        Some(partner.certificate_sha256)
    );
    let request = partner.received().unwrap();
    assert!(request.head.starts_with("POST /returns HTTP/1.1\r\n"));
    assert_eq!(request.body, BODY);
    assert_eq!(request.field("webhook-id"), Some(id().to_string()));
    assert_eq!(
        request.field("webhook-timestamp").as_deref(),
        Some("784111717")
    );
    assert_eq!(request.field("traceparent").as_deref(), Some("00-ab-cd-01"));
    assert_eq!(
        request.field("content-type").as_deref(),
        Some("application/json")
    );
}

#[tokio::test]
async fn a_2xx_without_json_is_an_acknowledgment_too() {
    for text in [
        &ok(""),
        &ok("merci"),
        &ok("[]"),
        &ok(r#"{"returnId":null}"#),
    ] {
        assert_eq!(ack(answered(text).await).acknowledgment_id, None, "{text}");
    }
    let empty = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(ack(answered(empty).await).answer.status, 204);
}

#[tokio::test]
async fn an_answer_about_another_return_is_no_acknowledgment() {
    let long = format!(
        r#"{{"x":[{{}}],"returnId":"another","y":"{}"}}"#,
        "y".repeat(70_000)
    );
    let marked = "\u{feff}{\"returnId\":\"another\"}";
    for other in [
        r#"{"returnId":"another"}"#,
        r#"{"returnId":7}"#,
        marked,
        &long,
    ] {
        let refusal = refusal(answered(&ok(other)).await);
        assert_eq!(refusal.reason, Reason::OtherReturn);
        assert!(!refusal.permanent);
    }
}

/// What comes after the 64 KiB that are read is not known; neither is what is no JSON.
#[tokio::test]
async fn a_long_answer_is_worth_what_its_beginning_says() {
    let padding = "y".repeat(70_000);
    let own = format!(
        r#"{{"acknowledgmentId":"AR-1","returnId":"{}","y":"{padding}"}}"#,
        id()
    );
    let proof = ack(answered(&ok(&own)).await);
    assert!(proof.answer.truncated);
    assert_eq!(proof.acknowledgment_id.as_deref(), Some("AR-1"));
    let late = format!(r#"{{"y":"{padding}","returnId":"another"}}"#);
    for text in [
        &late,
        &padding,
        &format!(r#"[{{"returnId":"another"}},"{padding}"]"#),
    ] {
        assert!(ack(answered(&ok(text)).await).answer.truncated);
    }
}

#[tokio::test]
async fn a_500_is_to_be_tried_again_and_410_is_not() {
    let text = "HTTP/1.1 503 No\r\nretry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n\r\n";
    let busy = refusal(answered(text).await);
    assert_eq!(busy.reason, Reason::Status(503));
    assert_eq!(busy.retry_after, Some(Duration::from_secs(60)));
    assert!(!busy.permanent);
    let gone = refusal(answered("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n").await);
    assert!(gone.permanent);
    assert_eq!(gone.answer.unwrap().status, 410);
}

#[tokio::test]
async fn a_redirection_is_a_failure_and_is_not_followed() {
    let authority = Authority::new();
    let mut elsewhere = Partner::start(&authority, Script::Raw(ok(""))).await;
    let text = format!(
        "HTTP/1.1 307 Moved\r\nlocation: https://localhost:{}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.port
    );
    let partner = Partner::start(&authority, Script::Raw(text)).await;
    let refusal = refusal(attempt(settings(&authority, partner.port)).await);
    assert_eq!(refusal.reason, Reason::Redirect(307));
    assert!(elsewhere.received().is_none());
}

#[tokio::test]
async fn of_an_endless_answer_64_kib_are_read() {
    let authority = Authority::new();
    let partner = Partner::start(&authority, Script::Endless).await;
    let ack = ack(attempt(settings(&authority, partner.port)).await);
    assert_eq!(ack.answer.body.len(), 64 * 1024);
    assert!(ack.answer.truncated);
}

#[tokio::test]
async fn a_partner_who_never_answers_is_left_at_the_deadline() {
    let authority = Authority::new();
    let partner = Partner::start(&authority, Script::Silent).await;
    let mut settings = settings(&authority, partner.port);
    settings.timeout = Duration::from_millis(300);
    assert_eq!(refusal(attempt(settings).await).reason, Reason::Timeout);
}

#[tokio::test]
async fn an_answer_that_stops_before_its_end_is_no_acknowledgment() {
    let authority = Authority::new();
    let text = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    let partner = Partner::start(&authority, Script::Raw(text.into())).await;
    let mut settings = settings(&authority, partner.port);
    settings.timeout = Duration::from_millis(300);
    assert_eq!(refusal(attempt(settings).await).reason, Reason::Timeout);
}

#[tokio::test]
async fn a_partner_of_another_authority_gets_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let mut partner = Partner::start(&authority, Script::Raw(ok(""))).await;
    let mut settings = settings(&authority, partner.port);
    settings.ca_pem = other.pem();
    let refusal = refusal(attempt(settings).await);
    assert!(
        matches!(refusal.reason, Reason::Connection(_)),
        "{:?}",
        refusal.reason
    );
    assert!(partner.received().is_none());
}

#[tokio::test]
async fn a_certificate_of_another_authority_opens_nothing() {
    let (authority, other) = (Authority::new(), Authority::new());
    let mut partner = Partner::start(&authority, Script::Raw(ok(""))).await;
    let mut settings = settings(&authority, partner.port);
    let (certificate, key) = other.issue(Purpose::ClientAuth);
    settings.certificate_pem = certificate.pem().into_bytes();
    settings.key_pem = key.serialize_pem().into_bytes();
    refusal(attempt(settings).await);
    assert!(partner.received().is_none());
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_at_connection_unless_it_is_allowed() {
    let authority = Authority::new();
    let mut partner = Partner::start(&authority, Script::Raw(ok(""))).await;
    let mut settings = settings(&authority, partner.port);
    settings.allow = Vec::new();
    assert_eq!(
        refusal(attempt(settings).await).reason,
        Reason::AddressRefused
    );
    assert!(partner.received().is_none());
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_a_failed_connection() {
    let refusal = refusal(attempt(settings(&Authority::new(), 1)).await);
    assert!(
        matches!(refusal.reason, Reason::Connection(_)),
        "{:?}",
        refusal.reason
    );
}

#[test]
fn urls_that_are_not_for_callbacks_are_refused_at_load() {
    let authority = Authority::new();
    let urls = [
        "http://localhost/",
        "https://user:word@localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://0x7f.1/",
        "https://2130706433/",
        "localhost",
    ];
    for url in urls {
        let mut settings = settings(&authority, 1);
        settings.url = url.into();
        assert_eq!(
            code(Sender::new(&settings, keys::signer(), clock())),
            Some(Code::Configuration),
            "{url}"
        );
    }
}

#[test]
fn certificates_that_do_not_read_are_refused_at_load() {
    let authority = Authority::new();
    let mut without_ca = settings(&authority, 1);
    without_ca.ca_pem = Vec::new();
    let mut without_key = settings(&authority, 1);
    without_key.key_pem = Vec::new();
    for settings in [without_ca, without_key] {
        assert_eq!(
            code(Sender::new(&settings, keys::signer(), clock())),
            Some(Code::Configuration)
        );
    }
}

fn code<T>(result: Result<T>) -> Option<Code> {
    result.err().map(|fault| fault.code())
}
