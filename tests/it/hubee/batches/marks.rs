//! The bytes that must be gone once a folder is deleted (R61): words of persons, which are sealed from the first byte on, and
//! the sealed bytes themselves with the keys that open them, looked for in every file before and after.

use std::path::PathBuf;

use jiff::Timestamp;
use navette::domain::{
    ged::purge::{self as nightly, Order},
    hubee::batches::{self, Batch},
};
use serde_json::json;

use crate::{
    kit::{
        document,
        gateway::{Gateway, Kit},
        hubee::{
            build::{self, File},
            hub::Hub,
            sent::Sent,
        },
        postgres::Server,
    },
    retention::{
        clock::{frozen, hours},
        marks::{self, Marks},
    },
};

/// Words that stand in what was sent.
const WORDS: [&str; 5] = [
    "MARQUEUR-NUMERO",
    "MARQUEUR-FICHIER",
    "MARQUEUR-NOM",
    "MARQUEUR-MESSAGE",
    "MARQUEUR-CONTENU",
];

/// Sealed columns of a folder.
const SEALED: [(&str, &str); 6] = [
    ("exchange.wrapped_key", "SELECT wrapped_key FROM exchange"),
    ("exchange.metadata", "SELECT metadata FROM exchange"),
    ("document.wrapped_key", "SELECT wrapped_key FROM document"),
    ("hub_case.body", "SELECT body FROM hub_case"),
    ("hub_attachment.body", "SELECT body FROM hub_attachment"),
    ("hub_event.body", "SELECT body FROM hub_event"),
];

/// A folder full of marks, created and uploaded.
async fn uploaded(hub: &Hub) -> Sent {
    let content = document::pdf("MARQUEUR-CONTENU", 90_000);
    let files = [File::of("MARQUEUR-FICHIER.pdf", "application/pdf", content)];
    let mut folder = build::folder("MARQUEUR-NUMERO", &files);
    folder["applicant"]["lastName"] = "MARQUEUR-NOM".into();
    folder["cases"][0]["partnerAttributes"] = "nom=MARQUEUR-NOM".into();
    let sent = Sent::create(&hub.osl, &folder, &files).await;
    sent.upload(&hub.osl).await;
    sent
}

/// A hub whose log tells all.
async fn talking(kit: Kit) -> Hub {
    Hub::open(kit.env("NAVETTE_LOG", "debug")).await
}

/// Stops a hub that has nothing left to do.
fn stopped(hub: Hub) -> Gateway {
    hub.await_idle();
    let Hub { mut gateway, .. } = hub;
    assert!(gateway.stop().success());
    gateway
}

/// A hub with a folder full of marks that is closed.
async fn closed(kit: Kit) -> Hub {
    let hub = talking(kit).await;
    let sent = uploaded(&hub).await;
    sent.complete(&hub.osl).await;
    let mut event = build::update("DONE");
    event["message"] = "MARQUEUR-MESSAGE".into();
    event["comment"] = "MARQUEUR-MESSAGE".into();
    event["author"] = "MARQUEUR-NOM".into();
    let events = format!("{}/events", sent.case_path(0));
    hub.si.post(&events, &event).await.of(201);
    let closed = json!({ "globalStatus": "CLOSED" });
    hub.osl.patch(&sent.path(), &closed).await.of(204);
    hub.await_idle();
    hub
}

/// Every mark of what the hub keeps now.
fn marks(gateway: &Gateway) -> Marks {
    marks::marks(gateway, &SEALED, &WORDS)
}

/// The names of the marks that stand in a file below one of `places`.
fn found(marks: &Marks, places: &[PathBuf]) -> Vec<String> {
    marks::names(&marks::found(marks, places))
}

/// What the marks of a kept house must show, else nothing is proven by their absence: all that is sealed, but for `absent`.
fn all_kept(absent: &[&str]) -> Vec<String> {
    let sealed = SEALED.iter().map(|(name, _)| *name);
    let all = sealed.chain(["blob", "day key"]);
    let kept = all.filter(|name| !absent.contains(name));
    let mut kept: Vec<_> = kept.map(str::to_owned).collect();
    kept.sort();
    kept
}

