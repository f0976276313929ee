//! All cases of an organisation move to another (R24) while télédossiers for it are created, completed and answered: each case
//! moves whole, or not at all.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    both_engines,
    kit::{
        hubee::{
            FOLDERS,
            build::{self, File, update},
            caller::Caller,
            hub::Hub,
            referential::{OTHER_SI, PROCESS, SI, SI_BRANCH, identifier},
            sent::Sent,
        },
        wait,
    },
};

/// OSLs that send at once, and how many télédossiers each sends.
const SENDERS: usize = 3;
const EACH: usize = 10;
/// How often an answer is tried before the test is given up.
const TRIES: usize = 400;

/// Notifications of cases that are another's.
const RECEIVED_APART: &str = "SELECT count(*) FROM hub_notification n JOIN hub_case c ON c.id = n.case_id \
    WHERE n.recipient <> c.recipient AND n.recipient LIKE 'SI-%'";
/// What an organisation has said of cases that are another's.
const SENT_APART: &str = "SELECT count(*) FROM hub_notification n JOIN hub_case c ON c.id = n.case_id \
    WHERE n.transmitter <> c.recipient AND n.transmitter LIKE 'SI-%'";
const WRITTEN_APART: &str = "SELECT count(*) FROM hub_event v JOIN hub_case c ON c.id = v.case_id \
    WHERE v.author <> c.recipient AND v.author LIKE 'SI-%'";
/// Cases that were completed and not notified once.
const NOT_TOLD_ONCE: &str = "SELECT count(*) FROM hub_case c WHERE (SELECT count(*) FROM hub_notification n \
    WHERE n.case_id = c.id AND n.event_id IS NULL) <> 1";

fn migration(from: &str, to: &str) -> Value {
    json!({ "organizationSource": identifier(from), "organizationTarget": identifier(to) })
}

/// Moves all cases from one to the other; answers how many.
async fn moved(admin: &Caller, from: &str, to: &str) -> u64 {
    let path = format!("{FOLDERS}/cases/migrate");
    let answer = admin.put(&path, &migration(from, to)).await.of(200).json();
    answer["caseUpdated"].as_u64().expect("a count")
}

#[track_caller]
fn is_whole(hub: &Hub) {
    for apart in [RECEIVED_APART, SENT_APART, WRITTEN_APART] {
        assert_eq!(hub.count(apart), 0, "{apart}");
    }
    assert_eq!(hub.count(NOT_TOLD_ONCE), 0);
}

both_engines! {
    /// R24, R15: a folder is completed while its recipient's cases move; the notification is the new recipient's, every time.
    async fn a_folder_that_is_completed_while_its_case_moves_is_told_to_the_new_recipient(kit) {
        let hub = Hub::open(kit).await;
        let complete = json!({ "globalStatus": "HUBEE_COMPLETED" });
        for number in 0..20 {
            let external = format!("DGS-MOVE-{number:013}");
            let files = [File::pdf(&external)];
            let folder = build::folder_to(&external, &[SI, OTHER_SI, SI], &files);
            let sent = Sent::create(&hub.osl, &folder, &files).await;
            sent.upload(&hub.osl).await;
            let path = sent.path();
            let (completed, count) = tokio::join!(hub.osl.patch(&path, &complete), moved(&hub.admin, SI, SI_BRANCH));
            completed.of(204);
            assert_eq!(count, 2, "its cases were there before");
            is_whole(&hub);
        }
        assert!(hub.notifications(&hub.si).await.is_empty());
        let branch = Caller::register(&hub, SI_BRANCH, "SI", &[PROCESS]).await;
        assert_eq!(hub.notifications(&branch).await.len(), 40);
        assert_eq!(hub.notifications(&hub.other_si).await.len(), 20);
        hub.await_idle();
        hub.doctor();
    }

    /// R24: to and fro, while others send and the recipient answers: whatever comes in between, no case is moved by half.
    async fn cases_move_whole_while_others_are_created_and_completed(kit) {
        let hub = Hub::open(kit).await;
        let branch = Caller::register(&hub, SI_BRANCH, "SI", &[PROCESS]).await;
        let done = Arc::new(AtomicUsize::new(0));
        let mut senders = JoinSet::new();
        for number in 0..SENDERS {
            let callers = [hub.osl.clone(), hub.si.clone(), branch.clone()];
            senders.spawn(send(callers, number, Arc::clone(&done)));
        }
        let (mut from, mut to, mut moves) = (SI, SI_BRANCH, 0);
        while done.load(Ordering::SeqCst) < SENDERS {
            moves += moved(&hub.admin, from, to).await;
            (from, to) = (to, from);
            wait::pause().await;
        }
        senders.join_all().await;
        is_whole(&hub);
        moves += moved(&hub.admin, SI, SI_BRANCH).await;
        assert!(moves >= (SENDERS * EACH) as u64, "{moves} cases moved");
        is_whole(&hub);
        assert_eq!(hub.count(&format!("SELECT count(*) FROM hub_case WHERE recipient = '{SI}'")), 0);
        hub.await_idle();
        hub.doctor();
    }
}

/// Sends télédossiers, each answered by whoever has its case.
async fn send([osl, si, branch]: [Caller; 3], number: usize, done: Arc<AtomicUsize>) {
    for count in 0..EACH {
        let external = format!("DGS-FLOT{number}-{count:013}");
        let files = [File::pdf(&external)];
        let sent = Sent::create(&osl, &build::folder(&external, &files), &files).await;
        sent.upload(&osl).await;
        sent.complete(&osl).await;
        answer(&[&si, &branch], &format!("{}/events", sent.case_path(0))).await;
    }
    done.fetch_add(1, Ordering::SeqCst);
}

/// Answers for whoever has the case just now: it is refused to the other, and may move between two tries.
async fn answer(recipients: &[&Caller], events: &str) {
    for turn in 0..TRIES {
        let caller = recipients[turn % recipients.len()];
        let answer = caller.post(events, &update("IN_PROGRESS")).await;
        if answer.status == 201 {
            return;
        }
        answer.is_refused(403, "Unauthorized user");
        wait::pause().await;
    }
    panic!("the case was never where it was looked for");
}
