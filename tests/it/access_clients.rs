//! Clients: how they get a token, what ends it, and the bounds of what they may name.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    both_engines,
    kit::{
        client::{Answer, Client, metadata},
        document,
        gateway::{APPLICATION, Credentials, Gateway, Kit, PROJECT},
        pki::pki,
        wait,
    },
};

const BOTH: [&str; 2] = ["pieces:write", "pieces:read"];
const GRANT: &str = "grant_type=client_credentials";
/// What a change made by a command may take to reach a running process.
const A_SECOND: Duration = Duration::from_secs(1);
/// A project beside the kit's own.
const OTHER_PROJECT: &str = "marche-voisin";

/// A gateway with a client, and a caller that has its certificate and no token yet.
fn with_client(kit: Kit) -> (Gateway, Credentials, Client) {
    let gateway = kit.start();
    let credentials = gateway.register("asp", &BOTH);
    let caller = Client::new(&gateway, Some(&pki().client));
    (gateway, credentials, caller)
}

fn error(answer: &Answer) -> (u16, String) {
    let error = answer.json()["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status, error)
}

fn post_form(id: &str, secret: &str) -> String {
    format!("{GRANT}&client_id={id}&client_secret={secret}")
}

/// How long it takes from now until a client that was let in is refused.
async fn until_revoked(client: &Client) -> Duration {
    let since = Instant::now();
    let refused = wait::eventually("refusal", A_SECOND * 20, async || {
        let answer = client.get("/v1/pieces").await;
        (answer.status != 200).then_some(answer)
    });
    let refused = refused.await;
    let took = since.elapsed();
    refused.is_problem(401, "client-revoked");
    took
}

both_engines! {
    async fn a_secret_is_taken_from_the_header_or_from_the_form(kit) {
        let (_gateway, asp, caller) = with_client(kit);
        let by_header = caller.ask_token_with(Some((&asp.id, &asp.secret)), GRANT).await;
        let by_form = caller.ask_token_with(None, &post_form(&asp.id, &asp.secret)).await;
        for answer in [by_header, by_form] {
            assert_eq!(answer.status, 200);
            let token = answer.json()["access_token"].as_str().unwrap().to_owned();
            assert_eq!(caller.bearing(&token).get("/v1/pieces").await.status, 200);
        }
    }

    async fn a_secret_in_both_places_is_a_bad_request(kit) {
        let (_gateway, asp, caller) = with_client(kit);
        let both = caller.ask_token_with(Some((&asp.id, &asp.secret)), &post_form(&asp.id, &asp.secret)).await;
        assert_eq!(error(&both), (400, "invalid_request".to_owned()));
    }

    async fn an_unknown_client_and_a_wrong_secret_get_the_same_answer(kit) {
        let (_gateway, asp, caller) = with_client(kit);
        let unknown = caller.ask_token_with(Some(("nobody", &asp.secret)), GRANT).await;
        let wrong = caller.ask_token_with(Some((&asp.id, "wrong")), GRANT).await;
        let none = caller.ask_token_with(None, GRANT).await;
        for answer in [&unknown, &wrong, &none] {
            assert_eq!(error(answer), (401, "invalid_client".to_owned()));
        }
        assert_eq!(unknown.body, wrong.body);
    }

    /// A text that the database does not take names nobody.
    async fn a_client_id_with_a_nul_is_an_unknown_client(kit) {
        let (_gateway, _, caller) = with_client(kit);
        let by_header = caller.ask_token_with(Some(("a\0b", "x")), GRANT).await;
        let by_form = caller.ask_token_with(None, &post_form("a%00b", "x")).await;
        for answer in [by_header, by_form] {
            assert_eq!(error(&answer), (401, "invalid_client".to_owned()));
        }
    }

    async fn a_form_that_is_none_or_asks_for_something_else_is_refused(kit) {
        let (_gateway, asp, caller) = with_client(kit);
        let long = format!("{GRANT}&x={}", "a".repeat(20_000));
        for (form, code) in [
            ("grant_type=password", "unsupported_grant_type"),
            ("", "invalid_request"),
            ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
            ("grant_type=client_credentials&audience=a&audience=b", "invalid_request"),
            ("grant_type=client_credentials&scope=pieces:delete", "invalid_scope"),
            ("grant_type=client_credentials&scope=admin", "invalid_scope"),
            (&long, "invalid_request"),
        ] {
            let answer = caller.ask_token_with(Some((&asp.id, &asp.secret)), form).await;
            assert_eq!(error(&answer), (400, code.to_owned()), "{form:.60}");
        }
    }

    async fn a_client_pinned_to_its_certificate_gets_no_token_with_another(kit) {
        let gateway = kit.start();
        let pin = data_encoding::HEXLOWER.encode(&pki().other_client.fingerprint);
        let more = ["--certificate-sha256", &pin];
        let pinned = gateway.register_within("pinned", &BOTH, PROJECT, APPLICATION, &more);
        let with = async |identity| Client::new(&gateway, Some(identity)).ask_token(&pinned).await.status;
        assert_eq!(with(&pki().client).await, 401);
        assert_eq!(with(&pki().other_client).await, 200);
    }

    /// Measured from the end of the command, by asking again and again.
    async fn a_revoked_client_is_refused_within_a_second_whatever_its_token_says(kit) {
        let gateway = kit.start();
        wait::within_time(A_SECOND, async || {
            let asp = gateway.register("asp", &BOTH);
            let client = Client::with_token(&gateway, &pki().client, &asp).await;
            assert_eq!(client.get("/v1/pieces").await.status, 200);
            gateway.revoke(&asp.id);
            let took = until_revoked(&client).await;
            client.push(&metadata("D-1"), document::small("x")).await.is_problem(401, "client-revoked");
            let caller = Client::new(&gateway, Some(&pki().client));
            assert_eq!(error(&caller.ask_token(&asp).await), (401, "invalid_client".to_owned()));
            took
        })
        .await;
    }

    /// What one process revokes, the other one refuses too, before and after it had let the client in.
    async fn a_revoked_client_is_refused_by_every_process_within_a_second(kit) {
        let gateway = kit.start();
        let twin = gateway.start_twin();
        wait::within_time(A_SECOND, async || {
            let asp = gateway.register("asp", &BOTH);
            let client = Client::with_token(&gateway, &pki().client, &asp).await;
            let elsewhere = twin.client(&client);
            assert_eq!(elsewhere.get("/v1/pieces").await.status, 200);
            gateway.revoke(&asp.id);
            until_revoked(&elsewhere).await
        })
        .await;
    }

    async fn a_rotated_secret_replaces_the_old_one_and_leaves_tokens_alive(kit) {
        let (gateway, asp, caller) = with_client(kit);
        let client = Client::with_token(&gateway, &pki().client, &asp).await;
        let rotated = gateway.rotate(&asp.id);
        assert_eq!(error(&caller.ask_token(&asp).await), (401, "invalid_client".to_owned()));
        assert_eq!(caller.ask_token(&rotated).await.status, 200);
        assert_eq!(client.get("/v1/pieces").await.status, 200);
    }

    async fn an_application_outside_of_the_clients_bounds_is_refused(kit) {
        let (gateway, asp, _) = with_client(kit);
        let client = Client::with_token(&gateway, &pki().client, &asp).await;
        let mut metadata = metadata("D-1");
        metadata["sourceApplication"] = json!("another");
        let answer = client.push(&metadata, document::small("x")).await;
        answer.is_problem(403, "perimeter-forbidden");
        assert_eq!(answer.faults(), [("/metadata/sourceApplication".to_owned(), "perimeter-forbidden".to_owned())]);
        client.get("/v1/pieces?sourceApplication=another").await.is_problem(403, "perimeter-forbidden");
    }

    async fn a_project_outside_of_the_clients_bounds_is_refused(kit) {
        let gateway = kit.and_project(OTHER_PROJECT, "/autres").start();
        let asp = gateway.register_within("asp", &BOTH, PROJECT, APPLICATION, &[]);
        let client = Client::with_token(&gateway, &pki().client, &asp).await;
        let mut metadata = metadata("D-1");
        metadata["project"] = json!(OTHER_PROJECT);
        let answer = client.push(&metadata, document::small("x")).await;
        answer.is_problem(403, "perimeter-forbidden");
        assert_eq!(answer.faults(), [("/metadata/project".to_owned(), "perimeter-forbidden".to_owned())]);
        let path = format!("/v1/pieces?project={OTHER_PROJECT}");
        client.get(&path).await.is_problem(403, "perimeter-forbidden");
    }

    async fn a_secret_is_kept_as_a_hash_and_a_token_not_at_all(kit) {
        let (gateway, asp, _) = with_client(kit);
        let client = Client::with_token(&gateway, &pki().client, &asp).await;
        assert_eq!(client.get("/v1/pieces").await.status, 200);
        let token = client.token.unwrap();
        let log = gateway.log();
        let journal = gateway.sql("SELECT detail FROM journal");
        for secret in [&asp.secret, &token] {
            assert!(!log.contains(secret.as_str()) && !journal.contains(secret.as_str()));
        }
        let kept = gateway.sql("SELECT secret_sha256 FROM client");
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, asp.secret.as_bytes());
        assert!(kept.contains(&data_encoding::HEXLOWER.encode(hash.as_ref())), "{kept}");
    }
}
