//! The bytes that must be gone: markers of persons, and, since those are sealed from the first byte on, the sealed bytes
//! themselves and the keys that open them, looked for in every file before and after.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use navette::domain::ged::purge::{self, Order};
use serde_json::json;

use super::{
    acknowledged, await_status,
    clock::{frozen, hours},
};
use crate::kit::{
    client::{finish, metadata},
    document,
    gateway::{CALLBACK, Gateway, Kit},
    partner::Answer,
    postgres::Server,
};

/// Words that stand in what was sent, and in what ASP answered.
const WORDS: [&str; 6] = [
    "MARQUEUR-DOSSIER",
    "MARQUEUR-FICHIER",
    "MARQUEUR-NOM",
    "MARQUEUR-CONTENU",
    "MARQUEUR-ACCUSE",
    "MARQUEUR-MOTIF",
];

/// What a purge must leave nowhere: where it stands, and its bytes.
pub type Marks = Vec<(String, Vec<u8>)>;

/// Sealed columns, and where a mark of each begins: behind the nonce, or behind the id of the key's day.
const SEALED: [(&str, &str); 10] = [
    ("exchange.wrapped_key", "SELECT wrapped_key FROM exchange"),
    ("exchange.metadata", "SELECT metadata FROM exchange"),
    ("document.wrapped_key", "SELECT wrapped_key FROM document"),
    ("exchange_return.body", "SELECT body FROM exchange_return"),
    ("acknowledgment.body", "SELECT body FROM acknowledgment"),
    ("acknowledgment.told", "SELECT told FROM acknowledgment"),
    (
        "redelivery.reason",
        "SELECT reason FROM redelivery WHERE reason IS NOT NULL",
    ),
    (
        "delivery_attempt.answer",
        "SELECT answer FROM delivery_attempt",
    ),
    ("result.body", "SELECT body FROM result"),
    ("natural_key.digest", "SELECT digest FROM natural_key"),
];

/// A gateway, stopped, with three pieces full of marks whose returns are acknowledged.
async fn marked(kit: Kit) -> Gateway {
    let answer = json!({ "acknowledgmentId": "MARQUEUR-ACCUSE", "nom": "MARQUEUR-NOM" });
    let saying = Answer::AcknowledgeSaying("MARQUEUR-ACCUSE".to_owned());
    let answers = [Answer::Reply(200, answer.to_string()), saying];
    kit.partner.script(CALLBACK, answers);
    let mut gateway = kit.start();
    let client = gateway.client().await;
    let mut id = String::new();
    for number in 0..3 {
        let mut marked = metadata(&format!("MARQUEUR-DOSSIER-{number}"));
        marked["fileName"] = "MARQUEUR-FICHIER.pdf".into();
        marked["businessData"] = json!({ "nom": "MARQUEUR-NOM" });
        let content = document::pdf(&format!("MARQUEUR-CONTENU-{number}"), 90_000);
        id = client.push(&marked, content).await.reconciliation_id();
    }
    await_status(&gateway, "acknowledged", 3);
    gateway.await_idle();
    let path = format!("/v1/pieces/{id}/return/redeliveries?reason=MARQUEUR-MOTIF");
    let asked = finish(client.request(reqwest::Method::POST, &path)).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    gateway.await_idle();
    assert!(gateway.stop().success());
    gateway
}

/// Every mark of what is kept now: of these sealed columns, of blobs and their keys, and these words.
pub fn marks(gateway: &Gateway, sealed: &[(&str, &str)], words: &[&str]) -> Marks {
    let mut marks = Marks::new();
    for (column, question) in sealed {
        for line in gateway.sql(question).lines() {
            let bytes = data_encoding::HEXLOWER.decode(line.trim_start_matches("\\x").as_bytes());
            let bytes = bytes.expect("bytes are written in hexadecimal");
            let begin = bytes.len().min(64) - 32;
            marks.push(((*column).to_owned(), bytes[begin..begin + 32].to_vec()));
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
    for word in words {
        marks.push(((*word).to_owned(), word.as_bytes().to_vec()));
    }
    marks
}

/// Every file below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path],
        })
        .collect()
}

