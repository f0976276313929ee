//! PostgreSQL crashes under load and comes back.

use super::{audit, load::Load};
use crate::kit::{chance::Chance, client::metadata, document, gateway::Kit, postgres::Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_crashes_under_load_costs_nothing_that_was_acknowledged() {
    let server = Server::start_new();
    let kit = Kit::with_database(Some(server.fresh_database()));
    let gateway = kit.set("worker.lease_seconds", 2).start();
    let client = gateway.client().await;
    let load = Load::start(&gateway, &client, 8, &mut Chance::new());
    for _ in 0..3 {
        load.more(20).await;
        server.stop();
        let refused = client
            .push(&metadata("D-down"), document::small("D-down"))
            .await;
        refused.is_problem(503, "unavailable");
        assert!(!refused.header("retry-after").is_empty());
        server.start();
    }
    load.more(20).await;
    let promises = load.finish().await;
    audit::promises_are_kept(&gateway, &client, &promises).await;
}
