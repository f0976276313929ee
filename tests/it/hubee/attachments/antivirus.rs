//! Infected files, and an antivirus that is away (R14, R15, R15b).

use std::time::Duration;

use serde_json::json;

use super::{created, status, word};
use crate::{
    both_engines,
    kit::{
        clamd::{Clamd, Impostor, eicar},
        faketime::FakeClock,
        gateway::{Engine, Kit},
        hubee::{
            build::{self, File},
            hub::Hub,
            sent::Sent,
        },
        wait,
    },
};

/// Long enough for a job to be tried again on a busy machine.
pub(super) const SOON: Duration = Duration::from_secs(180);

/// The hub has its files looked at by `clamd`.
pub(super) fn looking(kit: Kit, clamd: &Clamd) -> Kit {
    clamd.looking(kit).set("antivirus.max_bytes", 1 << 30)
}

fn infected() -> File {
    File::of("courrier.txt", "text/plain", eicar())
}

async fn global_status(hub: &Hub, sent: &Sent) -> String {
    word(&hub.osl.get(&sent.path()).await.of(200).json()["globalStatus"])
}

pub(super) fn open_incidents(hub: &Hub, code: &str) -> u64 {
    hub.count(&format!(
        "SELECT count(*) FROM incident WHERE code = '{code}' AND state = 'open'"
    ))
}

