//! R60: contents whose links are all over their date go; their metadata stay.

use serde_json::{Value, json};

use super::{age, at_portal, moved, rehearse, run};
use crate::{
    both_engines,
    kit::hubee::{
        build::{self, File},
        hub::Hub,
        referential::{OTHER_SI, SI},
        sent::Sent,
    },
};

both_engines! {
    /// R23, R60: at the process's status a link is dated; past the date its content goes, link and attachment are `DELETED`,
    /// and all else that is known of the file stays.
    async fn a_content_goes_once_its_last_link_is_over_its_date_and_its_metadata_stay(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-R60-1").await;
        let file = sent.case_file_path(0, 0);
        moved(&hub.si, &sent, 0, "DONE").await;
        assert_eq!(rehearse(&hub, "purge")["attachments"], 0, "its date has not come");
        hub.si.get(&file).await.of(200);
        age(&hub, "hub_case_attachment", "delete_at", 3);
        let would = rehearse(&hub, "purge");
        assert_eq!((&would["attachments"], &would["runId"]), (&json!(1), &Value::Null), "{would}");
        assert_eq!(hub.blobs().len(), 1, "a rehearsal changes nothing");
        let report = run(&hub, "purge");
        let size = sent.files[0].bytes.len();
        assert_eq!((&report["attachments"], &report["bytes"], &report["blobsLeft"]), (&json!(1), &json!(size), &json!(0)), "{report}");
        assert_eq!(report["items"], json!([{ "folderId": sent.id(), "attachmentIds": [sent.attachment(0)] }]));
        assert!(hub.blobs().is_empty());
        hub.si.get(&file).await.is_refused(404, "File is not found");
        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        let there = &case["attachments"][0];
        assert_eq!(there["status"], "DELETED", "{case}");
        for field in ["fileName", "size", "type", "mimeType"] {
            assert_eq!(there[field], sent.folder["attachments"][0][field], "{field}");
        }
        let listed = hub.si.get(&at_portal()).await.of(200).json();
        assert_eq!(listed[0]["folder_attachment_id"], sent.attachment(0), "R25: the portal has its own copy to purge");
        assert_eq!(run(&hub, "purge")["attachments"], 0);
        hub.await_idle();
        hub.doctor();
    }

    /// R60: *all* links, not one of them.
    async fn a_content_that_another_case_may_still_have_stays(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("R60-2")];
        let folder = build::folder_to("DGS-R60-2", &[SI, OTHER_SI], &files);
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        moved(&hub.si, &sent, 0, "DONE").await;
        age(&hub, "hub_case_attachment", "delete_at", 3);
        assert_eq!(run(&hub, "purge")["attachments"], 0);
        hub.other_si.get(&sent.case_file_path(1, 0)).await.of(200);
        moved(&hub.other_si, &sent, 1, "DONE").await;
        assert_eq!(run(&hub, "purge")["attachments"], 0, "the other's date has not come");
        age(&hub, "hub_case_attachment", "delete_at", 3);
        assert_eq!(run(&hub, "purge")["attachments"], 1);
        hub.doctor();
    }

    /// R23, HUB-3: what is deposited on a case whose files are long over their date has the process's days of its own, from when it
    /// is sent; until then it is not touched, however long that takes.
    async fn a_file_that_comes_after_the_date_is_not_purged_before_its_own(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-R60-5").await;
        moved(&hub.si, &sent, 0, "DONE").await;
        age(&hub, "hub_case", "purge_at", 10);
        age(&hub, "hub_case_attachment", "delete_at", 10);
        assert_eq!(run(&hub, "purge")["attachments"], 1);
        let (file, events) = (File::pdf("tardif"), format!("{}/events", sent.case_path(0)));
        let event = hub.osl.post(&events, &build::deposit(std::slice::from_ref(&file))).await.of(201).json();
        let path = format!("{events}/{}", event["id"].as_str().unwrap());
        let at = format!("{path}/attachments/{}", event["attachments"][0]["id"].as_str().unwrap());
        hub.osl.upload(&at, file.bytes.clone(), None).await.of(204);
        assert_eq!(run(&hub, "purge")["attachments"], 0, "the other side has had no day to fetch it");
        age(&hub, "hub_case_attachment", "delete_at", 10);
        assert_eq!(run(&hub, "purge")["attachments"], 0, "it is not even sent");
        hub.osl.patch(&path, &json!({ "status": "SENT" })).await.of(204);
        assert_eq!(run(&hub, "purge")["attachments"], 0, "its days begin when it is sent");
        assert_eq!(hub.si.get(&at).await.of(200).body, file.bytes);
        age(&hub, "hub_case_attachment", "delete_at", 3);
        assert_eq!(run(&hub, "purge")["attachments"], 1);
        hub.si.get(&at).await.is_refused(404, "File is not found");
        hub.await_idle();
        hub.doctor();
    }

    /// R23: leaving the status takes the date away.
    async fn the_content_of_a_case_that_was_reopened_stays(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-R60-3").await;
        moved(&hub.si, &sent, 0, "DONE").await;
        moved(&hub.osl, &sent, 0, "HUBEE_NOTIFIED").await;
        age(&hub, "hub_case_attachment", "delete_at", 3);
        assert_eq!(run(&hub, "purge")["attachments"], 0);
        hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
    }

    /// A legal hold keeps contents, and the report says so; lifted, they go.
    async fn what_is_on_legal_hold_is_kept_and_told(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-R60-4").await;
        moved(&hub.si, &sent, 0, "DONE").await;
        age(&hub, "hub_case_attachment", "delete_at", 3);
        let hold = ["DGS-R60-4", "--project", "hubee", "--reason", "contentieux"];
        let said = hub.run(&[&["hold", "add"][..], &hold].concat()).succeeded();
        assert!(said.contains("1 exchanges"), "{said}");
        let report = run(&hub, "purge");
        assert_eq!(report["attachments"], 0);
        assert_eq!(report["keptBack"], json!([{ "folderId": sent.id(), "reasons": ["hold"] }]));
        let said = hub.run(&["hold", "list"]).succeeded();
        assert!(said.contains("DGS-R60-4"), "{said}");
        hub.run(&[&["hold", "remove"][..], &hold].concat()).succeeded();
        assert_eq!(run(&hub, "purge")["attachments"], 1);
        hub.doctor();
    }
}
