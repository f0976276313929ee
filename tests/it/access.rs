//! Who may call what, walked from the contract: no operation is forgotten, whenever it was added (API-9).

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::{
    both_engines,
    contract::{NOBODY, path_of},
    kit::{
        client::{Answer, Client, file_part, finish, json_part, metadata},
        contract::{Contract, Operation},
        document,
        gateway::{APPLICATION, CALLBACK, Credentials, Gateway, PROJECT},
        partner::Answer as Answering,
        pki::pki,
        wait,
    },
};

const BOTH: [&str; 2] = ["pieces:write", "pieces:read"];

/// The operations that ask for both proofs.
fn guarded() -> Vec<Operation> {
    let operations = Contract::load().operations().into_iter();
    let guarded: Vec<_> = operations
        .filter(|operation| !operation.scopes.is_empty())
        .collect();
    assert!(guarded.len() >= 8, "{guarded:?}");
    guarded
}

/// A call of an operation that would succeed, but for its caller.
async fn call(client: &Client, operation: &Operation, id: &str) -> Answer {
    let method = operation.method.parse().unwrap();
    let request = client.request(method, &path_of(operation, id));
    if operation.method == "GET" {
        return finish(request).await;
    }
    let form = reqwest::multipart::Form::new()
        .part("metadata", json_part(metadata("D-1").to_string()))
        .part("content", file_part(document::small("D-1")));
    finish(request.multipart(form)).await
}

async fn client(gateway: &Gateway, name: &str, scopes: &[&str]) -> Client {
    let credentials = gateway.register(name, scopes);
    Client::with_token(gateway, &pki().client, &credentials).await
}

/// The id of a piece that `client` has sent.
async fn a_piece(client: &Client) -> String {
    let answer = client.push(&metadata("D-1"), document::small("D-1")).await;
    answer.reconciliation_id()
}

