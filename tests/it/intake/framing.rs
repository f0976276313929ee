//! Bodies that are not what their head says: lengths that lie, senders that stall.

use std::time::{Duration, Instant};

use super::Desk;
use crate::{
    both_engines,
    kit::{client::metadata, document, gateway::Kit, pki::pki, raw::Raw},
};

/// Where pieces are sent.
pub const PATH: &str = "/v1/pieces";

/// A whole request: its head with `headers`, its body.
pub struct Request {
    /// Everything before the body.
    pub head: String,
    /// The multipart body.
    pub body: Vec<u8>,
}

impl Request {
    /// A sending for one dossier that the gateway would take, with its true length.
    pub fn good(desk: &Desk, dossier: &str) -> Self {
        Self::of(desk, body(dossier))
    }

    /// A sending of that body, with its true length.
    pub fn of(desk: &Desk, body: Vec<u8>) -> Self {
        let length = format!("content-length: {}", body.len());
        Self::framed(desk, &length, body)
    }

    /// The same with another framing.
    pub fn framed(desk: &Desk, framing: &str, body: Vec<u8>) -> Self {
        let token = desk
            .client
            .token
            .as_deref()
            .expect("the client has a token");
        let head = format!(
            "POST {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: multipart/form-data; boundary=b\r\n{framing}\r\n\r\n"
        );
        Self { head, body }
    }

    /// Head and body.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }
}

/// The multipart body of a sending for one dossier.
pub fn body(dossier: &str) -> Vec<u8> {
    around(dossier, &document::small(dossier))
}

/// The same around another content.
pub fn around(dossier: &str, content: &[u8]) -> Vec<u8> {
    let metadata = metadata(dossier);
    let head = format!(
        "--b\r\ncontent-disposition: form-data; name=\"metadata\"\r\ncontent-type: application/json\r\n\r\n{metadata}\r\n\
         --b\r\ncontent-disposition: form-data; name=\"content\"; filename=\"x\"\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n--b--\r\n"].concat()
}

async fn connect(desk: &Desk) -> Raw {
    Raw::connect(&desk.gateway, Some(&pki().client)).await
}

fn impatient(kit: Kit) -> Kit {
    kit.set("limits.body_deadline_seconds", 2)
}

