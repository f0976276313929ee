//! A disk without room, on four real megabytes: what does not fit is told, what was acknowledged stays, and room helps.

use std::time::Duration;

use super::{
    audit,
    load::{fill, insist},
};
use crate::{
    both_engines,
    kit::{
        client::{Answer, Client, metadata},
        document,
        gateway::{Engine, Kit},
        tmpfs::Tmpfs,
    },
};

const MEGABYTES: u32 = 4;

both_engines! {
    /// What is said on stderr is lost, and nothing else.
    async fn a_log_without_room_stops_nothing(kit) {
        let prefix = ["sh", "-c", r#"exec "$@" 2>/dev/full"#, "sh"];
        let mut gateway = kit.behind(&prefix).start();
        let client = gateway.client().await;
        let promise = insist(&client, "D-1", 2_000).await;
        audit::promises_are_kept(&gateway, &client, &[promise]).await;
        assert!(gateway.stop().success());
    }

    /// The store is full: 507, nothing kept, and the gateway lives.
    async fn a_piece_that_does_not_fit_on_the_disk_is_told_so_and_passes_when_there_is_room(kit) {
        let disk = Tmpfs::mount(&kit.dir().join("data"), MEGABYTES);
        let gateway = kit.without_worker().start();
        let client = gateway.client().await;
        insist(&client, "D-1", 2_000).await;
        let before = gateway.kept();
        disk.leave(100_000);
        push(&client, "D-2", 400_000).await.is_problem(507, "storage-full");
        assert_eq!(gateway.kept(), before);
        assert_eq!(gateway.health("/health/live").map(|(status, _)| status), Some(200));
        disk.make_room();
        assert_eq!(push(&client, "D-2", 400_000).await.status, 202);
        gateway.doctor();
    }
}

/// The blob fits and its rows do not: nothing of the piece stays, and everything goes on when there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_room_refuses_and_recovers_without_loss() {
    let kit = Kit::new(Engine::Sqlite).set("worker.lease_seconds", 2);
    let disk = Tmpfs::mount(&kit.dir().join("data"), MEGABYTES);
    let gateway = kit.start();
    let client = gateway.client().await;
    let mut promises = vec![insist(&client, "D-0", 2_000).await];
    disk.leave(64 * 1024);
    let (filled, dossier, answer) = fill(&client).await;
    promises.extend(filled);
    answer.is_problem(507, "storage-full");
    assert!(gateway.log().contains("database or disk is full"));
    disk.make_room();
    promises.push(insist(&client, &dossier, 2_000).await);
    audit::promises_are_kept(&gateway, &client, &promises).await;
    assert_eq!(
        gateway.blobs().len(),
        promises.len(),
        "no blob without a piece"
    );
    gateway
        .partner()
        .wait_for(promises.len(), Duration::from_secs(60))
        .await;
}

async fn push(client: &Client, dossier: &str, size: usize) -> Answer {
    client
        .push(&metadata(dossier), document::pdf(dossier, size))
        .await
}
