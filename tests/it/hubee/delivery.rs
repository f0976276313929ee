//! Guaranteed delivery: killed at any moment, the hub leaves a télédossier not completed, or completed with all of its
//! notifications.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    both_engines,
    kit::{
        chance::Chance,
        client::Answer,
        gateway::Gateway,
        hubee::{
            FOLDERS,
            build::{self, File},
            caller::{Caller, try_finish},
            hub::Hub,
            referential::{OTHER_SI, SI},
            sent::Sent,
        },
        wait,
    },
};

const KILLS: usize = 40;
const CLIENTS: usize = 3;
/// How often a client asks again before the test is given up: some minutes.
const TRIES: usize = 3000;

/// What the OSLs did and were told.
#[derive(Debug, Default)]
struct Told {
    /// Folders whose creation was acknowledged.
    created: AtomicUsize,
    /// Their ends: no more begin.
    stopping: AtomicBool,
}

both_engines! {
    /// R15, guaranteed delivery: `kill -9` at any moment, forty times, while OSLs create, upload and complete.
    async fn forty_kills_leave_every_teledossier_whole(kit) {
        let mut chance = Chance::new();
        let mut hub = Hub::open(kit.set("worker.lease_seconds", 3)).await;
        let told = Arc::new(Told::default());
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            clients.spawn(insist(hub.osl.clone(), number, Arc::clone(&told)));
        }
        for _ in 0..KILLS {
            live_for_a_while(&mut hub.gateway, &told, &mut chance).await;
            hub.gateway.kill();
            hub.gateway.launch(&[]);
        }
        hub.gateway.await_ready();
        told.stopping.store(true, Ordering::SeqCst);
        let completed = clients.join_all().await.concat();
        assert!(completed.len() >= KILLS / 4, "{} only", completed.len());
        is_whole(&hub, &completed).await;
        println!("{} folders created, {} completed", told.created.load(Ordering::SeqCst), completed.len());
    }

    /// R15: two connections say at once that all is there; each case is notified once.
    async fn a_folder_completed_twice_at_once_is_notified_once(kit) {
        let hub = Hub::open(kit).await;
        let body = json!({ "globalStatus": "HUBEE_COMPLETED" });
        for number in 0..8 {
            let sent = hub.create(&format!("DGS-CERTD-000000000005{number}")).await;
            sent.upload(&hub.osl).await;
            let path = sent.path();
            let others = [hub.osl.clone(), hub.admin.clone()];
            let (one, other) = tokio::join!(others[0].patch(&path, &body), others[1].patch(&path, &body));
            let answers = [one.status, other.status];
            assert!(answers.contains(&204), "{one:?} {other:?}");
            assert!(answers.iter().all(|status| [204, 400].contains(status)), "{one:?} {other:?}");
            let told = hub.notifications(&hub.si).await;
            let mine = told.iter().filter(|told| told["caseId"] == sent.case(0)).count();
            assert_eq!(mine, 1, "notifications of {path}");
        }
        hub.await_idle();
        hub.doctor();
    }
}

/// One life in eight ends while it starts, the others under way.
async fn live_for_a_while(gateway: &mut Gateway, told: &Told, chance: &mut Chance) {
    if chance.below(8) == 0 {
        return any_moment(chance, 200).await;
    }
    gateway.await_ready();
    if chance.below(2) == 0 {
        let goal = told.created.load(Ordering::SeqCst) + 1;
        while told.created.load(Ordering::SeqCst) < goal {
            wait::pause().await;
        }
    }
    any_moment(chance, 150).await;
}

/// Not a wait for anything: the moment itself is what is drawn.
async fn any_moment(chance: &mut Chance, within_ms: u64) {
    let moment = chance.below(within_ms * 1000);
    tokio::time::sleep(Duration::from_micros(moment)).await;
}

