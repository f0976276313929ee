//! Contents: the bytes that were sent, whole, in part, or not again (RFC 9110, RFC 9530).

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, HEXLOWER};
use reqwest::Method;

use crate::{
    both_engines,
    kit::{
        client::{Answer, Client, PDF, finish, metadata},
        document,
        gateway::Gateway,
    },
};

/// A content of several frames, its last one not full.
const SIZE: usize = 300_001;

struct Shelf {
    _gateway: Gateway,
    client: Client,
    content: Vec<u8>,
    path: String,
}

impl Shelf {
    async fn with_content(kit: crate::kit::gateway::Kit) -> Self {
        let gateway = kit.start();
        let client = gateway.client().await;
        let content = document::pdf("D-1", SIZE);
        let id = client
            .push(&metadata("D-1"), content.clone())
            .await
            .reconciliation_id();
        Self {
            _gateway: gateway,
            client,
            content,
            path: format!("/v1/pieces/{id}/content"),
        }
    }

    async fn ask(&self, header: &str, value: &str) -> Answer {
        finish(
            self.client
                .request(Method::GET, &self.path)
                .header(header, value),
        )
        .await
    }

    fn tag(&self) -> String {
        format!(
            "\"{}\"",
            HEXLOWER.encode(digest(&SHA256, &self.content).as_ref())
        )
    }
}

both_engines! {
    async fn a_content_comes_back_byte_for_byte_with_its_digest(kit) {
        let shelf = Shelf::with_content(kit).await;
        let answer = shelf.client.get(&shelf.path).await;
        assert!(answer.body == shelf.content);
        let digest = BASE64.encode(digest(&SHA256, &shelf.content).as_ref());
        assert_eq!(answer.header("repr-digest"), format!("sha-256=:{digest}:"));
        assert_eq!(answer.header("etag"), shelf.tag());
        assert_eq!(answer.header("content-type"), PDF);
        assert_eq!(answer.header("content-length"), SIZE.to_string());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }

    async fn a_range_is_answered_with_these_bytes_alone(kit) {
        let shelf = Shelf::with_content(kit).await;
        let last = SIZE - 1;
        for (asked, from, to) in [
            ("bytes=0-0", 0, 0), ("bytes=0-65535", 0, 65_535), ("bytes=65535-65536", 65_535, 65_536),
            ("bytes=100000-299999", 100_000, 299_999), ("bytes=-1", last, last), ("bytes=300000-", last, last),
            ("bytes=0-", 0, last), ("bytes=-999999999", 0, last), ("bytes=5-99999999999", 5, last),
        ] {
            let answer = shelf.ask("range", asked).await;
            assert_eq!(answer.status, 206, "{asked}");
            assert_eq!(answer.header("content-range"), format!("bytes {from}-{to}/{SIZE}"), "{asked}");
            assert!(answer.body == shelf.content[from..=to], "{asked}");
        }
    }

    async fn a_range_outside_of_the_content_is_refused_with_its_size(kit) {
        let shelf = Shelf::with_content(kit).await;
        for asked in ["bytes=300001-", "bytes=999999-9999999", "bytes=-0"] {
            let answer = shelf.ask("range", asked).await;
            answer.is_problem(416, "range-not-satisfiable");
            assert_eq!(answer.header("content-range"), format!("bytes */{SIZE}"), "{asked}");
        }
    }

    async fn a_range_that_is_none_is_answered_with_everything(kit) {
        let shelf = Shelf::with_content(kit).await;
        for asked in ["bytes=0-1,5-6", "lines=1-2", "bytes=x-y", "bytes=9-1", ""] {
            let answer = shelf.ask("range", asked).await;
            assert!(answer.status == 200 && answer.body == shelf.content, "{asked}: {}", answer.status);
        }
    }

    async fn a_content_that_the_caller_has_is_not_sent_again(kit) {
        let shelf = Shelf::with_content(kit).await;
        for known in [shelf.tag(), format!("\"x\", {}", shelf.tag()), format!("W/{}", shelf.tag()), "*".to_owned()] {
            let answer = shelf.ask("if-none-match", &known).await;
            assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        }
        assert_eq!(shelf.ask("if-none-match", "\"other\"").await.status, 200);
    }

    async fn a_range_of_another_version_is_answered_with_everything(kit) {
        let shelf = Shelf::with_content(kit).await;
        let ask = async |tag: &str| {
            let request = shelf.client.request(Method::GET, &shelf.path);
            finish(request.header("range", "bytes=0-9").header("if-range", tag)).await.status
        };
        assert_eq!((ask(&shelf.tag()).await, ask("\"other\"").await), (206, 200));
    }
}
