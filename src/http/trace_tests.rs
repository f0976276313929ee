use axum::routing::{get, post};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::Value;
use tower::ServiceExt;

use super::*;

fn front() -> Front {
    Front {
        clock: Clock::frozen(crate::kernel::clock::instant(1_700_000_000_000_000)),
        entropy: Entropy::system(),
        limits: Limits::default(),
        render: problem::render,
    }
}

fn app() -> Router {
    let router = Router::new()
        .route("/pieces/{id}", get(async || "found"))
        .route("/large", post(async || Fault::new(Code::TooLarge, "…")))
        .route("/broken", get(async || Fault::internal("secret cause")))
        .route("/panic", get(panics));
    dress(router, front())
}

async fn panics() -> &'static str {
    panic!("as a handler with a defect does")
}

async fn ask(method: &str, path: &str) -> (http::response::Parts, Value) {
    let request = http::Request::builder().method(method).uri(path);
    let response = app().oneshot(request.body(Body::empty()).unwrap()).await;
    let (parts, body) = response.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

#[tokio::test]
async fn every_answer_carries_its_request_id_and_a_problem_tells_the_same() {
    let (parts, document) = ask("POST", "/large").await;
    let id = parts.headers[REQUEST_ID].to_str().unwrap();
    assert_eq!(document["instance"], format!("urn:uuid:{id}"));
    assert_eq!(document["limitBytes"], 20_000_000);
    assert!(TraceContext::parse(parts.headers[TRACEPARENT].to_str().unwrap()).is_some());
}

#[tokio::test]
async fn unknown_paths_and_verbs_are_problems_and_the_verbs_are_named() {
    let (parts, document) = ask("GET", "/nowhere").await;
    assert_eq!(
        (parts.status.as_u16(), &document["code"]),
        (404, &"not-found".into())
    );
    let (parts, document) = ask("DELETE", "/pieces/7").await;
    assert_eq!(
        (parts.status.as_u16(), &document["code"]),
        (405, &"method-not-allowed".into())
    );
    assert_eq!(parts.headers[http::header::ALLOW], "GET,HEAD");
}

#[tokio::test]
async fn a_fault_of_ours_keeps_its_cause_to_itself_and_a_panic_is_one() {
    for path in ["/broken", "/panic"] {
        let (parts, document) = ask("GET", path).await;
        assert_eq!(
            (parts.status.as_u16(), &document["code"]),
            (500, &"internal".into())
        );
        assert!(!document.to_string().contains("secret"), "{document}");
    }
}

#[test]
fn requests_are_counted_by_route_and_not_by_path() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        for id in 0..3 {
            runtime.block_on(ask("GET", &format!("/pieces/{id}")));
        }
        runtime.block_on(ask("BREW", "/pieces/1"));
    });
    let text = handle.render();
    let line = r#"navette_http_requests_total{method="GET",route="/pieces/{id}",status="200"} 3"#;
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("BREW"), "{text}");
}
