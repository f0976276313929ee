//! R61: a folder that is closed for long enough is archived; nothing of it can be changed any more.

use serde_json::{Value, json};

use super::{age, closed, rehearse, run};
use crate::{
    both_engines,
    kit::hubee::{build, hub::Hub},
};

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

    /// R21, R61: ARCHIVED is final.
    async fn nothing_of_an_archived_folder_can_be_changed(kit) {
        let hub = Hub::open(kit).await;
        let sent = super::archived(&hub, "DGS-R61-2").await;
        for status in ["HUBEE_NOTIFIED", "CLOSED", "HUBEE_COMPLETED"] {
            let body = json!({ "globalStatus": status });
            hub.osl.patch(&sent.path(), &body).await.of(400);
        }
        for (caller, status) in [(&hub.osl, "HUBEE_NOTIFIED"), (&hub.si, "DONE"), (&hub.admin, "IN_PROGRESS")] {
            let body = json!({ "status": status });
            caller.patch(&sent.case_path(0), &body).await.of(400);
        }
        let events = format!("{}/events", sent.case_path(0));
        hub.si.post(&events, &build::update("DONE")).await.of(400);
        hub.osl.delete(&sent.path()).await.of(400);
        let bytes = sent.files[0].bytes.clone();
        hub.osl.upload(&sent.file_path(0), bytes, None).await.of(400);
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
}
