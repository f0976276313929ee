//! A disk that fails, or is full, at one step of an intake: after a failed sync nothing is known of the bytes, so the piece is refused
//! and nothing tried again.

use super::{audit, load::insist};
use crate::{
    both_engines,
    kit::{
        client::metadata,
        document,
        gateway::{Engine, Kit},
        strace::Sabotage,
    },
};

both_engines! {
    /// The blob's own sync fails.
    async fn a_blob_that_cannot_be_synced_is_refused_and_not_tried_again(kit) {
        is_refused_once(kit, FAILING, SHORT, "fsync", "1+").await;
    }

    /// The same of one that is written over its sender's time.
    async fn a_long_blob_that_cannot_be_synced_is_refused_and_not_tried_again(kit) {
        is_refused_once(kit, FAILING, LONG, "fsync", "1+").await;
    }

    /// A long blob cannot get its name.
    async fn a_blob_that_cannot_be_renamed_is_refused_and_leaves_nothing(kit) {
        is_refused_once(kit, FAILING, LONG, "rename", "1+").await;
    }

    /// The second sync of a blob is that of its folder: without it the name may be gone after a power cut.
    async fn a_folder_that_cannot_be_synced_refuses_the_piece(kit) {
        is_refused_once(kit, FAILING, SHORT, "fsync", "2").await;
    }

    /// There is no room for another file.
    async fn a_blob_that_a_full_disk_does_not_create_is_told_so(kit) {
        is_refused_once(kit, FULL, SHORT, "openat", "1+").await;
    }

    /// There is no room for a long one's name.
    async fn a_blob_that_a_full_disk_does_not_rename_is_told_so(kit) {
        is_refused_once(kit, FULL, LONG, "rename", "1+").await;
    }

    /// The name was there, and has no room.
    async fn a_folder_that_a_full_disk_does_not_sync_is_told_so(kit) {
        is_refused_once(kit, FULL, SHORT, "fsync", "2").await;
    }
}

/// There turns out to be no room for what was written. On PostgreSQL: the embedded database would meet the same with the incident
/// that follows, and end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_that_a_full_disk_does_not_sync_is_told_so() {
    is_refused_once(Kit::new(Engine::Postgres), FULL, SHORT, "fsync", "1+").await;
}

/// The system's error, and what the sender is told.
type Failure = (&'static str, u16, &'static str);

const FAILING: Failure = ("EIO", 503, "unavailable");
const FULL: Failure = ("ENOSPC", 507, "storage-full");

/// Bytes of a piece whose blob is written at once, under its own name; the first sync of two is its own.
const SHORT: usize = 2_000;
/// Bytes of one that has a name of its own until it is whole.
const LONG: usize = 300_000;

/// Without a worker, so that the blob meets the failure first.
async fn is_refused_once(
    kit: Kit,
    (error, status, code): Failure,
    size: usize,
    calls: &str,
    when: &str,
) {
    let gateway = kit.without_worker().start();
    let client = gateway.client().await;
    let first = insist(&client, "D-1", 2_000).await;
    let before = gateway.kept();
    let sabotage = Sabotage::of_process(&gateway, error, calls, when);
    let content = document::pdf("D-2", size);
    let refused = client.push(&metadata("D-2"), content.clone()).await;
    let failed = sabotage.end();
    refused.is_problem(status, code);
    assert!(status != 503 || !refused.header("retry-after").is_empty());
    let of_the_blob = failed
        .iter()
        .filter(|call| call.text.contains("data/store/"));
    assert_eq!(of_the_blob.count(), 1, "{failed:#?}");
    assert_eq!(gateway.kept(), before);
    assert_eq!(audit::listed(&client).await, [first.id].into());
    let retried = client.push(&metadata("D-2"), content).await;
    assert_eq!(retried.status, 202, "{retried:?}");
    gateway.doctor();
}

/// A commit whose sync failed has an unknown outcome: only a reading of the disk can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_sync_ends_the_process_and_its_successor_reads_the_disk() {
    let mut gateway = Kit::new(Engine::Sqlite)
        .set("worker.lease_seconds", 2)
        .start();
    let client = gateway.client().await;
    let first = insist(&client, "D-1", 2_000).await;
    gateway.await_idle();
    let sabotage = Sabotage::of_thread(&gateway, "sqlite-writer", "fsync,fdatasync");
    let sender = client.clone();
    let sending = tokio::spawn(async move { insist(&sender, "D-2", 2_000).await });
    let end = tokio::task::block_in_place(|| gateway.ended());
    assert_eq!(end.code(), Some(74), "{end:?}");
    drop(sabotage);
    gateway.restart();
    let second = sending.await.unwrap();
    audit::promises_are_kept(&gateway, &client, &[first, second]).await;
}
