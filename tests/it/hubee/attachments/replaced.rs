//! What becomes of a file that its sender replaces or withdraws (R14, R36): its row goes in the transaction that puts the other in
//! its place, its blob right behind, and no inspection finds anything to say.

use std::time::Duration;

use super::{created, digest, status, word};
use crate::{
    both_engines,
    hubee::batches::{give_lease_back, take_lease},
    kit::{
        clamd::Impostor,
        document,
        hubee::{
            build::{self, File},
            caller::try_finish,
            hub::Hub,
        },
        wait,
    },
};

/// Long enough for a job to be tried again on a busy machine.
const SOON: Duration = Duration::from_secs(180);
/// What of a hub's files is kept, given up ones too.
const DOCUMENTS: &str = "SELECT count(*) FROM document WHERE role = 'attachment'";

/// Fails unless so many files are kept, rows and blobs, nothing waits to be removed, and no inspection finds a difference.
#[track_caller]
fn holds(hub: &Hub, files: u64) {
    assert_eq!(hub.blobs().len() as u64, files);
    assert_eq!(hub.count(DOCUMENTS), files);
    assert_eq!(hub.count("SELECT count(*) FROM blob_removal"), 0);
    let report = hub.doctor();
    assert_eq!(report["orphansToBeSwept"], 0, "{report}");
}