both_engines! {
    /// A token alone opens nothing.
    async fn every_operation_refuses_a_caller_without_certificate(kit) {
        let gateway = kit.start();
        let good = client(&gateway, "good", &BOTH).await;
        let nobody = Client::new(&gateway, None).bearing(good.token.as_deref().unwrap());
        for operation in guarded() {
            call(&nobody, &operation, NOBODY).await.is_problem(401, "certificate-required");
        }
        let refused = nobody.ask_token_with(Some(("good", "x")), "grant_type=client_credentials").await;
        assert_eq!((refused.status, refused.json()["error"].clone()), (401, json!("invalid_client")));
    }

    /// A certificate alone opens nothing.
    async fn every_operation_refuses_a_caller_without_token(kit) {
        let gateway = kit.start();
        let nobody = Client::new(&gateway, Some(&pki().client));
        for operation in guarded() {
            call(&nobody, &operation, NOBODY).await.is_problem(401, "token-missing");
        }
    }

    /// Without both, both are told.
    async fn a_caller_without_any_proof_is_told_of_both(kit) {
        let gateway = kit.start();
        let answer = Client::new(&gateway, None).get("/v1/pieces").await;
        let codes: Vec<_> = answer.faults().into_iter().map(|(_, code)| code).collect();
        assert_eq!(codes, ["certificate-required", "token-missing"]);
    }

    /// The scope of one half of the operations does not open the other half, and `admin` opens none of them.
    async fn every_operation_refuses_a_token_of_another_scope(kit) {
        let gateway = kit.start();
        for operation in guarded() {
            let others = ["pieces:write", "pieces:read", "admin"];
            for scope in others.iter().filter(|scope| **scope != operation.scopes[0]) {
                let name = format!("{}-{}", operation.operation_id.to_lowercase(), scope.replace(':', "-"));
                let client = client(&gateway, &name, &[scope]).await;
                call(&client, &operation, NOBODY).await.is_problem(403, "scope-insufficient");
            }
        }
    }

    /// A token may be asked for less than its client may do.
    async fn a_token_asked_for_one_scope_does_not_open_the_other(kit) {
        let gateway = kit.start();
        let credentials = gateway.register("narrow", &BOTH);
        let client = Client::new(&gateway, Some(&pki().client));
        let basic = Some((&*credentials.id, &*credentials.secret));
        let answer = client.ask_token_with(basic, "grant_type=client_credentials&scope=pieces:read").await;
        assert_eq!(answer.json()["scope"], "pieces:read");
        let client = client.bearing(answer.json()["access_token"].as_str().unwrap());
        assert_eq!(client.get("/v1/pieces").await.status, 200);
        client.push(&metadata("D-1"), document::small("x")).await.is_problem(403, "scope-insufficient");
    }

    /// Whatever it was that a known caller asked for, and whatever refused it: the journal has it, with who and why. What is not
    /// there yet is refused to nobody.
    async fn every_refusal_of_a_known_caller_is_journalled(kit) {
        kit.partner.script(CALLBACK, [Answering::Held]);
        let gateway = kit.start();
        let credentials = gateway.register("owner", &BOTH);
        let owner = Client::with_token(&gateway, &pki().client, &credentials).await;
        let other = client(&gateway, "other", &BOTH).await;
        let id = a_piece(&owner).await;
        gateway.partner().wait_for(1, Duration::from_secs(60)).await;
        let redelivery = format!("/v1/pieces/{id}/return/redeliveries");
        finish(owner.request(Method::POST, &redelivery)).await.is_problem(409, "return-pending");
        other.get(&format!("/v1/pieces/{id}")).await.is_problem(404, "not-found");
        other.get(&format!("/v1/pieces/{NOBODY}/return")).await.is_problem(404, "not-found");
        other.get("/v1/pieces?limit=0").await.is_problem(400, "request-malformed");
        other.get("/v1/pieces?project=marche-voisin").await.is_problem(403, "perimeter-forbidden");
        gateway.revoke(&credentials.id);
        wait::eventually("revocation", Duration::from_secs(20), async || {
            (owner.get("/v1/pieces").await.status == 401).then_some(())
        })
        .await;
        let told = gateway.sql("SELECT detail FROM journal WHERE kind = 'piece.refused' ORDER BY id");
        let told: Vec<_> = told
            .lines()
            .map(|detail| serde_json::from_str::<serde_json::Value>(detail).unwrap())
            .map(|detail| (detail["clientId"] == json!(credentials.id), detail["code"].as_str().unwrap().to_owned()))
            .collect();
        let expected = [
            (true, "return-pending"),
            (false, "not-found"),
            (false, "not-found"),
            (false, "request-malformed"),
            (false, "perimeter-forbidden"),
            (true, "client-revoked"),
        ];
        assert_eq!(told, expected.map(|(own, code)| (own, code.to_owned())));
    }

    /// So are the tokens that are refused to who shows a client's own secret; who does not is nobody.
    async fn a_token_refused_to_who_has_the_secret_is_journalled(kit) {
        let gateway = kit.start();
        let pin = data_encoding::HEXLOWER.encode(&pki().other_client.fingerprint);
        let pinned = gateway.register_within("pinned", &BOTH, PROJECT, APPLICATION, &["--certificate-sha256", &pin]);
        let [narrow, gone] = ["narrow", "gone"].map(|name| gateway.register(name, &["pieces:read"]));
        gateway.revoke(&gone.id);
        let caller = Client::new(&gateway, Some(&pki().client));
        let basic = Some((&*narrow.id, &*narrow.secret));
        let beyond = caller.ask_token_with(basic, "grant_type=client_credentials&scope=pieces:write").await;
        assert_eq!(beyond.status, 400);
        for refused in [&pinned, &gone, &Credentials { secret: "wrong".to_owned(), ..narrow.clone() }] {
            assert_eq!(caller.ask_token(refused).await.status, 401);
        }
        let told = gateway.sql("SELECT detail FROM journal WHERE kind = 'piece.refused' ORDER BY id");
        let told: Vec<_> = told
            .lines()
            .map(|detail| serde_json::from_str::<serde_json::Value>(detail).unwrap())
            .map(|detail| format!("{} {}", detail["clientId"], detail["code"]))
            .collect();
        assert_eq!(told, [
            r#""narrow" "invalid_scope""#,
            r#""pinned" "invalid_client""#,
            r#""gone" "invalid_client""#,
        ]);
    }

    /// Each reading operation, on a piece that is there and not the caller's.
    async fn another_clients_piece_is_not_there(kit) {
        let gateway = kit.start();
        let (owner, other) = (client(&gateway, "owner", &BOTH).await, client(&gateway, "other", &BOTH).await);
        let id = a_piece(&owner).await;
        let mut walked = 0;
        for operation in guarded().iter().filter(|operation| operation.path_template.contains("{reconciliationId}")) {
            call(&other, operation, &id).await.is_problem(404, "not-found");
            walked += 1;
        }
        assert!(walked >= 6, "{walked}");
        assert_eq!(other.get("/v1/pieces").await.json()["items"], json!([]));
        assert_eq!(owner.get(&format!("/v1/pieces/{id}")).await.status, 200);
    }
}
