//! Personal data at rest: sealed in the database and in the store, absent from journal and log.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;

use crate::kit::{
    client::{Client, finish, metadata},
    document,
    gateway::{Gateway, Kit},
    partner::Answer,
    pki::pki,
    postgres::Server,
    wait,
};

const SOON: Duration = Duration::from_secs(30);

/// What must not be found: one of each kind of personal data, and the document's own text.
const MARKERS: [&str; 8] = [
    "MARQUEUR-DOSSIER",
    "MARQUEUR-FICHIER",
    "MARQUEUR-NOM",
    "MARQUEUR-PIECE",
    "MARQUEUR-CONTRAT",
    "MARQUEUR-CONTENU",
    "MARQUEUR-ACCUSE",
    "MARQUEUR-MOTIF",
];

/// A gateway, stopped after it took, refused, listed, returned, retried and sent again pieces that carry the markers.
async fn used(kit: Kit) -> Gateway {
    let kit = kit
        .env("NAVETTE_LOG", "debug")
        .set_project("callback.over_seconds", 1);
    let mut gateway = kit.start();
    let saying = Answer::AcknowledgeSaying("MARQUEUR-ACCUSE".to_owned());
    let answers = [Answer::failure(), saying];
    gateway
        .partner()
        .script(crate::kit::gateway::CALLBACK, answers);
    let client = gateway.client().await;
    let id = send_all(&client).await;
    let acknowledged = "SELECT count(*) FROM acknowledgment";
    wait::until("acknowledgment", SOON, || {
        (gateway.count(acknowledged) == 1).then_some(())
    });
    let path = format!("/v1/pieces/{id}/return/redeliveries?reason=MARQUEUR-MOTIF");
    let asked = finish(client.request(reqwest::Method::POST, &path)).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    gateway.await_idle();
    assert!(gateway.stop().success());
    gateway
}

/// Sends them; the id of the one that is taken.
async fn send_all(client: &Client) -> String {
    let mut marked = metadata("MARQUEUR-DOSSIER");
    marked["fileName"] = "MARQUEUR-FICHIER.pdf".into();
    marked["businessData"] = json!({ "nom": "MARQUEUR-NOM" });
    marked["pieceUid"] = "MARQUEUR-PIECE".into();
    marked["contractReference"] = "MARQUEUR-CONTRAT".into();
    let content = document::small("MARQUEUR-CONTENU");
    let id = client
        .push(&marked, content.clone())
        .await
        .reconciliation_id();
    assert_eq!(client.push(&marked, content).await.status, 200);
    let other = document::small("MARQUEUR-CONTENU-2");
    client
        .push(&marked, other.clone())
        .await
        .is_problem(409, "piece-conflict");
    marked["hash"] = json!({ "algorithm": "SHA-256", "value": "00".repeat(32) });
    client
        .push(&marked, other)
        .await
        .is_problem(422, "hash-mismatch");
    marked["MARQUEUR-NOM"] = "MARQUEUR-NOM".into();
    marked["project"] = "MARQUEUR-CONTRAT".into();
    assert_eq!(client.push(&marked, "x").await.status, 422);
    let listed = client.get("/v1/pieces?dossierId=MARQUEUR-DOSSIER").await;
    assert_eq!(listed.json()["items"][0]["reconciliationId"], id);
    id
}

/// Every file below `place` in which a marker stands, with the marker.
fn found_below(place: &Path) -> Vec<(PathBuf, &'static str)> {
    let mut found = Vec::new();
    let mut folders = vec![place.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(path),
                false => found.extend(markers_in(&path).map(|marker| (path.clone(), marker))),
            }
        }
    }
    found
}

fn markers_in(file: &Path) -> impl Iterator<Item = &'static str> {
    let bytes = std::fs::read(file).unwrap_or_default();
    let holds = move |marker: &&str| {
        bytes
            .windows(marker.len())
            .any(|part| part == marker.as_bytes())
    };
    MARKERS.into_iter().filter(holds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_on_disk_tells_of_persons_with_the_embedded_database() {
    let gateway = used(Kit::with_database(None)).await;
    let database = gateway.dir().join("data/navette.db");
    assert!(std::fs::metadata(database).unwrap().len() > 0);
    assert_eq!(found_below(gateway.dir()), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_on_disk_tells_of_persons_while_the_embedded_database_is_open() {
    let mut gateway = used(Kit::with_database(None)).await;
    gateway.restart_with(&[("NAVETTE_LOG".to_owned(), "debug".to_owned())]);
    let credentials = gateway.register("autre", &["pieces:write"]);
    let client = Client::with_token(&gateway, &pki().client, &credentials).await;
    let mut again = metadata("MARQUEUR-DOSSIER");
    again["iteration"] = 2.into();
    again["fileName"] = "MARQUEUR-FICHIER.pdf".into();
    client
        .push(&again, document::small("MARQUEUR-CONTENU"))
        .await
        .reconciliation_id();
    assert!(gateway.dir().join("data/navette.db-wal").exists());
    assert_eq!(found_below(gateway.dir()), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_on_disk_tells_of_persons_with_postgresql() {
    let server = Server::start_new();
    let url = server.fresh_database();
    let gateway = used(Kit::with_database(Some(url))).await;
    gateway.sql("CHECKPOINT");
    assert_eq!(found_below(server.dir()), []);
    assert_eq!(found_below(gateway.dir()), []);
}