/// An OSL that goes on through every death; gives the folders whose completion it knows of.
async fn insist(osl: Caller, number: usize, told: Arc<Told>) -> Vec<Sent> {
    let mut completed = Vec::new();
    let mut folder = 0;
    while !told.stopping.load(Ordering::SeqCst) {
        folder += 1;
        let external = format!("DGS-{number}-{folder:013}");
        let files = [File::pdf(&external), File::png("commun")];
        let body = build::folder_to(&external, &[SI, OTHER_SI], &files);
        let request = || osl.sending(Method::POST, &format!("{FOLDERS}/folders"), &body);
        // An answer that was lost leaves a folder that nobody goes on with: the next one has another name.
        let Some(answer) = once(request()).await else {
            wait::pause().await;
            continue;
        };
        let sent = Sent {
            folder: answer.of(201).json(),
            files: files.to_vec(),
        };
        told.created.fetch_add(1, Ordering::SeqCst);
        finish(&osl, &sent).await;
        completed.push(sent);
    }
    completed
}

/// Uploads and completes, as often as it takes.
pub async fn finish(osl: &Caller, sent: &Sent) {
    for (number, file) in sent.files.iter().enumerate() {
        let path = sent.file_path(number);
        let answer = again(|| osl.uploading(&path, file.bytes.clone(), None)).await;
        answer.of(204);
    }
    let body = json!({ "globalStatus": "HUBEE_COMPLETED" });
    for _ in 0..TRIES {
        let request = osl.sending(Method::PATCH, &sent.path(), &body);
        if let Some(answer) = once(request).await {
            answer.of(204);
            return;
        }
        // Whether the answer was lost or the completion, the folder tells.
        let read = again(|| osl.request(Method::GET, &sent.path()))
            .await
            .of(200);
        match read.json()["globalStatus"].as_str() {
            Some("HUBEE_NOTIFIED") => return,
            Some("HUBEE_RECEIVED") => {}
            other => panic!("a folder that is {other:?}"),
        }
    }
    panic!("{} was never completed", sent.path());
}

async fn again(mut request: impl FnMut() -> reqwest::RequestBuilder) -> Answer {
    for _ in 0..TRIES {
        if let Some(answer) = once(request()).await {
            return answer;
        }
        wait::pause().await;
    }
    panic!("no answer");
}

/// An answer, unless the hub is away.
async fn once(request: reqwest::RequestBuilder) -> Option<Answer> {
    let answer = try_finish(request).await.ok()?;
    (answer.status != 503).then_some(answer)
}

/// Fails unless every folder is notified with both cases, or not at all; those known to be completed are, once.
pub async fn is_whole(hub: &Hub, completed: &[Sent]) {
    hub.await_idle();
    let halves = "SELECT count(*) FROM hub_folder f WHERE \
         (SELECT count(*) FROM hub_notification n WHERE n.folder_id = f.id) \
         <> CASE f.status WHEN 'HUBEE_RECEIVED' THEN 0 WHEN 'HUBEE_NOTIFIED' THEN 2 ELSE -1 END";
    assert_eq!(hub.count(halves), 0, "folders notified by half");
    let cases = "SELECT count(*) FROM hub_case c JOIN hub_folder f ON f.id = c.folder_id WHERE c.status <> f.status";
    assert_eq!(hub.count(cases), 0, "cases apart from their folder");
    let told = hub
        .si
        .get(&format!("{FOLDERS}/notifications?maxResult=100000"))
        .await
        .of(200)
        .json();
    let told: Vec<&Value> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["caseId"])
        .collect();
    for sent in completed {
        let mine = told.iter().filter(|case| **case == sent.case(0)).count();
        assert_eq!(mine, 1, "notifications of {}", sent.path());
    }
    for sent in completed.iter().take(10) {
        let file = hub.si.get(&sent.case_file_path(0, 1)).await.of(200);
        assert_eq!(file.body, sent.files[1].bytes);
    }
    hub.doctor();
}
