//! Tokens that are not good here: each is one step away from one that is.

use jsonwebtoken::EncodingKey;
use serde_json::json;

use crate::{
    both_engines,
    kit::{
        client::{Answer, Client},
        gateway::Gateway,
        pki::pki,
        token::{Token, now},
    },
};

const LIST: &str = "/v1/pieces";

/// A client with its token, and the token's parts to forge from.
async fn armed(gateway: &Gateway) -> (Client, Token) {
    let client = gateway.client().await;
    let token = Token::read(client.token.as_deref().unwrap());
    (client, token)
}

async fn list_with(client: &Client, token: &str) -> Answer {
    client.bearing(token).get(LIST).await
}

both_engines! {
    /// The control of all that follows: what the forge changes is what is refused.
    async fn a_token_forged_without_a_change_is_good(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        assert_eq!(list_with(&client, &token.signed()).await.status, 200);
    }

    async fn a_token_bound_to_another_certificate_is_refused(kit) {
        let gateway = kit.start();
        let (client, _) = armed(&gateway).await;
        let thief = Client::new(&gateway, Some(&pki().other_client));
        list_with(&thief, client.token.as_deref().unwrap()).await.is_problem(401, "token-certificate-mismatch");
    }

    async fn a_token_without_a_binding_is_refused(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        list_with(&client, &token.clone().with("cnf", json!({})).signed()).await.is_problem(401, "token-invalid");
        list_with(&client, &token.with("cnf", json!(null)).signed()).await.is_problem(401, "token-invalid");
    }

    async fn a_token_for_another_audience_is_refused(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        let forged = token.with("aud", "https://elsewhere.example").signed();
        list_with(&client, &forged).await.is_problem(401, "token-invalid");
    }

    async fn a_token_of_another_issuer_is_refused(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        let forged = token.with("iss", "https://elsewhere.example").signed();
        list_with(&client, &forged).await.is_problem(401, "token-invalid");
    }

    async fn a_token_that_says_it_needs_no_signature_is_refused(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        list_with(&client, &token.unsigned()).await.is_problem(401, "token-invalid");
    }

    async fn a_token_signed_by_another_key_is_refused(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        let key = std::fs::read(&pki().client.key).unwrap();
        let forged = token.signed_with(&EncodingKey::from_ec_pem(&key).unwrap());
        list_with(&client, &forged).await.is_problem(401, "token-invalid");
    }

    async fn a_token_with_a_changed_claim_is_refused(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        let (good, other) = (token.signed(), token.with("scope", "admin").signed());
        let (good, other): (Vec<_>, Vec<_>) = (good.split('.').collect(), other.split('.').collect());
        let forged = [good[0], other[1], good[2]].join(".");
        list_with(&client, &forged).await.is_problem(401, "token-invalid");
    }

    async fn an_expired_token_is_refused_as_expired(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        let forged = token.with("exp", now() - 1).signed();
        list_with(&client, &forged).await.is_problem(401, "token-expired");
    }

    async fn a_token_of_tomorrow_is_refused(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        let forged = token.with("nbf", now() + 3600).signed();
        list_with(&client, &forged).await.is_problem(401, "token-invalid");
    }

    async fn a_token_of_a_client_that_does_not_exist_is_refused(kit) {
        let gateway = kit.start();
        let (client, token) = armed(&gateway).await;
        let forged = token.with("client_id", "nobody").with("sub", "nobody").signed();
        list_with(&client, &forged).await.is_problem(401, "client-revoked");
    }

    /// It does not fit into the head of a request, and the sender is told so.
    async fn a_token_of_a_megabyte_is_refused(kit) {
        let gateway = kit.start();
        let (client, _) = armed(&gateway).await;
        assert_eq!(list_with(&client, &"a".repeat(1_000_000)).await.status, 431);
        assert_eq!(client.get(LIST).await.status, 200);
    }

    async fn a_token_that_fits_and_is_none_is_refused(kit) {
        let gateway = kit.start();
        let (client, _) = armed(&gateway).await;
        for text in ["x", "a.b.c", "..", &"a".repeat(30_000)] {
            list_with(&client, text).await.is_problem(401, "token-invalid");
        }
    }

    async fn a_header_that_carries_no_bearer_token_is_refused(kit) {
        let gateway = kit.start();
        let client = Client::new(&gateway, Some(&pki().client));
        for value in ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer\u{e9} x"] {
            let request = client.request(reqwest::Method::GET, LIST);
            let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            let answer = crate::kit::client::finish(request.header("authorization", value)).await;
            answer.is_problem(401, "token-invalid");
        }
    }
}
