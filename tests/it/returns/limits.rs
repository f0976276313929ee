//! The limit of a transaction counts request and return together (API-3): what is accepted can be answered within it.

use serde_json::{Value, json};

use super::{SOON, with_status};
use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        document,
        gateway::Kit,
    },
};

const LIMIT: u64 = 200_000;

fn limited(kit: Kit) -> Kit {
    kit.set("limits.transaction_bytes", LIMIT)
}

/// Metadata that come close to the longest that a request may carry.
fn long_metadata() -> Value {
    let mut long = metadata("D-1");
    long["businessData"] = json!({ "note": "n".repeat(60_000) });
    long
}

async fn push(client: &Client, content: usize) -> crate::kit::client::Answer {
    client
        .push(&long_metadata(), document::pdf("D-1", content))
        .await
}

both_engines! {
    async fn a_piece_whose_metadata_leave_no_room_for_its_return_is_refused(kit) {
        let gateway = limited(kit).start();
        let client = gateway.client().await;
        // Within the 136,000 bytes of a request; the return repeats 60,000 of them.
        push(&client, 70_000).await.is_problem(413, "too-large");
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 0);
    }

    async fn request_and_return_together_stay_within_the_limit(kit) {
        let gateway = limited(kit).start();
        let client = gateway.client().await;
        let id = push(&client, 60_000).await.reconciliation_id();
        let call = gateway.partner().wait_for(1, SOON).await.remove(0);
        let piece = with_status(&client, &id, "acknowledged").await;
        let request = piece["requestBytes"].as_u64().unwrap();
        let whole = request + call.body.len() as u64;
        assert!(request > 120_000 && whole <= LIMIT, "{request} of {whole}");
    }
}
