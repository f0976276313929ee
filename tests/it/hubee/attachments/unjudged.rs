//! The incidents about files without a verdict: none outlives what it is about (R15b).

use super::{
    antivirus::{SOON, looking, open_incidents},
    word,
};
use crate::{
    both_engines,
    hubee::batches::{age, close, run},
    kit::{
        clamd::{Clamd, Impostor},
        faketime::FakeClock,
        gateway::{Engine, Kit},
        hubee::{
            build::{self, File},
            hub::Hub,
        },
        wait,
    },
};

/// What clamd says of a file over its limits: it lies with the file.
const LARGE: &[u8] = b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0";
const CLEAN: &[u8] = b"stream: OK\0";

fn incidents(hub: &Hub) -> u64 {
    open_incidents(hub, "scan-unavailable")
}

fn await_incident(hub: &Hub) {
    wait::until("incident", SOON, || (incidents(hub) == 1).then_some(()));
}

both_engines! {
    /// R14, R61: it ends with another file that has a verdict, and keeps nothing of the folder any more.
    async fn a_file_without_a_verdict_is_no_incident_any_more_once_a_sound_one_has_its_place(kit) {
        let silent = Impostor::start(Some(LARGE));
        let kit = silent.looking(kit).set("antivirus.max_bytes", 1 << 30);
        let hub = Hub::of(kit.with_hub().without_worker().start()).await;
        let sent = hub.create("V-6").await;
        let mut worker = hub.start_worker(&[]);
        sent.upload(&hub.osl).await;
        await_incident(&hub);
        // Nobody asks again before the other comes.
        assert!(worker.stop().success());
        silent.answer(CLEAN);
        sent.upload(&hub.osl).await;
        assert_eq!(incidents(&hub), 0);
        let mut worker = hub.start_worker(&[]);
        sent.complete(&hub.osl).await;
        close(&hub, &sent).await;
        age(&hub, "hub_folder", "closed_at", 2);
        assert_eq!(run(&hub, "archive")["folders"], 1);
        hub.await_idle();
        hub.doctor();
        assert!(worker.stop().success());
    }

    /// R14, R17: nor does it outlast a file in whose place another was rejected, or that went with its folder.
    async fn a_file_without_a_verdict_is_no_incident_any_more_once_it_is_rejected_or_withdrawn(kit) {
        let silent = Impostor::start(Some(LARGE));
        let hub = Hub::open(silent.looking(kit).set("antivirus.max_bytes", 1 << 30)).await;
        let sent = hub.create("V-7").await;
        sent.upload(&hub.osl).await;
        await_incident(&hub);
        hub.osl.upload(&sent.file_path(0), "autre chose", None).await.is_bad(&["size"]);
        assert_eq!(incidents(&hub), 0, "rejected");
        sent.upload(&hub.osl).await;
        await_incident(&hub);
        hub.osl.delete(&sent.path()).await.of(204);
        assert_eq!(incidents(&hub), 0, "withdrawn");
        hub.await_idle();
        assert_eq!(incidents(&hub), 0, "whose job found nothing");
        hub.doctor();
    }

    /// R36: nor a file that went with its event.
    async fn a_file_without_a_verdict_is_no_incident_any_more_once_its_event_is_withdrawn(kit) {
        let silent = Impostor::start(Some(CLEAN));
        let hub = Hub::open(silent.looking(kit).set("antivirus.max_bytes", 1 << 30)).await;
        let sent = hub.send("V-8").await;
        silent.answer(LARGE);
        let (events, file) = (format!("{}/events", sent.case_path(0)), File::pdf("complement"));
        let event = hub.si.post(&events, &build::deposit(std::slice::from_ref(&file))).await.of(201).json();
        let path = format!("{events}/{}", word(&event["id"]));
        let upload = format!("{path}/attachments/{}", word(&event["attachments"][0]["id"]));
        hub.si.upload(&upload, file.bytes.clone(), None).await.of(204);
        await_incident(&hub);
        hub.si.delete(&path).await.of(204);
        assert_eq!(incidents(&hub), 0);
        hub.await_idle();
        hub.doctor();
    }
}

/// R15b, R17: the hub's own incident ends once nothing waits any more, though the antivirus is still away. On SQLite, for PostgreSQL
/// times what waits by its own clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_antivirus_that_is_away_is_no_incident_any_more_once_nothing_waits_for_it() {
    let mut clamd = Clamd::start();
    let (kit, clock) = FakeClock::over(looking(Kit::new(Engine::Sqlite), &clamd));
    let hub = Hub::open(kit).await;
    clamd.vanish();
    let sent = hub.create("V-9").await;
    sent.upload(&hub.osl).await;
    clock.set("+12m");
    await_incident(&hub);
    hub.osl.delete(&sent.path()).await.of(204);
    wait::until("end of the incident", SOON, || {
        (incidents(&hub) == 0).then_some(())
    });
}
