//! Health and metrics, on a plain listener that only the machine itself reaches.
//!
//! `/health/live`: the process answers. `/health/ready`: every [`Probe`] passes, else 503 with the names of those that do not.
//! `/metrics`: Prometheus text.
//!
//! To add a check: one more [`Probe`] in the list that the composition root passes in.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::future::{BoxFuture, join_all};
use http::{StatusCode, header::CONTENT_TYPE};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use super::problem;
use crate::kernel::fault::{Code, Fault, Result};

/// For a probe to answer; one that takes longer has failed.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);
/// How often the histograms are folded, whether or not anyone asks for them.
const UPKEEP: Duration = Duration::from_secs(5);
/// Seconds; the buckets of every duration.
const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// A named check of one thing that the house needs.
#[derive(Clone)]
pub struct Probe {
    name: &'static str,
    check: Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>,
}

impl Probe {
    /// A check called `name`, run at each question.
    pub fn new<F>(name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let check = Arc::new(move || -> BoxFuture<'static, Result<()>> { Box::pin(check()) });
        Self { name, check }
    }

    async fn run(&self) -> Finding {
        let outcome = timeout(PROBE_DEADLINE, (self.check)()).await;
        let outcome = outcome.unwrap_or_else(|elapsed| Err(Fault::unavailable(elapsed)));
        if let Err(fault) = &outcome {
            tracing::warn!(probe = self.name, %fault, "not ready");
        }
        Finding {
            name: self.name,
            passed: outcome.is_ok(),
        }
    }
}

#[derive(Serialize)]
struct Finding {
    name: &'static str,
    passed: bool,
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Finding>,
}

/// Makes this process's metrics countable. Fails (code `configuration`) where it was done before.
pub fn install_metrics() -> Result<PrometheusHandle> {
    let builder = PrometheusBuilder::new().set_buckets(BUCKETS);
    let installed = builder.and_then(PrometheusBuilder::install_recorder);
    installed.map_err(|error| {
        Fault::new(Code::Configuration, "Les mesures ne s'installent pas.").because(error)
    })
}

/// Keeps the metrics' memory bounded until `stop`.
pub async fn keep_up(metrics: PrometheusHandle, stop: CancellationToken) {
    let mut tick = interval(UPKEEP);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        metrics.run_upkeep();
    }
}

/// The routes of the loopback listener.
pub fn routes(probes: Vec<Probe>, metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/health/live", get(async || "live"))
        .route("/health/ready", get(ready))
        .with_state(Arc::new(probes))
        .route("/metrics", get(async move || exposition(&metrics)))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
}

async fn ready(State(probes): State<Arc<Vec<Probe>>>) -> Response {
    let checks = join_all(probes.iter().map(Probe::run)).await;
    let ready = checks.iter().all(|finding| finding.passed);
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(Readiness { ready, checks })).into_response()
}

fn exposition(metrics: &PrometheusHandle) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, kind)], metrics.render()).into_response()
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn ask(probes: Vec<Probe>, path: &str) -> (u16, String) {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || metrics::counter!("one_total").increment(1));
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let response = routes(probes, recorder.handle())
            .oneshot(request)
            .await
            .unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn ready_means_that_every_probe_passed_and_a_hanging_one_did_not() {
        let good = || Probe::new("store", || ready(Ok(())));
        let hanging = Probe::new("database", pending);
        assert_eq!(ask(vec![good()], "/health/ready").await.0, 200);
        let (status, text) = ask(vec![good(), hanging], "/health/ready").await;
        assert_eq!(status, 503);
        assert!(
            text.contains(r#"{"name":"database","passed":false}"#),
            "{text}"
        );
    }

    #[tokio::test]
    async fn a_process_without_its_database_is_alive_all_the_same() {
        let dead = Probe::new("database", || ready(Err(Fault::unavailable("down"))));
        assert_eq!(ask(vec![dead], "/health/live").await.0, 200);
    }

    #[tokio::test]
    async fn metrics_are_served_as_prometheus_reads_them() {
        let (status, text) = ask(Vec::new(), "/metrics").await;
        assert_eq!(status, 200);
        assert!(text.contains("one_total 1"), "{text}");
    }
}
