//! Who gets a token of the hub, and what it is good for (R2, R3).

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    both_engines,
    kit::{
        client::Answer,
        gateway::{Credentials, Engine, Gateway, Kit, REASON},
        hubee::{
            FOLDERS,
            caller::Caller,
            referential::{ADMIN, DATAPASS, OSL, PROCESS, SI},
        },
        wait,
    },
};

/// The form of every grant.
const GRANT: &str = "grant_type=client_credentials";

/// An address that every scope but DATAPASS may read.
fn list() -> String {
    format!("{FOLDERS}/notifications")
}

fn basic(credentials: &Credentials) -> Option<(&str, &str)> {
    Some((&credentials.id, &credentials.secret))
}

#[track_caller]
fn is_grant_error(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.json()["error"], json!(code), "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
}

both_engines! {
    /// R2: wrong credentials are 401, however they are wrong, and say nothing of what is right.
    async fn wrong_credentials_get_no_token(kit) {
        let gateway = kit.with_hub().start();
        let good = gateway.hub_register(SI, "SI", &[PROCESS]);
        let caller = Caller::with_token(&gateway, &good, "SI").await;
        let long = "x".repeat(300);
        for (id, secret) in [
            (good.id.as_str(), "faux"), ("inconnu", good.secret.as_str()), (good.id.as_str(), ""), ("", ""),
            ("%00", "x"), (long.as_str(), "x"), (good.id.as_str(), &good.secret[1..]),
        ] {
            let answer = caller.ask_token_with("/token", Some((id, secret)), GRANT).await;
            is_grant_error(&answer, 401, "invalid_client");
            let form = format!("{GRANT}&client_id={id}&client_secret={secret}");
            is_grant_error(&caller.ask_token_with("/oauth2/token", None, &form).await, 401, "invalid_client");
        }
        is_grant_error(&caller.ask_token_with("/token", None, GRANT).await, 401, "invalid_client");
    }

    /// R2: a client gets the scope that it was granted and no other; without a word it gets its own.
    async fn a_client_gets_its_own_scope_and_no_other(kit) {
        let gateway = kit.with_hub().start();
        for (organization, scope, processes) in [
            (OSL, "OSL", &[][..]), (SI, "SI", &[PROCESS][..]), (ADMIN, "ADMIN", &[][..]), (DATAPASS, "DATAPASS", &[][..]),
        ] {
            let credentials = gateway.hub_register(organization, scope, processes);
            let caller = Caller::with_token(&gateway, &credentials, scope).await;
            for asked in ["OSL", "SI", "ADMIN", "DATAPASS", "SUBCRT", "osl", "openid", "SI OSL"] {
                let form = format!("{GRANT}&scope={}", asked.replace(' ', "+"));
                let answer = caller.ask_token_with("/token", basic(&credentials), &form).await;
                let mine = asked == scope || (asked, scope) == ("SUBCRT", "DATAPASS");
                match mine {
                    true => assert_eq!(answer.of(200).json()["scope"], json!(asked)),
                    false => is_grant_error(&answer, 400, "invalid_scope"),
                }
            }
            let silent = caller.ask_token_with("/token", basic(&credentials), GRANT).await;
            assert_eq!(silent.of(200).json()["scope"], json!(scope));
        }
    }

    /// R3: processes limit an SI alone; of another scope the command refuses them, and adds no client.
    async fn processes_are_refused_of_who_is_no_si(kit) {
        let gateway = kit.with_hub().start();
        for (organization, scope) in [(OSL, "OSL"), (ADMIN, "ADMIN"), (DATAPASS, "SUBCRT")] {
            let add = ["hubee", "client", "add", "--organization", organization, "--scope", scope, "--process", PROCESS];
            let told = gateway.run(&[&add[..], &["--reason", REASON]].concat()).failed_with(2);
            assert!(told.contains("--process is for an SI"), "{told}");
        }
        assert_eq!(gateway.count("SELECT count(*) FROM hub_client"), 0);
    }

    /// R3: no token, a malformed one and a token of the piece API are answered with the fault that clients look for.
    async fn what_is_no_token_of_the_hub_is_answered_with_fault_900901(kit) {
        let gateway = kit.with_hub().start();
        let credentials = gateway.hub_register(SI, "SI", &[PROCESS]);
        let caller = Caller::with_token(&gateway, &credentials, "SI").await;
        let pieces = gateway.client().await.token.expect("a token of the piece API");
        let mine = caller.token.clone().expect("a token");
        caller.get(&list()).await.of(200);
        caller.without_token().get(&list()).await.is_no_token();
        for token in ["x", "a.b.c", "", &pieces, &mine[..mine.len() - 4], &"x".repeat(20_000)] {
            let answer = caller.bearing(token).get(&list()).await;
            answer.is_no_token();
            assert!(!answer.header("www-authenticate").is_empty(), "{answer:?}");
        }
    }

    /// R3: a revoked client is nobody within a second, token or not, at every process.
    async fn a_revoked_client_is_nobody_within_a_second(kit) {
        let gateway = kit.with_hub().start();
        let credentials = gateway.hub_register(SI, "SI", &[PROCESS]);
        let caller = Caller::with_token(&gateway, &credentials, "SI").await;
        caller.get(&list()).await.of(200);
        let revoked = gateway.run(&["hubee", "client", "revoke", &credentials.id]);
        revoked.succeeded();
        let at = Instant::now();
        wait::eventually("revocation", Duration::from_secs(10), async || {
            (caller.get(&list()).await.status == 401).then_some(())
        })
        .await;
        println!("felt after {:?}", at.elapsed());
        caller.get(&list()).await.is_no_token();
        is_grant_error(&caller.ask_token(&credentials, "SI").await, 401, "invalid_client");
    }

    /// R2: some clients ask for a token at every call: a thousand are given where nothing at all can be written, and are good. What
    /// they cost is a figure.
    async fn a_thousand_tokens_are_given_where_nothing_can_be_written(kit) {
        let gateway = kit.with_hub().without_worker().start();
        let credentials = gateway.hub_register(SI, "SI", &[PROCESS]);
        let caller = Caller::with_token(&gateway, &credentials, "SI").await;
        refuse_writes(&gateway);
        let adding = ["hubee", "client", "add", "--organization", OSL, "--scope", "OSL", "--reason", REASON];
        assert!(!gateway.run(&adding).status.success(), "something can be written");
        let mut asking = JoinSet::new();
        for _ in 0..8 {
            let (caller, credentials) = (caller.clone(), credentials.clone());
            asking.spawn(async move {
                for _ in 0..125 {
                    let answer = caller.ask_token(&credentials, "SI").await.of(200).json();
                    let token = answer["access_token"].as_str().expect("a token is a text").to_owned();
                    caller.bearing(&token).get(&list()).await.of(200);
                }
            });
        }
        asking.join_all().await;
    }

    /// R2: nobody keeps a token, however many are given: it is good at a process that never gave it.
    async fn a_token_is_good_at_a_process_that_never_gave_it(kit) {
        let mut gateway = kit.with_hub().start();
        let credentials = gateway.hub_register(SI, "SI", &[PROCESS]);
        let caller = Caller::with_token(&gateway, &credentials, "SI").await;
        assert!(gateway.stop().success());
        gateway.restart();
        caller.get(&list()).await.of(200);
        caller.bearing(&caller.token.clone().unwrap_or_default()[1..]).get(&list()).await.is_no_token();
    }
}

