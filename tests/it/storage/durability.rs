//! What a PostgreSQL server has confirmed is on its disk, whatever its settings say; what we cannot set is told.

use std::time::Duration;

use navette::storage::{Access, Store, Tx, durability};

use crate::kit::{
    gateway::Kit,
    postgres::{self, Server},
    wait,
};

const SOON: Duration = Duration::from_secs(60);

fn open(url: &str) -> Store {
    Store::postgres(url, None, 4, Access::Full).unwrap()
}

fn in_force(tx: &mut Tx<'_>) -> navette::kernel::fault::Result<String> {
    let shown = tx.first("SELECT current_setting('synchronous_commit')", &[])?;
    shown.expect("one row").get(0)
}

/// A commit that does not wait for the log would be answered before it is durable; how far it waits for standbys is the
/// operator's.
#[tokio::test]
async fn our_commits_wait_for_the_disk_whatever_the_database_says() {
    for (set, expected) in [
        ("off", "on"),
        ("local", "local"),
        ("remote_write", "remote_write"),
        ("on", "on"),
        ("remote_apply", "remote_apply"),
    ] {
        let url = postgres::fresh_database();
        let alter = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = {set}', current_database()); END $$"
        );
        postgres::run(&url, &alter);
        let store = open(&url);
        for shown in [
            store.read(in_force).await,
            store.write(in_force).await,
            store.write_together(in_force).await,
            store.snapshot(in_force).await,
        ] {
            assert_eq!(shown.unwrap(), expected, "{set}");
        }
    }
}

/// A server's setting that is changed while it runs holds for the sessions that have none of their own, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_commits_wait_for_the_disk_whatever_the_server_is_told_meanwhile() {
    let server = Server::start_new();
    let database = server.fresh_database();
    let store = open(&database);
    assert_eq!(store.read(in_force).await.unwrap(), "on");
    server.sql("postgres", "ALTER SYSTEM SET synchronous_commit = off");
    server.sql("postgres", "SELECT pg_reload_conf()");
    wait::until("the server's setting", SOON, || {
        (server.sql("postgres", "SHOW synchronous_commit") == "off").then_some(())
    });
    assert_eq!(store.read(in_force).await.unwrap(), "on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_sync_is_told_in_the_log() {
    let server = Server::start_new();
    let database = server.fresh_database();
    let store = open(&database);
    assert_eq!(durability::missing(&store).await.unwrap(), [""; 0]);
    for setting in ["fsync", "full_page_writes"] {
        server.sql("postgres", &format!("ALTER SYSTEM SET {setting} = off"));
    }
    server.sql("postgres", "SELECT pg_reload_conf()");
    wait::eventually("settings that are off", SOON, async || {
        let missing = durability::missing(&store).await.unwrap();
        (missing == ["fsync", "full_page_writes"]).then_some(())
    })
    .await;
    let gateway = Kit::with_database(Some(database)).start();
    for setting in ["fsync", "full_page_writes"] {
        let told = format!("\"setting\":\"{setting}\"");
        wait::until(setting, SOON, || {
            gateway.log().contains(&told).then_some(())
        });
    }
}
