//! W3C Trace Context: a caller's trace goes on in our answers and in our log.

use reqwest::Method;
use serde_json::Value;

use super::SOON;
use crate::{
    both_engines,
    kit::{
        client::{Answer, Client, finish},
        gateway::Gateway,
        wait,
    },
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// The list of pieces, asked for with that header.
async fn asked(client: &Client, traceparent: &str) -> Answer {
    let request = client.request(Method::GET, "/v1/pieces");
    finish(request.header("traceparent", traceparent)).await
}

/// The trace and the span that an answer names.
#[track_caller]
fn named(answer: &Answer) -> (String, String) {
    let header = answer.header("traceparent");
    let fields: Vec<_> = header.split('-').collect();
    assert_eq!((fields.len(), fields[0]), (4, "00"), "{header}");
    (fields[1].to_owned(), fields[2].to_owned())
}

/// The trace under which the log tells of the request that an answer was to.
fn logged(gateway: &Gateway, answer: &Answer) -> String {
    let id = answer.header("x-request-id");
    wait::until("line of the log", SOON, || {
        let log = gateway.log();
        let mut lines = log.lines().filter(|line| line.contains("navette::access"));
        let line: Value = serde_json::from_str(lines.find(|line| line.contains(id))?).ok()?;
        line["trace_id"].as_str().map(str::to_owned)
    })
}

both_engines! {
    /// What is refused is told under the caller's trace, too.
    async fn a_callers_trace_goes_on_under_a_span_of_ours(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        for (client, status) in [(client.clone(), 200), (client.bearing("x"), 401)] {
            let answer = asked(&client, &format!("00-{TRACE}-{SPAN}-01")).await;
            assert_eq!(answer.status, status, "{answer:?}");
            let (trace, span) = named(&answer);
            assert_eq!(trace, TRACE);
            assert_ne!(span, SPAN);
            assert_eq!(logged(&gateway, &answer), TRACE);
        }
    }

    async fn a_request_without_a_trace_that_can_be_read_begins_one(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let (first, _) = named(&client.get("/v1/pieces").await);
        let (second, _) = named(&asked(&client, &format!("00-{}-{SPAN}-01", "0".repeat(32))).await);
        assert!(first != second && second != "0".repeat(32), "{first} {second}");
    }
}
