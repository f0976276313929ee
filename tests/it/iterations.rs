//! The deposits of a dossier: initial, complementary, out of order; how they are told, listed and shown.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::{
        client::{Answer, Client, metadata},
        document,
        gateway::{APPLICATION, Gateway, PROJECT},
        pki::pki,
    },
};

/// A piece of that dossier and iteration.
fn piece(dossier: &str, iteration: u32) -> Value {
    let mut metadata = metadata(dossier);
    metadata["iteration"] = iteration.into();
    metadata
}

async fn deposit(client: &Client, dossier: &str, iteration: u32) -> Answer {
    let content = document::small(&format!("{dossier}-{iteration}"));
    let answer = client.push(&piece(dossier, iteration), content).await;
    answer.reconciliation_id();
    answer
}

/// Outcome and flag of an answer or of a piece.
fn reception(told: &Value) -> (&str, bool) {
    (
        told["outcome"].as_str().unwrap(),
        told["earlierIterationMissing"].as_bool().unwrap(),
    )
}

async fn listed(client: &Client, query: &str) -> BTreeSet<String> {
    let page = client.get(&format!("/v1/pieces?{query}")).await.json();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["reconciliationId"].as_str().unwrap().to_owned())
        .collect()
}

async fn iterations(client: &Client, path: &str) -> Vec<(u64, bool, u64)> {
    let page = client.get(&format!("/v1/dossiers/{path}")).await.json();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            (
                item["iteration"].as_u64().unwrap(),
                item["earlierIterationMissing"].as_bool().unwrap(),
                item["pieces"].as_u64().unwrap(),
            )
        })
        .collect()
}

async fn named(gateway: &Gateway, name: &str) -> Client {
    let credentials = gateway.register(name, &["pieces:write", "pieces:read"]);
    Client::with_token(gateway, &pki().client, &credentials).await
}

