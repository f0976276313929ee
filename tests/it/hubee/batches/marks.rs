//! The bytes that must be gone once a folder is deleted (R61): words of persons, which are sealed from the first byte on, and
//! the sealed bytes themselves with the keys that open them, looked for in every file before and after.

use std::path::Path;

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
    },
    retention::{
        clock::{frozen, hours},
        marks::{files, memory::finds},
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

/// A mark: where it stands, and its bytes.
type Marks = Vec<(String, Vec<u8>)>;

/// A hub, stopped, with a folder full of marks that is closed.
async fn marked(kit: Kit) -> Gateway {
    let hub = Hub::open(kit.env("NAVETTE_LOG", "debug")).await;
    let content = document::pdf("MARQUEUR-CONTENU", 90_000);
    let files = [File::of("MARQUEUR-FICHIER.pdf", "application/pdf", content)];
    let mut folder = build::folder("MARQUEUR-NUMERO", &files);
    folder["applicant"]["lastName"] = "MARQUEUR-NOM".into();
    folder["cases"][0]["partnerAttributes"] = "nom=MARQUEUR-NOM".into();
    let sent = Sent::create(&hub.osl, &folder, &files).await;
    sent.upload(&hub.osl).await;
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
    let Hub { mut gateway, .. } = hub;
    assert!(gateway.stop().success());
    gateway
}

fn marks(gateway: &Gateway) -> Marks {
    let mut marks = Marks::new();
    for (column, question) in SEALED {
        for line in gateway.sql(question).lines() {
            let bytes = data_encoding::HEXLOWER.decode(line.trim_start_matches("\\x").as_bytes());
            let bytes = bytes.expect("bytes are written in hexadecimal");
            let begin = bytes.len().min(64) - 32;
            marks.push((column.to_owned(), bytes[begin..begin + 32].to_vec()));
        }
    }
    for blob in gateway.blobs() {
        let bytes = std::fs::read(blob).expect("a blob");
        marks.push(("blob".to_owned(), bytes[500..532].to_vec()));
    }
    for key in files(&gateway.dir().join("data/keys")) {
        let bytes = std::fs::read(key).expect("a key");
        marks.push(("day key".to_owned(), bytes[12..44].to_vec()));
    }
    for word in WORDS {
        marks.push((word.to_owned(), word.as_bytes().to_vec()));
    }
    marks
}

/// The names of the marks that stand in a file below `place`.
fn found(marks: &Marks, place: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in files(place) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let there = marks.iter().filter(|(_, mark)| finds(&bytes, mark));
        found.extend(there.map(|(name, _)| name.clone()));
    }
    found.sort();
    found.dedup();
    found
}

/// R61: archived after its term and deleted after the next, a folder has left no byte: not in the database, its log, the
/// store, the keys, nor the gateway's own log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_a_deleted_folder_is_in_a_file_of_the_embedded_house() {
    let gateway = marked(Kit::with_database(None)).await;
    let marks = marks(&gateway);
    let mut kept: Vec<_> = SEALED.iter().map(|(name, _)| (*name).to_owned()).collect();
    kept.extend(["blob".to_owned(), "day key".to_owned()]);
    kept.sort();
    assert_eq!(
        found(&marks, gateway.dir()),
        kept,
        "else nothing is proven by their absence"
    );
    let sent = gateway.count("SELECT max(at) FROM journal").cast_signed();
    let sent = Timestamp::from_microsecond(sent).unwrap();
    for (days, batch) in [(2, Batch::Archive), (40, Batch::Delete)] {
        let (ctx, _) = frozen(&gateway, sent + hours(24 * days)).await;
        let vouched = Order {
            by: "essai".to_owned(),
            reason: Some("plus tard".to_owned()),
            confirm_clock: true,
            rewrite: false,
        };
        nightly::run(&ctx, &vouched).await.unwrap();
        let report = batches::run(&ctx, batch, "essai").await.unwrap();
        assert_eq!(report.folders, 1, "{report:?}");
    }
    assert_eq!(found(&marks, gateway.dir()), [""; 0]);
    gateway.doctor();
}