both_engines! {
    /// R14: the file that was there is gone as soon as the answer is here, replaced by a sound one or by none.
    async fn a_replaced_file_leaves_nothing_behind(kit) {
        let hub = Hub::open(kit).await;
        let file = File::pdf("premier");
        let sent = created(&hub, "R-1", std::slice::from_ref(&file)).await;
        for label in ["premier", "second", "encore"] {
            hub.osl.upload(&sent.file_path(0), document::small(label), None).await.of(204);
            holds(&hub, 1);
        }
        let wrong = hub.osl.upload(&sent.file_path(0), file.bytes.clone(), Some(&digest(b"autre"))).await;
        wrong.is_bad(&["digest"]);
        assert_eq!(status(&hub.osl, &sent, 0).await, "REJECTED");
        holds(&hub, 0);
        hub.osl.upload(&sent.file_path(0), file.bytes.clone(), None).await.of(204);
        sent.complete(&hub.osl).await;
        assert_eq!(hub.si.get(&sent.case_file_path(0, 0)).await.of(200).body, file.bytes);
        assert_eq!(hub.count("SELECT count(*) FROM journal WHERE kind = 'attachment.received'"), 4);
        hub.await_idle();
        holds(&hub, 1);
    }

    /// R14: replaced by several at once, it is one of theirs, and the others leave nothing.
    async fn a_file_that_is_replaced_by_several_at_once_is_one_of_theirs(kit) {
        let hub = Hub::open(kit).await;
        let file = File::pdf("courant");
        let sent = created(&hub, "R-2", std::slice::from_ref(&file)).await;
        let path = sent.file_path(0);
        for _ in 0..6 {
            let (a, b, c) = tokio::join!(
                hub.osl.upload(&path, document::small("AAAAAAA"), None),
                hub.osl.upload(&path, document::small("BBBBBBB"), None),
                hub.admin.upload(&path, document::small("CCCCCCC"), None),
            );
            [a, b, c].into_iter().for_each(|answer| drop(answer.of(204)));
            holds(&hub, 1);
        }
        sent.complete(&hub.osl).await;
        hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
    }

    /// R36: the files of an event that is withdrawn go with it.
    async fn a_withdrawn_event_leaves_no_file_behind(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("R-3").await;
        let files = [File::pdf("complement"), File::png("page")];
        let events = format!("{}/events", sent.case_path(0));
        let event = hub.si.post(&events, &build::deposit(&files)).await.of(201).json();
        let path = format!("{events}/{}", word(&event["id"]));
        for (number, file) in files.iter().enumerate() {
            let upload = format!("{path}/attachments/{}", word(&event["attachments"][number]["id"]));
            hub.si.upload(&upload, file.bytes.clone(), None).await.of(204);
        }
        holds(&hub, 3);
        hub.si.delete(&path).await.of(204);
        holds(&hub, 1);
    }

    /// A backup copies what its rows name: while one is made the replaced file stays, without anybody calling it an orphan, and
    /// goes afterwards by itself.
    async fn a_replaced_file_stays_as_long_as_a_backup_is_made(kit) {
        let mut hub = Hub::open(kit).await;
        let file = File::pdf("premier");
        let sent = created(&hub, "R-4", std::slice::from_ref(&file)).await;
        sent.upload(&hub.osl).await;
        take_lease(&hub);
        hub.osl.upload(&sent.file_path(0), document::small("second"), None).await.of(204);
        assert_eq!(hub.blobs().len(), 2);
        // A worker looks when it starts, and then every minute.
        assert!(hub.gateway.stop().success());
        hub.gateway.restart();
        hub.await_idle();
        hub.doctor();
        assert_eq!(hub.blobs().len(), 2, "removed beside a backup");
        give_lease_back(&hub);
        assert!(hub.gateway.stop().success());
        hub.gateway.restart();
        wait::until("removal", SOON, || (hub.count("SELECT count(*) FROM blob_removal") == 0).then_some(()));
        holds(&hub, 1);
        sent.complete(&hub.osl).await;
        assert_eq!(hub.si.get(&sent.case_file_path(0, 0)).await.of(200).body, document::small("second"));
    }

    /// A process that dies between the rows and the blob leaves it to the next, which removes it.
    async fn a_death_behind_a_replacement_leaves_nothing_for_good(kit) {
        let mut hub = Hub::open(kit).await;
        let file = File::pdf("premier");
        let sent = created(&hub, "R-5", std::slice::from_ref(&file)).await;
        sent.upload(&hub.osl).await;
        assert!(hub.gateway.stop().success());
        hub.gateway.restart_with(&[("NAVETTE_FAILPOINT".to_owned(), "attachment.after-commit".to_owned())]);
        let (osl, path) = (hub.osl.clone(), sent.file_path(0));
        let sending = tokio::spawn(async move {
            let request = osl.uploading(&path, document::small("second"), None);
            try_finish(request).await.is_err()
        });
        tokio::task::block_in_place(|| hub.gateway.ended());
        assert!(sending.await.unwrap(), "an answer from the dead");
        assert_eq!(hub.blobs().len(), 2);
        hub.gateway.restart_with(&[]);
        wait::until("removal", SOON, || (hub.count("SELECT count(*) FROM blob_removal") == 0).then_some(()));
        holds(&hub, 1);
        assert_eq!(status(&hub.osl, &sent, 0).await, "RECEIVED");
    }

    /// R14, R15b: replaced while it waits for the antivirus, a file is asked about no more; the other has its own verdict.
    async fn a_file_that_is_replaced_before_its_verdict_is_asked_about_no_more(kit) {
        let silent = Impostor::start(Some(b"stream: busy ERROR\0"));
        let hub = Hub::open(silent.looking(kit).set("antivirus.max_bytes", 1 << 30)).await;
        let file = File::pdf("premier");
        let sent = created(&hub, "R-6", std::slice::from_ref(&file)).await;
        for label in ["premier", "second"] {
            hub.osl.upload(&sent.file_path(0), document::small(label), None).await.of(204);
        }
        assert_eq!(status(&hub.osl, &sent, 0).await, "PENDING");
        silent.answer(b"stream: OK\0");
        wait::eventually("verdict", SOON, async || {
            (status(&hub.osl, &sent, 0).await == "RECEIVED").then_some(())
        })
        .await;
        hub.await_idle();
        assert_eq!(hub.count("SELECT count(*) FROM scan"), 1);
        assert_eq!(hub.count("SELECT count(*) FROM incident"), 0);
        holds(&hub, 1);
    }
}