both_engines! {
    async fn a_complementary_deposit_is_told_as_a_new_iteration(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        for (iteration, outcome) in [(1, "accepted"), (2, "newIteration"), (3, "newIteration")] {
            let answer = deposit(&client, "D-1", iteration).await;
            assert_eq!((answer.status, reception(&answer.json())), (202, (outcome, false)), "{iteration}");
            let shown = client.get(&format!("/v1/pieces/{}", answer.reconciliation_id())).await.json();
            assert_eq!(reception(&shown), (outcome, false));
        }
    }

    /// Accepted and flagged, in the answer, the piece, its trace and its duplicate; the flag is that of the day.
    async fn a_missing_earlier_iteration_is_accepted_and_flagged(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let third = deposit(&client, "D-1", 3).await;
        assert_eq!(reception(&third.json()), ("newIteration", true));
        assert_eq!(reception(&deposit(&client, "D-1", 1).await.json()), ("accepted", false));
        assert_eq!(reception(&deposit(&client, "D-1", 4).await.json()), ("newIteration", true));
        assert_eq!(reception(&deposit(&client, "D-1", 2).await.json()), ("newIteration", false));
        assert_eq!(reception(&deposit(&client, "D-1", 5).await.json()), ("newIteration", false));
        let again = deposit(&client, "D-1", 3).await.json();
        assert_eq!(reception(&again), ("duplicate", true));
        let path = format!("/v1/pieces/{}", third.reconciliation_id());
        assert_eq!(reception(&client.get(&path).await.json()), ("newIteration", true));
        let events = client.get(&format!("{path}/events")).await.json();
        assert_eq!(events["items"][0]["detail"]["earlierIterationMissing"], true, "{events}");
    }

    /// The same dossier id in another application or another project is another dossier.
    async fn an_iteration_of_another_application_does_not_stand_for_an_earlier_one(kit) {
        let gateway = kit.and_project("marche-voisin", "/voisin").start();
        let (projects, applications) = (format!("{PROJECT},marche-voisin"), format!("{APPLICATION},autre"));
        let scopes = ["pieces:write", "pieces:read"];
        let wide = gateway.register_within("wide", &scopes, &projects, &applications, &[]);
        let client = Client::with_token(&gateway, &pki().client, &wide).await;
        deposit(&client, "D-1", 1).await;
        for (field, value) in [("sourceApplication", "autre"), ("project", "marche-voisin")] {
            let mut other = piece("D-1", 2);
            other[field] = value.into();
            let answer = client.push(&other, document::small(value)).await.json();
            assert_eq!(reception(&answer), ("newIteration", true), "{field}");
        }
        let all = client.get("/v1/dossiers/D-1/iterations").await.json();
        let order: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| item["project"].as_str().unwrap()).collect();
        assert_eq!(order, [PROJECT, PROJECT, "marche-voisin"]);
        assert_eq!(iterations(&client, "D-1/iterations?sourceApplication=autre").await, [(2, true, 1)]);
        assert_eq!(iterations(&client, "D-1/iterations?project=marche-voisin").await, [(2, true, 1)]);
        client.get("/v1/dossiers/D-1/iterations?project=ailleurs").await.is_problem(403, "perimeter-forbidden");
    }

    async fn the_list_is_narrowed_by_outcome(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let first = deposit(&client, "D-1", 1).await.reconciliation_id();
        let second = deposit(&client, "D-1", 2).await.reconciliation_id();
        deposit(&client, "D-1", 2).await;
        deposit(&client, "D-1", 2).await;
        assert_eq!(listed(&client, "outcome=accepted").await, [first.clone()].into());
        assert_eq!(listed(&client, "outcome=newIteration").await, [second.clone()].into());
        assert_eq!(listed(&client, "outcome=duplicate").await, [second.clone()].into());
        let shown = client.get(&format!("/v1/pieces/{second}")).await.json();
        assert_eq!((&shown["outcome"], &shown["repetitions"]), (&json!("newIteration"), &json!(2)));
        client.get("/v1/pieces?outcome=perdu").await.is_problem(400, "request-malformed");
    }

    /// In their order whatever the order they came in; a gap is told where it is, and goes when it is filled.
    async fn a_dossiers_deposits_are_shown_in_order_with_their_gaps(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        for iteration in [3, 1, 10] {
            deposit(&client, "D/é 1", iteration).await;
        }
        client.push(&piece("D/é 1", 1), document::small("second of the first")).await.reconciliation_id();
        let path = "D%2F%C3%A9%201/iterations";
        assert_eq!(iterations(&client, path).await, [(1, false, 2), (3, true, 1), (10, true, 1)]);
        deposit(&client, "D/é 1", 2).await;
        assert_eq!(iterations(&client, path).await, [(1, false, 2), (2, false, 1), (3, false, 1), (10, true, 1)]);
        let page = client.get(&format!("/v1/dossiers/{path}")).await.json();
        assert_eq!(page["dossierId"], "D/é 1");
        let link = page["items"][0]["links"]["pieces"].as_str().unwrap();
        assert_eq!(client.get(link).await.json()["items"].as_array().unwrap().len(), 2);
        gateway.await_idle();
        let done = client.get(&format!("/v1/dossiers/{path}")).await.json();
        assert_eq!(done["items"][0]["acknowledged"], 2, "{done}");
    }

    async fn a_dossiers_deposits_are_paged(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        for iteration in [1, 2, 4, 5, 6] {
            deposit(&client, "D-1", iteration).await;
        }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("/v1/dossiers/D-1/iterations?limit=2{cursor}")).await.json();
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|item| (item["iteration"].as_u64().unwrap(), item["earlierIterationMissing"] == true)));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, [(1, false), (2, false), (4, true), (5, true), (6, true)]);
    }

    /// Nothing is there for whoever has sent nothing of it.
    async fn a_dossier_of_another_client_is_not_there(kit) {
        let gateway = kit.start();
        let (owner, other) = (named(&gateway, "owner").await, named(&gateway, "other").await);
        deposit(&owner, "D-1", 1).await;
        assert_eq!(owner.get("/v1/dossiers/D-1/iterations").await.status, 200);
        other.get("/v1/dossiers/D-1/iterations").await.is_problem(404, "not-found");
        for id in ["D-2", "%00", "%ff", &"x".repeat(129)] {
            owner.get(&format!("/v1/dossiers/{id}/iterations")).await.is_problem(404, "not-found");
        }
        owner.get("/v1/dossiers/D-1/iterations?limit=0&cursor=x&couleur=bleu").await.is_problem(400, "request-malformed");
    }
}
