//! The contract and the server say the same: operations both ways, problem codes, the pages that show it.

use std::collections::{BTreeMap, BTreeSet};

use navette::{
    http::{api, problem},
    kernel::fault::Code,
};
use reqwest::Method;

use crate::{
    both_engines,
    kit::{
        client::{Answer, Client, finish},
        contract::{Contract, Operation},
    },
};

/// An id that no piece has.
pub const NOBODY: &str = "01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10";

/// A path of an operation, for a piece of that id.
pub fn path_of(operation: &Operation, id: &str) -> String {
    let path = operation.path_template.replace("{reconciliationId}", id);
    path.replace("{documentId}", NOBODY)
        .replace("{dossierId}", "D-1")
        .replace("{file}", "swagger-ui.css")
}

async fn call(client: &Client, method: &str, path: &str) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    finish(client.request(method, path)).await
}

/// The methods that the contract gives to each path.
fn methods() -> BTreeMap<String, BTreeSet<String>> {
    let mut methods: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for operation in Contract::load().operations() {
        let path = path_of(&operation, NOBODY);
        methods.entry(path).or_default().insert(operation.method);
    }
    methods
}

#[test]
fn the_server_registers_the_operations_of_the_contract_and_no_other() {
    let operations = api::operations();
    let registered = operations
        .iter()
        .map(|operation| (operation.method.to_owned(), operation.path.to_owned()));
    let declared = Contract::load().operations().into_iter();
    let declared = declared.map(|operation| (operation.method, operation.path_template));
    assert_eq!(
        registered.collect::<BTreeSet<_>>(),
        declared.collect::<BTreeSet<_>>()
    );
}

#[test]
fn the_problem_codes_of_the_contract_are_those_of_the_server_with_the_same_statuses() {
    let public = Code::ALL.iter().map(|code| problem::public(*code));
    let ours: BTreeMap<_, _> = public
        .map(|code| (code.as_str().to_owned(), problem::outcome(code).0.as_u16()))
        .collect();
    assert_eq!(ours, Contract::load().problem_codes());
}

#[test]
fn the_titles_in_the_examples_of_the_contract_are_those_of_the_server() {
    let titles: BTreeMap<_, _> = Code::ALL
        .iter()
        .map(|code| (code.as_str(), problem::outcome(*code).1))
        .collect();
    for example in Contract::load().problem_examples() {
        let code = example["code"].as_str().unwrap();
        assert_eq!(example["title"].as_str(), Some(titles[code]), "{code}");
    }
}

both_engines! {
    /// No operation of the contract is a path or a method that the running server does not know.
    async fn every_operation_of_the_contract_is_served(kit) {
        let gateway = kit.start();
        let nobody = Client::new(&gateway, None);
        for operation in Contract::load().operations() {
            let answer = call(&nobody, &operation.method, &path_of(&operation, NOBODY)).await;
            let expected = if operation.needs_certificate { 401 } else { 200 };
            assert_eq!(answer.status, expected, "{operation:?}");
        }
    }

    /// A method that the contract does not give to a path is refused with the list of those that it does.
    async fn another_method_is_answered_405_and_those_of_the_contract(kit) {
        let gateway = kit.start();
        let nobody = Client::new(&gateway, None);
        for (path, declared) in methods() {
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
                if declared.contains(method) {
                    continue;
                }
                let answer = call(&nobody, method, &path).await;
                answer.is_problem(405, "method-not-allowed");
                let allowed = answer.header("allow").split(',').map(str::trim).map(str::to_owned);
                let allowed: BTreeSet<_> = allowed.filter(|method| method != "HEAD").collect();
                assert_eq!(allowed, declared, "{method} {path}");
            }
        }
    }

    /// Whatever is asked for, a head that is too long is answered as the contract says of that operation.
    async fn a_head_that_is_too_long_is_answered_431_by_every_operation(kit) {
        let gateway = kit.start();
        let nobody = Client::new(&gateway, None);
        for operation in Contract::load().operations() {
            let path = path_of(&operation, NOBODY);
            let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
            let request = nobody.request(method, &path).header("x-long", "a".repeat(1_000_000));
            assert_eq!(finish(request).await.status, 431, "{operation:?}");
        }
    }

    /// What the contract does not name is nowhere.
    async fn an_address_outside_of_the_contract_is_a_problem_404(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        for path in [
            "/", "/v1", "/v1/", "/v1/pieces/", "/v2/pieces", "/V1/pieces", "/v1/docs/", "/v1/docs/nothing.js",
            "/v1/docs/%ff", "/metrics", "/health/ready", "/oauth2", "/v1/pieces/%2e%2e/%2e%2e/metrics",
        ] {
            call(&client, "GET", path).await.is_problem(404, "not-found");
        }
    }

    /// What is no id of ours names nothing, in whatever spelling.
    async fn an_id_that_is_not_ours_names_nothing(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        for id in [
            "1", "x", "%ff", "%00", "..%2f..%2fetc", "0", "01a1ffe0-542b-4a41-9c3e-5b0f2a7d6e10",
            "01A1FFE0-542B-7A41-9C3E-5B0F2A7D6E10", "01a1ffe0542b7a419c3e5b0f2a7d6e10",
            "%7b01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10%7d", "urn:uuid:01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10", NOBODY,
        ] {
            for rest in ["", "/content", "/receipt", "/return", "/events", "/return/documents/x"] {
                let path = format!("/v1/pieces/{id}{rest}");
                call(&client, "GET", &path).await.is_problem(404, "not-found");
            }
        }
    }

    /// The page and everything that it loads come from the gateway, without a certificate.
    async fn the_page_of_the_contract_loads_from_the_gateway_alone(kit) {
        let gateway = kit.start();
        let nobody = Client::new(&gateway, None);
        let page = nobody.get("/v1/docs").await;
        assert_eq!(page.status, 200);
        let text = String::from_utf8(page.body.to_vec()).unwrap();
        let named: Vec<_> = text
            .split('"')
            .filter(|text| [".js", ".css", ".png"].iter().any(|end| text.ends_with(end)))
            .collect();
        assert!(named.len() >= 5, "{text}");
        for file in named {
            assert_eq!(nobody.get(file).await.status, 200, "{file}");
        }
    }

    /// The contract that is served is the one that the tests judge by.
    async fn the_served_contract_is_the_one_of_the_repository(kit) {
        let gateway = kit.start();
        let nobody = Client::new(&gateway, None);
        let yaml = nobody.get("/v1/openapi.yaml").await;
        let written = std::fs::read("schemas/openapi/pieces-v1.yaml").unwrap();
        assert!(yaml.body == written);
        let json = nobody.get("/v1/openapi.json").await;
        let parsed: serde_json::Value = serde_norway::from_slice(&written).unwrap();
        assert_eq!(json.json(), parsed);
    }

    /// An answer to `HEAD` is that to `GET` without its body.
    async fn head_is_answered_like_get_without_a_body(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let (get, head) = (client.get("/v1/pieces").await, call(&client, "HEAD", "/v1/pieces").await);
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }

    /// Every answer names its request, and a problem names it as its instance.
    async fn a_problem_names_its_request(kit) {
        let gateway = kit.start();
        let answer = Client::new(&gateway, None).get("/v1/pieces").await;
        let id = answer.header("x-request-id").to_owned();
        assert_eq!(answer.json()["instance"], format!("urn:uuid:{id}"));
    }
}
