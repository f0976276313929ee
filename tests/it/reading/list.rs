//! Lists: every filter, and pages that neither lose nor repeat a piece while others come in.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{HEXLOWER, HEXUPPER};
use serde_json::{Value, json};

use super::{SOON, sent};
use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        document,
        gateway::{APPLICATION, Gateway, PROJECT},
        pki::pki,
        wait,
    },
};

/// More than two of the largest pages.
const MANY: usize = 450;

/// The ids that a list shows, in its order.
async fn ids(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/v1/pieces?{query}")).await;
    assert_eq!(page.status, 200, "{page:?}");
    ids_of(&page.json())
}

fn ids_of(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["reconciliationId"].as_str().unwrap().to_owned())
        .collect()
}

/// Sends that many pieces, a few at a time; their ids.
async fn many(client: &Client, label: &str, count: usize) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..count {
        let (client, dossier) = (client.clone(), format!("{label}-{number}"));
        tasks.spawn(async move { sent(&client, &dossier).await });
        if tasks.len() >= 16 {
            ids.insert(tasks.join_next().await.unwrap().unwrap());
        }
    }
    ids.extend(tasks.join_all().await);
    ids
}

/// A client of two projects and two applications.
async fn wide(gateway: &Gateway) -> Client {
    let projects = format!("{PROJECT},marche-voisin");
    let applications = format!("{APPLICATION},autre");
    let scopes = ["pieces:write", "pieces:read"];
    let asp = gateway.register_within("wide", &scopes, &projects, &applications, &[]);
    Client::with_token(gateway, &pki().client, &asp).await
}

async fn push(client: &Client, field: &str, value: Value) -> String {
    let mut metadata = metadata("D-1");
    metadata[field] = value.clone();
    client
        .push(&metadata, document::small(&value.to_string()))
        .await
        .reconciliation_id()
}

both_engines! {
    async fn each_filter_narrows_the_list_to_what_it_names(kit) {
        let gateway = kit.and_project("marche-voisin", "/voisin").start();
        let client = wide(&gateway).await;
        let usual = push(&client, "pieceType", json!("a")).await;
        for (filter, field, value) in [
            ("project=marche-voisin", "project", json!("marche-voisin")),
            ("sourceApplication=autre", "sourceApplication", json!("autre")),
            ("dossierId=D%20%C3%A9%2F2", "dossierId", json!("D é/2")),
            ("iteration=7", "iteration", json!(7)),
        ] {
            let id = push(&client, field, value).await;
            assert_eq!(ids(&client, filter).await, [id], "{filter}");
        }
        assert_eq!(ids(&client, "limit=200").await.len(), 5);
        let both = format!("project={PROJECT}&iteration=1&dossierId=D-1&sourceApplication={APPLICATION}");
        assert_eq!(ids(&client, &both).await, [usual]);
        assert!(ids(&client, "iteration=7&project=marche-voisin").await.is_empty());
    }

    async fn a_list_is_narrowed_by_digest_in_either_case(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let (one, _) = (sent(&client, "D-1").await, sent(&client, "D-2").await);
        let digest = digest(&SHA256, &document::small("D-1"));
        for hex in [HEXLOWER.encode(digest.as_ref()), HEXUPPER.encode(digest.as_ref())] {
            assert_eq!(ids(&client, &format!("sha256={hex}")).await, std::slice::from_ref(&one));
        }
    }

    async fn a_list_is_narrowed_by_date_the_beginning_included_and_the_end_not(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let (one, two) = (sent(&client, "D-1").await, sent(&client, "D-2").await);
        let at = client.get(&format!("/v1/pieces/{two}")).await.json()["receivedAt"].as_str().unwrap().to_owned();
        assert_eq!(ids(&client, &format!("receivedAfter={at}")).await, [two]);
        assert_eq!(ids(&client, &format!("receivedBefore={at}")).await, [one]);
        assert!(ids(&client, &format!("receivedAfter={at}&receivedBefore={at}")).await.is_empty());
    }

    async fn a_list_is_narrowed_by_status(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        wait::eventually("acknowledged piece", SOON, async || {
            (ids(&client, "status=acknowledged").await == [id.clone()]).then_some(())
        }).await;
        assert!(ids(&client, "status=received").await.is_empty());
        assert!(ids(&client, "status=undelivered").await.is_empty());
    }

    async fn a_parameter_that_is_wrong_is_refused_with_all_the_others(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let query = "limit=201&iteration=0&status=perdu&sha256=xyz&receivedAfter=hier&cursor=%21&couleur=bleu&project=a&project=b";
        let answer = client.get(&format!("/v1/pieces?{query}")).await;
        answer.is_problem(400, "request-malformed");
        let pointers: BTreeSet<_> = answer.faults().into_iter().map(|(pointer, _)| pointer).collect();
        let named = ["limit", "iteration", "status", "sha256", "receivedAfter", "cursor", "couleur", "project"];
        assert_eq!(pointers, named.map(|name| format!("/query/{name}")).into());
    }

    async fn a_page_has_fifty_pieces_unless_the_limit_says_otherwise(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        many(&client, "D", 52).await;
        assert_eq!(ids(&client, "").await.len(), 50);
        assert_eq!(ids(&client, "limit=1").await.len(), 1);
        let all = client.get("/v1/pieces?limit=52").await.json();
        assert_eq!((ids_of(&all).len(), &all["nextCursor"]), (52, &Value::Null));
    }

    /// Page after page, while the house goes on receiving.
    async fn pages_lose_and_repeat_nothing_while_pieces_come_in(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let before = many(&client, "D", MANY).await;
        let more = { let client = client.clone(); tokio::spawn(async move { many(&client, "E", 60).await }) };
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("/v1/pieces?limit=100{cursor}")).await.json();
            seen.extend(ids_of(&page));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let distinct: BTreeSet<_> = seen.iter().cloned().collect();
        assert_eq!(distinct.len(), seen.len(), "a piece came twice");
        assert!(before.is_subset(&distinct), "{:?}", before.difference(&distinct));
        let mut newest_first = seen.clone();
        newest_first.sort_by(|one, other| other.cmp(one));
        assert_eq!(seen, newest_first);
        more.await.unwrap();
    }
}
