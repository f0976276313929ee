//! Health and metrics: on a listener of their own, and of the API nothing there.

use super::sent;
use crate::{
    both_engines,
    kit::gateway::{Engine, Kit},
};

/// They ask for no credentials: settings that would show them to other machines do not load.
#[test]
fn health_and_metrics_are_offered_to_this_machine_alone() {
    let checked = |key: &str, address: &str| {
        let kit = Kit::new(Engine::Sqlite).set(key, format!("{address:?}"));
        kit.write();
        kit.run(&["check-config"])
    };
    for key in ["health.address", "health.worker_address"] {
        for address in ["0.0.0.0:9180", "[::]:9180", "192.0.2.1:9180"] {
            let said = checked(key, address).failed_with(3);
            assert!(said.contains(key) && said.contains("loopback"), "{said}");
        }
        checked(key, "[::1]:9180").succeeded();
    }
}

both_engines! {
    async fn a_running_gateway_is_live_and_ready(kit) {
        let gateway = kit.start();
        assert_eq!(gateway.health("/health/live").unwrap().0, 200);
        let (status, body) = gateway.health("/health/ready").unwrap();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["ready"]), (200, &true.into()), "{body}");
        let names: Vec<_> = body["checks"].as_array().unwrap().iter().map(|check| check["name"].clone()).collect();
        assert_eq!(names, ["database", "store", "receipts"]);
    }

    async fn the_api_is_not_served_where_health_is(kit) {
        let gateway = kit.start();
        for path in ["/v1/pieces", "/oauth2/jwks", "/v1/docs"] {
            assert_eq!(gateway.health(path).unwrap().0, 404, "{path}");
        }
    }

    async fn a_store_that_is_gone_is_told_by_readiness(kit) {
        let gateway = kit.start();
        let store = gateway.dir().join("data/store");
        std::fs::rename(&store, gateway.dir().join("away")).unwrap();
        let (status, body) = gateway.health("/health/ready").unwrap();
        assert_eq!(status, 503, "{body}");
        std::fs::rename(gateway.dir().join("away"), store).unwrap();
        assert_eq!(gateway.health("/health/ready").unwrap().0, 200);
    }

    async fn requests_are_counted_by_route_and_status_and_never_by_id(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        client.get(&format!("/v1/pieces/{id}")).await;
        client.get("/v1/nowhere/1234").await;
        let (_, text) = gateway.health("/metrics").unwrap();
        let counted = |label: &str| text.lines().any(|line| {
            line.starts_with("navette_http_requests_total{") && line.contains(label) && !line.ends_with(" 0")
        });
        assert!(counted(r#"route="/v1/pieces/{reconciliationId}""#), "{text}");
        assert!(counted(r#"status="202""#) && counted(r#"route="unmatched""#), "{text}");
        assert!(!text.contains(&id) && !text.contains("nowhere"), "{text}");
    }
}