/// The marks that stand in a file below one of `places`, each with the files.
pub fn found(marks: &Marks, places: &[PathBuf]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for file in places.iter().flat_map(|place| files(place)) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let windows = |mark: &[u8]| finds(&bytes, mark);
        for (name, _) in marks.iter().filter(|(_, mark)| windows(mark)) {
            found.push((name.clone(), file.display().to_string()));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Names of what was found, each once.
pub fn names(found: &[(String, String)]) -> Vec<String> {
    let mut names: Vec<_> = found.iter().map(|(name, _)| name.clone()).collect();
    names.dedup();
    names
}

/// Whether `mark` stands in `bytes`: by its first byte, then whole.
fn finds(bytes: &[u8], mark: &[u8]) -> bool {
    let (first, mut rest) = (mark[0], bytes);
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        if rest[at..].starts_with(mark) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// Purges a stopped gateway as it would be four months later.
async fn purge_four_months_later(gateway: &Gateway, rewrite: bool) -> purge::Report {
    let sent = gateway.count("SELECT max(at) FROM journal").cast_signed();
    let later = Timestamp::from_microsecond(sent).unwrap() + hours(24 * 122);
    let (ctx, _) = frozen(gateway, later).await;
    let order = Order {
        by: "essai".to_owned(),
        reason: Some("quatre mois plus tard".to_owned()),
        confirm_clock: true,
        rewrite,
    };
    purge::run(&ctx, &order).await.unwrap()
}

/// What the marks of a kept house must show, else nothing is proven by their absence: all that is sealed.
fn all_kept() -> Vec<&'static str> {
    let mut names: Vec<_> = SEALED.iter().map(|(name, _)| *name).collect();
    names.extend(["blob", "day key"]);
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_what_was_purged_is_in_a_file_of_the_embedded_house() {
    let gateway = marked(Kit::with_database(None)).await;
    let (marks, data) = (marks(&gateway, &SEALED, &WORDS), gateway.dir().join("data"));
    assert_eq!(
        names(&found(&marks, std::slice::from_ref(&data))),
        all_kept()
    );
    let report = purge_four_months_later(&gateway, false).await;
    assert_eq!(
        (report.exchanges, report.keys_destroyed, report.scrubbed),
        (3, 1, true)
    );
    assert_eq!(found(&marks, &[gateway.dir().to_owned()]), []);
    gateway.doctor();
}

/// After a plain VACUUM, pages of the heap may still hold sealed bytes until they are written over: neither words, nor blobs,
/// nor the key that would open them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_vacuum_leaves_in_postgresqls_heap_opens_no_more() {
    let left = names_left_in_postgresql(false).await;
    let sealed = SEALED.map(|(name, _)| name);
    let beyond: Vec<_> = left
        .iter()
        .filter(|name| !sealed.contains(&name.as_str()))
        .collect();
    assert_eq!(beyond, [""; 0], "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_what_was_purged_is_in_postgresqls_heap_once_it_was_written_anew() {
    assert_eq!(names_left_in_postgresql(true).await, [""; 0]);
}

/// What is found in the heap and in the house after a purge.
async fn names_left_in_postgresql(rewrite: bool) -> Vec<String> {
    let server = Server::start_new();
    let gateway = marked(Kit::with_database(Some(server.fresh_database()))).await;
    gateway.sql("CHECKPOINT");
    let heap = server.dir().join("data/base");
    let (marks, places) = (
        marks(&gateway, &SEALED, &WORDS),
        vec![gateway.dir().join("data"), heap],
    );
    assert_eq!(names(&found(&marks, &places)), all_kept());
    let report = purge_four_months_later(&gateway, rewrite).await;
    assert_eq!(
        (report.exchanges, report.keys_destroyed, report.scrubbed),
        (3, 1, true)
    );
    gateway.sql("CHECKPOINT");
    gateway.doctor();
    let left = found(&marks, &places);
    eprintln!("left: {left:?}");
    names(&left)
}

/// While the gateway runs, another process purges: the log is cut all the same, though readers are connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_of_what_was_purged_is_in_the_log_of_a_running_embedded_house() {
    let gateway = Kit::with_database(None).start();
    let client = gateway.client().await;
    acknowledged(&gateway, &client, 3).await;
    super::age(&gateway, super::AGED_DAYS, &[]);
    let mut marks = marks(&gateway, &SEALED, &WORDS);
    marks.retain(|(name, _)| name != "day key");
    assert!(gateway.dir().join("data/navette.db-wal").exists());
    let report = super::purge(&gateway);
    assert_eq!(report["exchanges"], 3);
    assert_eq!(found(&marks, &[gateway.dir().join("data")]), []);
}
