//! The same piece again, under any concurrency: the first id, the first receipt, and nothing runs twice (API-4).

use std::{collections::BTreeSet, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    both_engines,
    kit::{
        client::{Answer, Client, metadata},
        document,
        gateway::{APPLICATION, Gateway, PROJECT},
        pki::pki,
        wait,
    },
};

const SOON: Duration = Duration::from_secs(30);
/// How often one piece is sent at once.
const CROWD: usize = 50;

/// An acknowledgment, its receipt as the bytes that came.
#[derive(Deserialize)]
struct Told {
    receipt: Box<RawValue>,
}

fn receipt_bytes(answer: &Answer) -> String {
    let told: Told = serde_json::from_slice(&answer.body).expect("an acknowledgment");
    told.receipt.get().to_owned()
}

fn with(changes: Value) -> Value {
    let mut metadata = metadata("D-1");
    for (field, value) in changes.as_object().unwrap() {
        metadata[field] = value.clone();
    }
    metadata
}

fn file() -> Vec<u8> {
    document::small("same")
}

/// The answers to sendings that all start at once.
async fn at_once(client: &Client, sendings: Vec<(Value, Vec<u8>)>) -> Vec<Answer> {
    let mut tasks = tokio::task::JoinSet::new();
    for (metadata, content) in sendings {
        let client = client.clone();
        tasks.spawn(async move { client.push(&metadata, content).await });
    }
    tasks.join_all().await
}

/// Waits until only one piece is kept, with its blob, and its one return was delivered once.
fn only_one_is_kept(gateway: &Gateway) {
    wait::until("one return", SOON, || {
        (gateway.count("SELECT count(*) FROM acknowledgment") == 1).then_some(())
    });
    for table in [
        "exchange",
        "document",
        "receipt",
        "natural_key",
        "exchange_return",
    ] {
        assert_eq!(
            gateway.count(&format!("SELECT count(*) FROM {table}")),
            1,
            "{table}"
        );
    }
    wait::until("one blob", SOON, || {
        (gateway.blobs().len() == 1).then_some(())
    });
    assert_eq!(gateway.partner().count(), 1);
}

both_engines! {
    async fn the_same_piece_again_gets_the_first_id_and_the_first_receipt(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let first = client.push(&metadata("D-1"), file()).await;
        let again = client.push(&metadata("D-1"), file()).await;
        assert_eq!((first.status, again.status), (202, 200));
        assert_eq!(again.json()["outcome"], "duplicate");
        assert_eq!(again.reconciliation_id(), first.reconciliation_id());
        assert_eq!(again.json()["receivedAt"], first.json()["receivedAt"]);
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(receipt_bytes(&again), receipt_bytes(&first));
        only_one_is_kept(&gateway);
    }

    /// Still so after the piece went the whole way, and by its uid whatever the file is called.
    async fn the_same_uid_again_after_its_return_is_a_duplicate(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let first = client.push(&with(json!({"pieceUid": "P-1"})), file()).await;
        gateway.partner().wait_for(1, SOON).await;
        let again = client.push(&with(json!({"pieceUid": "P-1", "fileName": "autre.pdf"})), file()).await;
        assert_eq!(again.status, 200);
        assert_eq!(receipt_bytes(&again), receipt_bytes(&first));
        only_one_is_kept(&gateway);
    }

    async fn a_repetition_leaves_a_line_in_the_trace_of_the_piece(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let id = client.push(&metadata("D-1"), file()).await.reconciliation_id();
        client.push(&metadata("D-1"), file()).await;
        let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
        let repeated = |event: &&Value| event["kind"] == "piece.repeated";
        assert_eq!(events["items"].as_array().unwrap().iter().filter(repeated).count(), 1);
    }

    async fn fifty_of_the_same_piece_at_once_are_one_piece_with_one_return(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let answers = at_once(&client, vec![(metadata("D-1"), file()); CROWD]).await;
        let ids: BTreeSet<_> = answers.iter().map(Answer::reconciliation_id).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(answers.iter().filter(|answer| answer.status == 202).count(), 1);
        let receipts: BTreeSet<_> = answers.iter().map(receipt_bytes).collect();
        assert_eq!(receipts.len(), 1);
        only_one_is_kept(&gateway);
    }

    async fn the_same_uid_and_iteration_with_another_content_is_a_conflict(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let sent = with(json!({"pieceUid": "P-1"}));
        client.push(&sent, file()).await.reconciliation_id();
        client.push(&sent, document::small("other")).await.is_problem(409, "piece-conflict");
        only_one_is_kept(&gateway);
        let details = gateway.sql("SELECT detail FROM journal WHERE kind = 'piece.refused'");
        assert!(details.contains("piece-conflict"), "{details}");
    }

    /// One of them is the piece, and all the others are told that they are not.
    async fn two_contents_under_one_uid_at_once_leave_one_piece(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let sent = with(json!({"pieceUid": "P-1"}));
        let contents = (0..CROWD / 2).map(|number| (sent.clone(), document::small(&number.to_string())));
        let answers = at_once(&client, contents.collect()).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 202).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), CROWD / 2 - 1);
        only_one_is_kept(&gateway);
    }

    async fn what_differs_in_any_part_of_its_key_is_another_piece(kit) {
        let gateway = kit.and_project("marche-voisin", "/voisin").start();
        let applications = format!("{APPLICATION},autre");
        let projects = format!("{PROJECT},marche-voisin");
        let asp = gateway.register_within("asp", &["pieces:write"], &projects, &applications, &[]);
        let client = Client::with_token(&gateway, &pki().client, &asp).await;
        let mut ids = BTreeSet::new();
        for change in [
            json!({}), json!({"iteration": 2}), json!({"dossierId": "D-2"}), json!({"sourceApplication": "autre"}),
            json!({"project": "marche-voisin"}), json!({"pieceUid": "P-1"}), json!({"pieceUid": "P-2"}),
        ] {
            let answer = client.push(&with(change.clone()), file()).await;
            assert_eq!(answer.status, 202, "{change}");
            assert!(ids.insert(answer.reconciliation_id()), "{change}");
        }
        let answer = client.push(&metadata("D-1"), document::small("other")).await;
        assert_eq!(answer.status, 202, "without a uid, another content is another piece");
    }

    /// Fields that only touch each other do not run together: ("a", "bc") is not ("ab", "c").
    async fn neighbouring_fields_of_the_key_do_not_run_together(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let one = client.push(&with(json!({"dossierId": "D-1", "iteration": 11, "pieceUid": "P"})), file()).await;
        let other = client.push(&with(json!({"dossierId": "D-11", "iteration": 1, "pieceUid": "P"})), file()).await;
        assert_eq!((one.status, other.status), (202, 202));
    }
}