both_engines! {
    /// The control of what follows.
    async fn a_request_written_by_hand_is_received(kit) {
        let desk = Desk::open(kit).await;
        let mut raw = connect(&desk).await;
        raw.send(&Request::good(&desk, "D-1").bytes()).await.unwrap();
        assert_eq!(raw.answer("POST", PATH).await.unwrap().status, 202);
    }

    /// A sender that goes on, ever so slowly, is given up long before its deadline, and told why.
    async fn a_body_below_the_least_rate_is_given_up_once_its_grace_is_over(kit) {
        let kit = kit.set("limits.body_grace_seconds", 2).set("limits.body_bytes_per_second", 10_000);
        let mut desk = Desk::open(kit).await;
        let lie = "content-length: 1000000";
        let request = Request::framed(&desk, lie, body("D-1"));
        let mut raw = connect(&desk).await;
        let begun = Instant::now();
        raw.send(request.head.as_bytes()).await.unwrap();
        raw.send(&request.body[..request.body.len() - 100]).await.unwrap();
        let drop = [b'x'; 100];
        let answer = raw.drip(&drop, Duration::from_millis(100), "POST", PATH).await.expect("an answer");
        let took = begun.elapsed();
        assert!(took >= Duration::from_secs(2), "before its grace was over: {took:?}");
        desk.refuses(&answer, 408, "body-too-slow");
    }

    async fn a_body_longer_than_its_declared_length_is_cut_there(kit) {
        let mut desk = Desk::open(kit).await;
        let body = body("D-1");
        let lie = format!("content-length: {}", body.len() - 100);
        let mut raw = connect(&desk).await;
        raw.send(&Request::framed(&desk, &lie, body).bytes()).await.unwrap();
        let answer = raw.answer("POST", PATH).await.unwrap();
        desk.refuses(&answer, 400, "request-malformed");
    }

    async fn a_body_shorter_than_its_declared_length_leaves_nothing(kit) {
        let desk = Desk::open(kit).await;
        let body = body("D-1");
        let lie = format!("content-length: {}", body.len() + 100);
        let mut raw = connect(&desk).await;
        raw.send(&Request::framed(&desk, &lie, body).bytes()).await.unwrap();
        raw.close().await;
        desk.keeps_nothing();
    }

    /// A length within the limit is no leave to send more than the limit.
    async fn a_chunked_body_that_never_ends_is_refused_where_it_passes_the_limit(kit) {
        let mut desk = Desk::open(kit.set("limits.transaction_bytes", 300_000)).await;
        let mut raw = connect(&desk).await;
        let request = Request::framed(&desk, "transfer-encoding: chunked", body("D-1"));
        raw.send(request.head.as_bytes()).await.unwrap();
        raw.send(&chunk(&request.body[..request.body.len() - 100])).await.unwrap();
        let answer = raw.flood(&chunk(&[b'x'; 60_000]), "POST", PATH).await.expect("an answer");
        desk.refuses(&answer, 413, "too-large");
    }

    async fn two_framings_at_once_are_refused(kit) {
        let desk = Desk::open(kit).await;
        let body = body("D-1");
        for framing in [
            format!("content-length: {}\r\ntransfer-encoding: chunked", body.len()),
            format!("content-length: {0}\r\ncontent-length: {1}", body.len(), body.len() - 1),
            format!("transfer-encoding: gzip, chunked\r\ncontent-length: {}", body.len()),
            "content-length: -1".to_owned(),
            "content-length: 1e3".to_owned(),
        ] {
            let mut raw = connect(&desk).await;
            let request = Request::framed(&desk, &framing, body.clone());
            let _ = raw.send(&request.bytes()).await;
            let status = raw.status().await;
            assert!(status.is_none_or(|status| status == 400), "{framing}: {status:?}");
        }
        desk.keeps_nothing();
    }

    async fn a_sender_that_stalls_is_told_so_when_its_time_is_over(kit) {
        let took = stalled(Desk::open(impatient(kit)).await).await;
        assert!(took >= Duration::from_secs(2), "{took:?}");
    }

    /// However much of its deadline is left.
    async fn a_sender_that_falls_silent_is_told_so_when_it_has_been_for_long(kit) {
        let kit = kit.set("limits.body_silence_seconds", 2).set("limits.body_bytes_per_second", 1);
        let took = stalled(Desk::open(kit).await).await;
        assert!(took >= Duration::from_secs(2), "before its silence was long: {took:?}");
        assert!(took < Duration::from_secs(20), "only as without the setting: {took:?}");
    }

    async fn a_sender_that_stalls_holds_nobody_up(kit) {
        let desk = Desk::open(kit).await;
        let mut stalled = Vec::new();
        for number in 0..32 {
            let mut raw = connect(&desk).await;
            let request = Request::good(&desk, &format!("D-{number}")).bytes();
            raw.send(&request[..request.len() - 50]).await.unwrap();
            stalled.push(raw);
        }
        let answer = desk.client.push(&metadata("D-99"), document::small("x")).await;
        assert_eq!(answer.status, 202);
    }
}

/// Sends all of a piece but its end, and answers how long it took to be told that it is too slow.
async fn stalled(mut desk: Desk) -> Duration {
    let mut raw = connect(&desk).await;
    let request = Request::good(&desk, "D-1").bytes();
    let since = Instant::now();
    raw.send(&request[..request.len() - 50]).await.unwrap();
    let answer = raw.answer("POST", PATH).await.expect("an answer");
    desk.refuses(&answer, 408, "body-too-slow");
    since.elapsed()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    let head = format!("{:x}\r\n", bytes.len());
    [head.as_bytes(), bytes, b"\r\n"].concat()
}