/// A night of a stopped house, so many days after its last entry; `rewrite` has PostgreSQL write its heap anew.
async fn night(gateway: &Gateway, days: i64, rewrite: bool) -> navette::domain::Context {
    let sent = gateway.count("SELECT max(at) FROM journal WHERE kind LIKE 'folder.%'");
    let sent = Timestamp::from_microsecond(sent.cast_signed()).unwrap();
    let (ctx, _) = frozen(gateway, sent + hours(24 * days)).await;
    let vouched = Order {
        by: "essai".to_owned(),
        reason: Some("plus tard".to_owned()),
        confirm_clock: true,
        rewrite,
    };
    nightly::run(&ctx, &vouched).await.unwrap();
    ctx
}

/// The nights in which a closed folder is archived after its term, and deleted after the next.
async fn archived_and_deleted(gateway: &Gateway) {
    for (days, batch) in [(2, Batch::Archive), (40, Batch::Delete)] {
        let ctx = night(gateway, days, false).await;
        let report = batches::run(&ctx, batch, "essai").await.unwrap();
        assert_eq!(report.folders, 1, "{report:?}");
    }
}

/// R61: archived after its term and deleted after the next, a folder has left no byte: not in the database, its log, the
/// store, the keys, nor the gateway's own log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_deleted_folder_is_in_a_file_of_the_embedded_house() {
    let gateway = stopped(closed(Kit::with_database(None)).await);
    let (marks, places) = (marks(&gateway), [gateway.dir().to_owned()]);
    assert_eq!(found(&marks, &places), all_kept(&[]));
    archived_and_deleted(&gateway).await;
    assert_eq!(found(&marks, &places), [""; 0]);
    gateway.doctor();
}

/// The same while the gateway runs and holds the database open: its log is cut all the same. The day's key is not due yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_deleted_folder_is_in_the_log_of_a_running_embedded_house() {
    let hub = closed(Kit::with_database(None)).await;
    let mut marks = marks(&hub);
    marks.retain(|(name, _)| name != "day key");
    let places = [hub.dir().to_owned()];
    assert!(hub.dir().join("data/navette.db-wal").exists());
    assert_eq!(found(&marks, &places), all_kept(&["day key"]));
    super::age(&hub, "hub_folder", "closed_at", 2);
    assert_eq!(super::run(&hub, "archive")["folders"], 1);
    super::age(&hub, "hub_folder", "archived_at", 31);
    assert_eq!(super::run(&hub, "delete")["folders"], 1);
    assert_eq!(found(&marks, &places), [""; 0]);
    hub.doctor();
}

/// R17: a folder that its sender withdrew has left no byte after the nights in which its day's key falls due.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_withdrawn_folder_is_in_a_file_of_the_embedded_house() {
    let hub = talking(Kit::with_database(None)).await;
    let sent = uploaded(&hub).await;
    let (marks, places) = (marks(&hub), [hub.dir().to_owned()]);
    // Nobody has posted an event on it.
    assert_eq!(found(&marks, &places), all_kept(&["hub_event.body"]));
    hub.osl.delete(&sent.path()).await.of(204);
    let gateway = stopped(hub);
    let ctx = night(&gateway, 4, false).await;
    batches::run(&ctx, Batch::Delete, "essai").await.unwrap();
    assert_eq!(found(&marks, &places), [""; 0]);
    gateway.doctor();
}

/// After a plain VACUUM, pages of PostgreSQL's heap may hold sealed bytes until they are written over: neither words, nor blobs, nor
/// the key that would open them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_vacuum_leaves_of_a_deleted_folder_in_postgresqls_heap_opens_no_more() {
    let left = left_in_postgresql(false).await;
    let sealed = SEALED.map(|(name, _)| name);
    let beyond: Vec<_> = left
        .iter()
        .filter(|name| !sealed.contains(&name.as_str()))
        .collect();
    assert_eq!(beyond, [""; 0], "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_deleted_folder_is_in_postgresqls_heap_once_it_was_written_anew() {
    assert_eq!(left_in_postgresql(true).await, [""; 0]);
}

/// What is found in the heap and in the house after a folder's deletion.
async fn left_in_postgresql(rewrite: bool) -> Vec<String> {
    let server = Server::start_new();
    let gateway = stopped(closed(Kit::with_database(Some(server.fresh_database()))).await);
    gateway.sql("CHECKPOINT");
    let heap = server.dir().join("data/base");
    let (marks, places) = (marks(&gateway), [gateway.dir().to_owned(), heap]);
    assert_eq!(found(&marks, &places), all_kept(&[]));
    archived_and_deleted(&gateway).await;
    if rewrite {
        night(&gateway, 41, true).await;
    }
    gateway.sql("CHECKPOINT");
    gateway.doctor();
    let left = found(&marks, &places);
    eprintln!("left: {left:?}");
    left
}
