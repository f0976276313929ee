//! The contract as it is served: YAML as written, JSON converted once, and a page to read it in.
//!
//! The page is Swagger UI from a crate that carries its assets; it loads nothing from elsewhere, and its content security
//! policy makes sure of it. No certificate is needed: a contract is no secret.

use std::sync::{Arc, LazyLock};

use axum::{
    extract::{Path, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
};
use utoipa_swagger_ui::{Config, SwaggerFile};

use super::{
    operation::{Operation, get},
    problem,
};
use crate::kernel::fault::{Fault, Result};

/// The contract of the piece API (API-6), as written.
pub const PIECES_V1: &str = include_str!("../../schemas/openapi/pieces-v1.yaml");

/// Scripts and data from us alone; Swagger UI sets styles from its script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static PIECES_V1_JSON: LazyLock<Option<String>> = LazyLock::new(|| to_json(PIECES_V1));

/// The operations of the contract and of its page.
pub fn operations<S: Clone + Send + Sync + 'static>() -> Vec<Operation<S>> {
    vec![
        get("/v1/openapi.yaml", yaml),
        get("/v1/openapi.json", json),
        get("/v1/docs", index),
        get("/v1/docs/{file}", asset),
    ]
}

async fn yaml() -> Response {
    answer("application/yaml", PIECES_V1)
}

async fn json() -> Result<Response> {
    let text = PIECES_V1_JSON.as_deref();
    let text = text.ok_or_else(|| Fault::internal("the contract is no JSON"))?;
    Ok(answer("application/json", text))
}

/// The page itself stands one level above its files, which it names as its neighbours.
async fn index() -> Result<Response> {
    let mut file = found("index.html")?;
    let text = String::from_utf8_lossy(&file.bytes).replace("\"./", "\"/v1/docs/");
    let text = text.replace("href=\"index.css\"", "href=\"/v1/docs/index.css\"");
    file.bytes = text.into_bytes().into();
    Ok(sent(file))
}

/// A name that is no text is the name of no file.
async fn asset(file: Result<Path<String>, PathRejection>) -> Result<Response> {
    let Path(file) = file.map_err(|_| problem::missing())?;
    Ok(sent(found(&file)?))
}

fn found(file: &str) -> Result<SwaggerFile<'static>> {
    let found = utoipa_swagger_ui::serve(file, Arc::clone(&SETTINGS)).map_err(Fault::internal)?;
    found.ok_or_else(problem::missing)
}

/// No validator: Swagger UI would show the contract to a site of its makers.
static SETTINGS: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::from("/v1/openapi.json");
    Arc::new(config.validator_url("none").display_request_duration(true))
});

fn sent(file: SwaggerFile<'_>) -> Response {
    let mut response = file.bytes.into_owned().into_response();
    let kind = HeaderValue::from_str(&file.content_type);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        kind.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn answer(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text).into_response()
}

fn to_json(yaml: &str) -> Option<String> {
    let document: serde_json::Value = serde_norway::from_str(yaml).ok()?;
    serde_json::to_string(&document).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::{super::operation::router, *};

    async fn ask(path: &str) -> (http::response::Parts, String) {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let router: axum::Router = router(operations());
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test]
    async fn both_forms_of_the_contract_say_the_same_and_are_openapi_3_0() {
        let (_, yaml) = ask("/v1/openapi.yaml").await;
        let (parts, json) = ask("/v1/openapi.json").await;
        assert_eq!(parts.headers[CONTENT_TYPE], "application/json");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let yaml: serde_json::Value = serde_norway::from_str(&yaml).unwrap();
        assert_eq!(json, yaml);
        assert!(json["openapi"].as_str().unwrap().starts_with("3.0."));
    }

    #[tokio::test]
    async fn the_page_and_all_that_it_names_come_from_us() {
        let (parts, index) = ask("/v1/docs").await;
        assert!(
            parts.headers[CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .contains("script-src 'self'")
        );
        assert!(
            !index.contains("http://") && !index.contains("https://"),
            "{index}"
        );
        let named = index.split(['"', '\'']).filter(|text| {
            [".css", ".js", ".png"]
                .iter()
                .any(|end| text.ends_with(end))
        });
        let named: Vec<_> = named.collect();
        assert!(named.len() >= 5, "{index}");
        for file in named {
            assert!(file.starts_with("/v1/docs/"), "{file}");
            assert_eq!(ask(file).await.0.status, 200, "{file}");
        }
        let (_, settings) = ask("/v1/docs/swagger-initializer.js").await;
        assert!(
            settings.contains("/v1/openapi.json") && settings.contains("\"none\""),
            "{settings}"
        );
    }

    #[tokio::test]
    async fn a_file_that_the_page_does_not_have_is_a_problem() {
        let (parts, text) = ask("/v1/docs/..%2f..%2fetc%2fpasswd").await;
        assert_eq!(parts.status, 404);
        assert!(text.contains("not-found"));
    }
}
