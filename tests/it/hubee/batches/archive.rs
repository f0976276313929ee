//! R61: a folder that is closed for long enough is archived; nothing of it can be changed any more.

use navette::{kernel::clock::Clock, storage::hubee::batches};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{age, at_portal, closed, rehearse, run};
use crate::{
    both_engines, inside,
    kit::hubee::{FOLDERS, REFERENTIAL, build, hub::Hub, referential::PROCESS, sent::Sent},
};

/// What is said of a folder, and of a case, that is archived.
const FOLDER_ARCHIVED: &str = "Folder is archived and cannot be changed";
const CASE_ARCHIVED: &str = "Case is archived and cannot be changed";

/// Fails unless folder, case and files stand as the archiving left them.
async fn is_as_archived(hub: &Hub, sent: &Sent) {
    let folder = hub.osl.get(&sent.path()).await.of(200).json();
    assert_eq!(folder["globalStatus"], "ARCHIVED");
    assert_eq!(folder["cases"][0]["status"], "ARCHIVED");
    assert_eq!(folder["attachments"][0]["status"], "DELETED");
    assert!(
        hub.blobs().is_empty(),
        "nothing of a refused upload is kept"
    );
    hub.await_idle();
    hub.doctor();
}

/// What the batch's transaction archives of a folder that it found to be free.
async fn archived_now(hub: &Hub, sent: &Sent) -> Vec<Uuid> {
    let (id, now) = (sent.id().parse().unwrap(), Clock::system().now());
    let store = inside::store(hub);
    let archived = store.write(move |tx| batches::archive(tx, id, now, now, &[id]));
    archived.await.unwrap()
}

