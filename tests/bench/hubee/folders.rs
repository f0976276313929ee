//! How many télédossiers a second go the sender's whole way: created, two attachments uploaded, completed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{runtime::Runtime, sync::Barrier, task::JoinSet};

use super::office::{self, Office};
use crate::{
    disk::{Disk, Layout},
    driver,
    figures::Figures,
    kit::{
        document,
        gateway::{Engine, Kit},
        hubee::{
            FOLDERS,
            build::{self, File},
            hub::Hub,
        },
    },
    processes, rounds,
};

/// How many OSLs' connections send at the same time.
const CLIENTS: usize = 16;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Measures on the embedded engine, next to durable files of the same size.
pub fn measure(figures: &mut Figures) {
    let runtime = Runtime::new().expect("threads can be started");
    let hub = runtime.block_on(Hub::open(Kit::new(Engine::Sqlite)));
    let file = document::pdf("telechargement", 100_000);
    let files: Arc<[File]> = ["un.pdf", "deux.pdf"]
        .map(|name| File::of(name, "application/pdf", file.clone()))
        .into();
    let disk = Disk::new();
    let rates = rounds::medians(
        rounds::ROUNDS,
        vec![
            Box::new(|time| disk.durable_files(CLIENTS, Layout::Together, &file, time)),
            Box::new(|time| runtime.block_on(send(&hub, &files, time))),
        ],
    );
    audit(&hub);
    let spent = processes::processor_seconds(hub.pid().as_raw_nonzero().get()) * 1000.0;
    let spent = spent / hub.count("SELECT count(*) FROM hub_folder") as f64;
    figures.line("durable files of 100 KB, 16 threads", rates[0], "/s");
    figures.line("processor time per télédossier", spent, "ms");
    figures.named("folders_per_s", rates[1], "at least 100");
}

/// The rate of all clients together; each sends one folder ahead.
async fn send(hub: &Hub, files: &Arc<[File]>, time: Duration) -> f64 {
    let gate = Arc::new(Barrier::new(CLIENTS + 1));
    let (connector, address) = (office::connector(), hub.hub_address());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (gate, files) = (Arc::clone(&gate), Arc::clone(files));
        let mut office = Office::open(address, &connector, &hub.osl).await;
        clients.spawn(async move {
            folder(&mut office, &files).await;
            gate.wait().await;
            let (start, mut sent) = (Instant::now(), 0);
            while start.elapsed() < time {
                folder(&mut office, &files).await;
                sent += 1;
            }
            sent
        });
    }
    gate.wait().await;
    let start = Instant::now();
    let sent: u64 = clients.join_all().await.into_iter().sum();
    driver::rate(sent, start.elapsed())
}

/// One télédossier, from its creation to its completion.
pub async fn folder(office: &mut Office, files: &[File]) {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let body = build::folder(&format!("DGS-CERTD-{number:013}"), files).to_string();
    let json = "application/json";
    let line = format!("POST {FOLDERS}/folders");
    let created = office.call(&line, json, body.as_bytes(), 201).await;
    let created: Value = serde_json::from_slice(created).expect("it is JSON");
    let path = format!("{FOLDERS}/folders/{}", text(&created["id"]));
    let attachments = created["attachments"].as_array().expect("a list");
    for (attachment, file) in attachments.iter().zip(files) {
        let path = format!("{path}/attachments/{}", text(&attachment["id"]));
        office.upload(&path, file).await;
    }
    let body = br#"{"globalStatus":"HUBEE_COMPLETED"}"#;
    office.call(&format!("PATCH {path}"), json, body, 204).await;
}

fn text(value: &Value) -> &str {
    value.as_str().expect("an id is a text")
}

/// Fails unless every folder is notified, once, and store and rows agree.
fn audit(hub: &Hub) {
    let folders = hub.count("SELECT count(*) FROM hub_folder");
    let notified = hub.count("SELECT count(*) FROM hub_folder WHERE status = 'HUBEE_NOTIFIED'");
    let notifications = hub.count("SELECT count(*) FROM hub_notification");
    assert_eq!([notified, notifications], [folders; 2]);
    hub.doctor();
}