both_engines! {
    /// R14: an infected file is taken with 204 and CORRUPTED; it does not stop the folder, and nobody gets it.
    async fn an_infected_file_does_not_stop_the_folder_and_nobody_gets_it(kit) {
        let clamd = Clamd::start();
        let hub = Hub::open(looking(kit, &clamd)).await;
        let files = [infected(), File::pdf("sain")];
        let sent = created(&hub, "V-1", &files).await;
        sent.upload(&hub.osl).await;
        assert_eq!(status(&hub.osl, &sent, 0).await, "CORRUPTED");
        assert_eq!(status(&hub.osl, &sent, 1).await, "RECEIVED");
        sent.complete(&hub.osl).await;
        assert_eq!(global_status(&hub, &sent).await, "HUBEE_NOTIFIED");
        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["attachments"][0]["status"], "CORRUPTED");
        hub.si.get(&sent.case_file_path(0, 0)).await.is_refused(404, "File is not found");
        hub.si.get(&sent.case_file_path(0, 1)).await.of(200);
        assert_eq!(open_incidents(&hub, "infected"), 1);
        assert_eq!(hub.count("SELECT count(*) FROM journal WHERE kind = 'attachment.quarantined'"), 1);
        hub.await_idle();
        hub.doctor();
    }

    /// R14: an infected file is replaced by a sound one as long as the folder is not completed.
    async fn an_infected_file_is_replaced_by_a_sound_one(kit) {
        let clamd = Clamd::start();
        let hub = Hub::open(looking(kit, &clamd)).await;
        let file = infected();
        let sent = created(&hub, "V-2", std::slice::from_ref(&file)).await;
        sent.upload(&hub.osl).await;
        let sound = "x".repeat(file.bytes.len());
        hub.osl.upload(&sent.file_path(0), sound.clone(), None).await.of(204);
        assert_eq!(status(&hub.osl, &sent, 0).await, "RECEIVED");
        sent.complete(&hub.osl).await;
        assert_eq!(hub.si.get(&sent.case_file_path(0, 0)).await.of(200).body, sound);
        assert_eq!(hub.count("SELECT count(*) FROM scan"), 1);
    }

    /// R15b: while the antivirus is away a folder is completed and waits; its notifications go by themselves once the scans
    /// are done, and an infected file is told then.
    async fn a_folder_waits_for_an_antivirus_that_is_away(kit) {
        let mut clamd = Clamd::start();
        let hub = Hub::open(looking(kit, &clamd)).await;
        clamd.vanish();
        let files = [File::pdf("sain"), infected()];
        let sent = created(&hub, "V-3", &files).await;
        sent.upload(&hub.osl).await;
        assert_eq!(status(&hub.osl, &sent, 0).await, "PENDING");
        hub.osl.get(&sent.case_file_path(0, 0)).await.is_refused(404, "File is not found");
        sent.complete(&hub.osl).await;
        assert_eq!(global_status(&hub, &sent).await, "HUBEE_COMPLETED");
        assert!(hub.notifications(&hub.si).await.is_empty());
        hub.osl.upload(&sent.file_path(0), files[0].bytes.clone(), None).await.is_bad(&["completed"]);
        clamd.appear();
        let told = wait::eventually("notification", SOON, async || {
            let told = hub.notifications(&hub.si).await;
            (!told.is_empty()).then_some(told)
        });
        assert_eq!(told.await.len(), 1);
        assert_eq!(global_status(&hub, &sent).await, "HUBEE_NOTIFIED");
        assert_eq!(status(&hub.osl, &sent, 0).await, "RECEIVED");
        assert_eq!(status(&hub.osl, &sent, 1).await, "CORRUPTED");
        hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        assert_eq!(open_incidents(&hub, "scan-unavailable"), 0, "it was away for less than ten minutes");
        hub.await_idle();
        hub.doctor();
    }

    /// R31: an event is not sent while the antivirus has yet to judge one of its files.
    async fn an_event_waits_for_the_verdict_on_its_files(kit) {
        let silent = Impostor::start(Some(b"stream: OK\0"));
        let kit = silent.looking(kit).set("antivirus.max_bytes", 1 << 30);
        let hub = Hub::open(kit).await;
        let sent = hub.send("V-5").await;
        silent.answer(b"stream: busy ERROR\0");
        let file = File::pdf("complement");
        let event = build::deposit(std::slice::from_ref(&file));
        let events = format!("{}/events", sent.case_path(0));
        let created = hub.si.post(&events, &event).await.of(201).json();
        let path = format!("{events}/{}", word(&created["id"]));
        let upload = format!("{path}/attachments/{}", word(&created["attachments"][0]["id"]));
        hub.si.upload(&upload, file.bytes.clone(), None).await.of(204);
        hub.si.patch(&path, &json!({ "status": "SENT" })).await.is_bad(&["PENDING"]);
        silent.answer(b"stream: OK\0");
        wait::eventually("sent event", SOON, async || {
            let answer = hub.si.patch(&path, &json!({ "status": "SENT" })).await;
            (answer.status == 204).then_some(())
        })
        .await;
        assert_eq!(hub.osl.get(&upload).await.of(200).body, file.bytes);
    }
}

/// R15b: ten minutes without a verdict are an incident, which ends with the verdict. On SQLite, for PostgreSQL times what waits
/// by its own clock, which no test sets.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_minutes_without_a_verdict_are_an_incident() {
    let kit = Kit::new(Engine::Sqlite);
    let mut clamd = Clamd::start();
    let (kit, clock) = FakeClock::over(looking(kit, &clamd));
    let hub = Hub::open(kit).await;
    clamd.vanish();
    let sent = hub.create("V-4").await;
    sent.upload(&hub.osl).await;
    sent.complete(&hub.osl).await;
    clock.set("+5m");
    let tried = "SELECT count(*) FROM job WHERE kind = 'scan-attachment' AND attempts > 0";
    wait::until("another try", SOON, || {
        (hub.count(tried) == 1).then_some(())
    });
    assert_eq!(open_incidents(&hub, "scan-unavailable"), 0);
    clock.set("+12m");
    wait::until("incident", SOON, || {
        (open_incidents(&hub, "scan-unavailable") == 1).then_some(())
    });
    clamd.appear();
    wait::until("verdict", SOON, || {
        (open_incidents(&hub, "scan-unavailable") == 0).then_some(())
    });
    assert_eq!(global_status(&hub, &sent).await, "HUBEE_NOTIFIED");
}