both_engines! {
    /// R61: `timeBeforeArchiving` days after its closing (one, here) folder and cases are ARCHIVED and their contents gone.
    async fn a_folder_that_is_closed_for_long_enough_is_archived_and_its_contents_go(kit) {
        let hub = Hub::open(kit).await;
        let sent = closed(&hub, "DGS-R61-1").await;
        assert_eq!(run(&hub, "archive")["folders"], 0, "it was closed today");
        age(&hub, "hub_folder", "closed_at", 1);
        let would = rehearse(&hub, "archive");
        assert_eq!((&would["folders"], &would["runId"]), (&json!(1), &Value::Null), "{would}");
        assert_eq!(hub.osl.get(&sent.path()).await.json()["globalStatus"], "CLOSED");
        let report = run(&hub, "archive");
        assert_eq!(report["items"], json!([{ "folderId": sent.id() }]), "{report}");
        assert!(hub.blobs().is_empty());
        let folder = hub.osl.get(&sent.path()).await.of(200).json();
        assert_eq!((&folder["globalStatus"], &folder["cases"][0]["status"]), (&json!("ARCHIVED"), &json!("ARCHIVED")));
        assert_eq!(folder["attachments"][0]["status"], "DELETED");
        hub.si.get(&sent.case_file_path(0, 0)).await.is_refused(404, "File is not found");
        hub.await_idle();
        hub.doctor();
    }

    /// R21, R61: ARCHIVED is final, for every caller and by every way (R5).
    async fn nothing_of_an_archived_folder_can_be_changed(kit) {
        let hub = Hub::open(kit).await;
        let sent = super::archived(&hub, "DGS-R61-2").await;
        for status in ["HUBEE_NOTIFIED", "CLOSED", "HUBEE_COMPLETED"] {
            let body = json!({ "globalStatus": status });
            hub.osl.patch(&sent.path(), &body).await.is_refused(400, FOLDER_ARCHIVED);
            hub.admin.patch_by_post(&sent.path(), &body).await.is_refused(400, FOLDER_ARCHIVED);
        }
        for (caller, status) in [(&hub.osl, "HUBEE_NOTIFIED"), (&hub.si, "DONE"), (&hub.admin, "IN_PROGRESS")] {
            let body = json!({ "status": status });
            caller.patch(&sent.case_path(0), &body).await.is_refused(400, CASE_ARCHIVED);
            caller.patch_by_post(&sent.case_path(0), &body).await.is_refused(400, CASE_ARCHIVED);
        }
        let events = format!("{}/events", sent.case_path(0));
        hub.si.post(&events, &build::update("DONE")).await.is_refused(400, CASE_ARCHIVED);
        hub.osl.post(&events, &build::deposit(&sent.files)).await.is_refused(400, CASE_ARCHIVED);
        let only = "Folder can only be deleted at HUBEE_RECEIVED, without event or notification";
        hub.osl.delete(&sent.path()).await.is_refused(400, only);
        let (bytes, closed) = (sent.files[0].bytes.clone(), "Folder is completed: its attachments cannot be changed");
        hub.osl.upload(&sent.file_path(0), bytes, None).await.is_refused(400, closed);
        is_as_archived(&hub, &sent).await;
    }

    /// R31, R34, R36, R61: what was begun before is not gone on with: an event's file, its sending, its withdrawal, the word that
    /// another was read.
    async fn an_event_that_was_begun_before_its_folder_was_archived_stays_as_it_is(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-R61-6").await;
        let events = format!("{}/events", sent.case_path(0));
        let file = build::File::pdf("commencé");
        let begun = hub.si.post(&events, &build::deposit(std::slice::from_ref(&file))).await.of(201).json();
        let told = hub.si.post(&events, &build::update("IN_PROGRESS")).await.of(201).json();
        let path = |event: &Value| format!("{events}/{}", event["id"].as_str().unwrap());
        let upload = format!("{}/attachments/{}", path(&begun), begun["attachments"][0]["id"].as_str().unwrap());
        super::close(&hub, &sent).await;
        age(&hub, "hub_folder", "closed_at", 2);
        assert_eq!(run(&hub, "archive")["folders"], 1);
        hub.si.upload(&upload, file.bytes.clone(), None).await.is_refused(400, CASE_ARCHIVED);
        hub.si.patch(&path(&begun), &json!({ "status": "SENT" })).await.is_refused(400, CASE_ARCHIVED);
        hub.si.delete(&path(&begun)).await.is_refused(400, CASE_ARCHIVED);
        hub.osl.patch(&path(&told), &json!({ "status": "RECEIVED" })).await.is_refused(400, CASE_ARCHIVED);
        let kept = hub.si.get(&sent.case_path(0)).await.of(200).json();
        let states: Vec<_> = kept["events"].as_array().unwrap().iter().map(|event| &event["status"]).collect();
        assert_eq!(states, ["IN_PROGRESS", "SENT"]);
        is_as_archived(&hub, &sent).await;
    }

    /// R23, R25: where files go at ARCHIVED, the portal is told of its copies once their folder is.
    async fn where_files_go_at_archived_the_portal_has_its_copies_to_purge(kit) {
        let hub = Hub::open(kit).await;
        let process = format!("{REFERENTIAL}/processes/{PROCESS}");
        let mut said = hub.admin.get(&process).await.of(200).json();
        said["statusBeforeFileDeletion"] = "ARCHIVED".into();
        hub.admin.put(&process, &said).await.of(200);
        let sent = closed(&hub, "DGS-R61-7").await;
        assert_eq!(hub.si.get(&at_portal()).await.of(200).json(), json!([]));
        age(&hub, "hub_folder", "closed_at", 2);
        assert_eq!(run(&hub, "archive")["folders"], 1);
        let listed = json!([{ "folder_attachment_id": sent.attachment(0), "case_id": sent.case(0) }]);
        for caller in [&hub.si, &hub.osl, &hub.admin] {
            assert_eq!(caller.get(&at_portal()).await.of(200).json(), listed);
        }
        hub.si.put(&format!("{FOLDERS}/idsPurged"), &listed).await.of(204);
        assert_eq!(hub.admin.get(&at_portal()).await.of(200).json(), json!([]));
        hub.await_idle();
        hub.doctor();
    }

    /// R16: a folder that was opened again is not closed, however long ago it was.
    async fn a_folder_that_was_reopened_is_not_archived(kit) {
        let hub = Hub::open(kit).await;
        let sent = closed(&hub, "DGS-R61-3").await;
        hub.osl.patch(&sent.path(), &json!({ "globalStatus": "HUBEE_NOTIFIED" })).await.of(204);
        age(&hub, "hub_folder", "closed_at", 10);
        assert_eq!(run(&hub, "archive")["folders"], 0);
    }

    /// R16: the date of its closing is the one that was said.
    async fn the_date_that_was_said_of_its_closing_counts(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-R61-4").await;
        let body = json!({ "globalStatus": "CLOSED", "closeDateTime": "2026-01-02T03:04:05+01:00" });
        hub.osl.patch(&sent.path(), &body).await.of(204);
        assert_eq!(run(&hub, "archive")["folders"], 1);
    }

    /// What an open incident is about is kept and told, and goes once it is resolved.
    async fn what_an_open_incident_is_about_is_kept_and_told(kit) {
        let hub = Hub::open(kit).await;
        let sent = closed(&hub, "DGS-R61-5").await;
        age(&hub, "hub_folder", "closed_at", 2);
        let id = hub.id(sent.id());
        hub.sql(&format!(
            "INSERT INTO incident (id, code, project, partner, environment, exchange_id, state, count, first_at, opened_at, \
             last_at, mail_after, detail) SELECT id, 'corrupt-blob', project, partner, environment, id, 'open', 1, 0, 0, 0, 0, \
             '{{}}' FROM exchange WHERE id = {id}; SELECT 1"
        ));
        let report = run(&hub, "archive");
        assert_eq!(report["keptBack"], json!([{ "folderId": sent.id(), "reasons": ["incident"] }]), "{report}");
        hub.sql("UPDATE incident SET state = 'resolved'; SELECT 1");
        assert_eq!(run(&hub, "archive")["folders"], 1);
    }

    /// R22, R61: a first reading of a case that is archived changes nothing of it.
    async fn an_archived_case_that_nobody_had_read_is_not_changed_by_its_reading(kit) {
        let hub = Hub::open(kit).await;
        let sent = super::archived(&hub, "DGS-R61-8").await;
        let before = hub.osl.get(&sent.case_path(0)).await.of(200).json();
        let read = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!((&read["status"], &read["transmissionDateTime"]), (&json!("ARCHIVED"), &Value::Null));
        assert_eq!(hub.osl.get(&sent.case_path(0)).await.of(200).json(), before);
        assert_eq!(hub.count("SELECT count(*) FROM journal WHERE kind = 'case.transmitted'"), 0);
    }

    /// R61: a legal hold keeps a closed folder and is told; a hold that comes between the look and the transaction keeps it too. Lifted,
    /// the folder is archived.
    async fn what_is_on_legal_hold_is_not_archived(kit) {
        let hub = Hub::open(kit).await;
        let sent = closed(&hub, "DGS-R61-9").await;
        age(&hub, "hub_folder", "closed_at", 2);
        let hold = ["DGS-R61-9", "--project", "hubee", "--reason", "contentieux"];
        hub.run(&[&["hold", "add"][..], &hold].concat()).succeeded();
        let report = run(&hub, "archive");
        assert_eq!(report["keptBack"], json!([{ "folderId": sent.id(), "reasons": ["hold"] }]), "{report}");
        assert!(archived_now(&hub, &sent).await.is_empty());
        assert_eq!(hub.osl.get(&sent.path()).await.of(200).json()["globalStatus"], "CLOSED");
        hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        hub.run(&[&["hold", "remove"][..], &hold].concat()).succeeded();
        assert_eq!(run(&hub, "archive")["folders"], 1);
        is_as_archived(&hub, &sent).await;
    }
}
