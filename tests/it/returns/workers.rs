//! Several processes on one PostgreSQL: one serves, two work.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt, stream};

use super::{SOON, expire_leases, sent};
use crate::kit::{
    gateway::{Engine, Gateway, Kit},
    wait,
};

const PIECES: usize = 300;

async fn sent_by_many(gateway: &Gateway, pieces: usize) {
    let client = gateway.client().await;
    let client = &client;
    let sending =
        (0..pieces).map(|number| async move { sent(client, &format!("D-{number}")).await });
    let ids: BTreeSet<String> = stream::iter(sending).buffer_unordered(16).collect().await;
    assert_eq!(ids.len(), pieces);
}

/// Every return id that the partner got, with how often.
fn deliveries(gateway: &Gateway) -> (usize, BTreeSet<String>) {
    let calls = gateway.partner().received();
    let ids = calls
        .iter()
        .map(|call| call.header("webhook-id").to_owned());
    (calls.len(), ids.collect())
}

fn drained(gateway: &Gateway) {
    wait::until("empty queue", Duration::from_secs(60), || {
        (gateway.count("SELECT count(*) FROM job") == 0).then_some(())
    });
    wait::until("numbered journal", SOON, || {
        (gateway.count("SELECT count(*) FROM journal_pending") == 0).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_deliver_each_return_once_and_number_one_journal() {
    let gateway = Kit::new(Engine::Postgres).without_worker().start();
    let (mut first, mut second) = (gateway.start_worker(&[]), gateway.start_worker(&[]));
    sent_by_many(&gateway, PIECES).await;
    gateway
        .partner()
        .wait_for(PIECES, Duration::from_secs(60))
        .await;
    drained(&gateway);
    let (calls, ids) = deliveries(&gateway);
    assert_eq!((calls, ids.len()), (PIECES, PIECES));
    assert_eq!(
        gateway.count("SELECT count(*) FROM exchange_return"),
        PIECES as u64
    );
    let chain = gateway
        .sql("SELECT count(*), min(seq), max(seq), count(DISTINCT entry_id) FROM journal_link");
    let entries = gateway.count("SELECT count(*) FROM journal");
    assert_eq!(chain, format!("{entries}|1|{entries}|{entries}"));
    assert_eq!(
        gateway.count("SELECT count(*) FROM lease WHERE name = 'journal-sequencer'"),
        1
    );
    assert!(first.stop().success() && second.stop().success());
    gateway.doctor();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_workers_work() {
    let gateway = Kit::new(Engine::Postgres).without_worker().start();
    let workers = [gateway.start_worker(&[]), gateway.start_worker(&[])];
    sent_by_many(&gateway, 100).await;
    gateway
        .partner()
        .wait_for(100, Duration::from_secs(60))
        .await;
    drained(&gateway);
    let shares = workers
        .each_ref()
        .map(|worker| worker.metric("navette_deliveries_total"));
    assert_eq!(shares[0] + shares[1], 100.0);
    assert!(shares.iter().all(|share| *share > 0.0), "{shares:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_worker_held_is_done_by_the_other() {
    let gateway = Kit::new(Engine::Postgres).without_worker().start();
    let mut doomed = gateway.start_worker(&[("NAVETTE_FAILPOINT", "process.before-settle:5")]);
    sent_by_many(&gateway, 20).await;
    doomed.ended();
    expire_leases(&gateway);
    let _heir = gateway.start_worker(&[]);
    gateway
        .partner()
        .wait_for(20, Duration::from_secs(60))
        .await;
    drained(&gateway);
    assert_eq!(gateway.count("SELECT count(*) FROM exchange_return"), 20);
    assert_eq!(deliveries(&gateway).1.len(), 20);
    gateway.doctor();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_is_numbered_on_by_another_process_when_its_sequencer_dies() {
    let gateway = Kit::new(Engine::Postgres).without_worker().start();
    let mut doomed = gateway.start_worker(&[("NAVETTE_FAILPOINT", "journal.after-chain")]);
    sent_by_many(&gateway, 5).await;
    doomed.ended();
    expire_leases(&gateway);
    let _heir = gateway.start_worker(&[]);
    gateway.partner().wait_for(5, Duration::from_secs(60)).await;
    drained(&gateway);
    gateway.doctor();
}