/// R2: the life of a token is settable, and R3: at its end it is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_ends_when_it_says() {
    let kit = Kit::new(Engine::Sqlite).set("hubee.token_lifetime_seconds", 2);
    let gateway = kit.with_hub().start();
    let credentials = gateway.hub_register(SI, "SI", &[PROCESS]);
    let caller = Caller::with_token(&gateway, &credentials, "SI").await;
    let answer = caller.ask_token(&credentials, "SI").await.of(200);
    assert_eq!(answer.json()["expires_in"], json!(2));
    let ended = wait::eventually("end of the token", Duration::from_secs(10), async || {
        let answer = caller.get(&list()).await;
        (answer.status != 200).then_some(answer)
    });
    ended.await.is_no_token();
}

/// R2: a grant of another kind, a repeated field, a form that is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_no_grant_is_told_so() {
    let gateway = Kit::new(Engine::Sqlite).with_hub().start();
    let credentials = gateway.hub_register(SI, "SI", &[PROCESS]);
    let caller = Caller::with_token(&gateway, &credentials, "SI").await;
    for (form, code) in [
        ("", "invalid_request"),
        ("grant_type=password", "unsupported_grant_type"),
        (
            "grant_type=client_credentials&grant_type=client_credentials",
            "invalid_request",
        ),
        ("{\"grant_type\":\"client_credentials\"}", "invalid_request"),
    ] {
        let answer = caller
            .ask_token_with("/token", basic(&credentials), form)
            .await;
        is_grant_error(&answer, 400, code);
    }
    let long = format!("{GRANT}&scope={}", "x".repeat(20_000));
    let answer = caller
        .ask_token_with("/token", basic(&credentials), &long)
        .await;
    assert_eq!(answer.status, 400, "{answer:?}");
}

/// From here on every table refuses what is written to it.
fn refuse_writes(gateway: &Gateway) {
    let statements = match gateway.database() {
        Some(_) => "CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'refused'; END $f$; \
            DO $d$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP \
            EXECUTE format('CREATE TRIGGER refused BEFORE INSERT OR UPDATE OR DELETE ON %I FOR EACH STATEMENT \
            EXECUTE FUNCTION refused()', t); END LOOP; END $d$"
            .to_owned(),
        None => {
            let tables = gateway.sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'");
            let triggers = tables.lines().flat_map(|table| {
                ["INSERT", "UPDATE", "DELETE"].map(|write| {
                    format!("CREATE TRIGGER refused_{write}_{table} BEFORE {write} ON {table} BEGIN SELECT RAISE(ABORT, 'refused'); END; ")
                })
            });
            triggers.collect::<String>() + "SELECT 1"
        }
    };
    gateway.sql(&statements);
}
