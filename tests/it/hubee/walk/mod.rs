//! A walk over the four contracts: each operation is served and no other, and each refuses who has no token, who has another
//! scope, and who is another organisation (R3, R8).
//!
//! An operation that is added to a contract is walked as it is; only what its foreign callers send stands in `world`.

mod world;

use std::collections::BTreeSet;

use navette::http::hubee;
use reqwest::Method;
use serde_json::json;

use self::world::World;
use crate::{
    both_engines,
    kit::{
        client::Answer,
        contract::{Contract, Operation},
        hubee::caller::{Caller, finish},
    },
};

/// An id that nothing has.
const NOBODY: &str = "01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10";

/// Every operation of the four contracts.
fn operations() -> Vec<Operation> {
    let contracts = Contract::hubee().into_iter();
    contracts.flat_map(Contract::operations).collect()
}

/// The path of an operation with ids of nothing.
fn nowhere(operation: &Operation) -> String {
    let parts = operation.path_template.split('/').map(|part| match part {
        "{id}" => "SI-99820009900019-AUCUN",
        "{code}" => "AUCUNE",
        part if part.starts_with('{') => NOBODY,
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether it is the `POST` that means a `PATCH` (R5).
fn is_override(operation: &Operation) -> bool {
    operation.method == "POST" && operation.path_template.ends_with('}')
}

/// Makes the call, with a body that is an empty object where it needs one.
async fn call(caller: &Caller, operation: &Operation, path: &str) -> Answer {
    send(caller, operation, path, &world::Body::Json(json!({}))).await
}

async fn send(caller: &Caller, operation: &Operation, path: &str, body: &world::Body) -> Answer {
    let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
    let request = match (body, operation.method.as_str()) {
        (_, "GET" | "DELETE") => caller.request(method, path),
        (world::Body::Json(value), _) => caller.sending(method, path, value),
        (world::Body::Bytes(bytes), _) => caller.uploading(path, bytes.clone(), None),
    };
    finish(match is_override(operation) {
        true => request.header("x-http-method-override", "PATCH"),
        false => request,
    })
    .await
}

#[test]
fn the_hub_registers_the_operations_of_the_four_contracts_and_no_other() {
    let registered = hubee::operations().into_iter();
    let registered: BTreeSet<_> = registered
        .map(|operation| (operation.method.to_owned(), operation.path.to_owned()))
        .collect();
    let declared: BTreeSet<_> = operations()
        .into_iter()
        .map(|operation| (operation.method, operation.path_template))
        .collect();
    assert_eq!(registered, declared);
}

both_engines! {
    /// R3: no operation is open to who has no token, or one that is none.
    async fn no_operation_is_open_without_a_token(kit) {
        let gateway = kit.with_hub().start();
        let nobody = Caller::new(&gateway);
        for operation in operations() {
            for caller in [nobody.clone(), nobody.bearing("x"), nobody.bearing("")] {
                let answer = call(&caller, &operation, &nowhere(&operation)).await;
                answer.is_no_token();
                answer.keeps_the_hubs_contract(&operation.method, &nowhere(&operation));
            }
        }
    }

    /// R2, R3: the scopes that a contract gives to an operation may call it, and no other. Who may, is told that nothing is
    /// there (R8); who may not, is told nothing.
    async fn an_operation_is_open_to_the_scopes_of_its_contract_and_to_no_other(kit) {
        let world = World::new(kit).await;
        for operation in operations() {
            assert!(!operation.scopes.is_empty(), "{operation:?}");
            let path = nowhere(&operation);
            for (scope, caller) in world.scopes() {
                let answer = call(caller, &operation, &path).await;
                answer.keeps_the_hubs_contract(&operation.method, &path);
                match world::grants(&operation, scope) {
                    true => assert!(
                        matches!(answer.status, 200 | 204 | 400 | 404),
                        "{scope} {operation:?}: {answer:?}"
                    ),
                    false => {
                        assert_eq!(answer.status, 403, "{scope} {operation:?}: {answer:?}");
                        answer.is_refused(403, "Unauthorized user");
                    }
                }
            }
        }
    }

    /// R3, R8, R40, R53: what exists and belongs to others is refused to another organisation, to another branch, and to the
    /// same organisation's client of another process; lists do not show it.
    async fn an_operation_is_closed_to_foreign_organisations(kit) {
        let world = World::new(kit).await;
        let mut walked = 0;
        for operation in operations() {
            let Some((path, body)) = world.request(&operation) else {
                continue;
            };
            for (scope, foreigner) in world.foreigners(&operation) {
                let answer = send(foreigner, &operation, &path, &body).await;
                answer.keeps_the_hubs_contract(&operation.method, &path);
                match world.is_list(&operation) {
                    true => world.shows_nothing(&answer),
                    false => {
                        assert_eq!(answer.status, 403, "{scope} {operation:?}: {answer:?}");
                        answer.is_refused(403, "Unauthorized user");
                    }
                }
                walked += 1;
            }
        }
        assert!(walked > 40, "only {walked} calls by foreigners");
        world.is_untouched().await;
    }
}
