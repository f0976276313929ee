//! R61: a folder that is archived for long enough is deleted: counts stay, and ids in journal and reports.

use serde_json::{Value, json};

use super::{age, archived, nothing_is_left, rehearse, run};
use crate::{
    both_engines,
    kit::hubee::{build, hub::Hub},
};

both_engines! {
    /// R61: after `timeBeforeFolderDeletion` days (thirty, here) nothing is left but anonymous counts.
    async fn a_folder_that_is_archived_for_long_enough_is_deleted_and_only_counted(kit) {
        let hub = Hub::open(kit).await;
        let sent = archived(&hub, "DGS-R61-D1").await;
        age(&hub, "hub_folder", "archived_at", 29);
        assert_eq!(run(&hub, "delete")["folders"], 0);
        age(&hub, "hub_folder", "archived_at", 1);
        let would = rehearse(&hub, "delete");
        assert_eq!((&would["folders"], &would["runId"]), (&json!(1), &Value::Null), "{would}");
        hub.osl.get(&sent.path()).await.of(200);
        let report = run(&hub, "delete");
        assert_eq!(report["items"], json!([{ "folderId": sent.id() }]), "{report}");
        nothing_is_left(&hub);
        hub.osl.get(&sent.path()).await.is_refused(404, "Folder is not found");
        hub.si.get(&sent.case_path(0)).await.is_refused(404, "Case is not found");
        assert_eq!(hub.notifications(&hub.si).await, [json!(null); 0]);
        let counted = hub.sql("SELECT process_code, folders, cases, attachments, events FROM hub_counter");
        assert_eq!(counted, "CERTDC|1|1|1|0");
        let trace = hub.run(&["hubee", "trace", sent.id()]).succeeded();
        assert!(trace.contains("folder.created") && trace.contains("folder.deleted"), "{trace}");
        hub.await_idle();
        hub.doctor();
    }

    /// R12, R61: its external id is free again, and counts of a day add up.
    async fn the_external_id_of_a_deleted_folder_may_come_again(kit) {
        let hub = Hub::open(kit).await;
        for round in 1..=2 {
            archived(&hub, "DGS-R61-D2").await;
            age(&hub, "hub_folder", "archived_at", 30);
            assert_eq!(run(&hub, "delete")["folders"], 1, "round {round}");
        }
        assert_eq!(hub.sql("SELECT folders, cases FROM hub_counter"), "2|2");
    }

    /// Events and their files go with the folder.
    async fn events_and_what_they_carried_go_with_their_folder(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-R61-D3").await;
        let events = format!("{}/events", sent.case_path(0));
        let file = build::File::pdf("réponse");
        let event = hub.si.post(&events, &build::deposit(std::slice::from_ref(&file))).await.of(201).json();
        let path = format!("{events}/{}", event["id"].as_str().unwrap());
        let upload = format!("{path}/attachments/{}", event["attachments"][0]["id"].as_str().unwrap());
        hub.si.upload(&upload, file.bytes.clone(), None).await.of(204);
        hub.si.patch(&path, &json!({ "status": "SENT" })).await.of(204);
        assert_eq!(hub.blobs().len(), 2);
        super::close(&hub, &sent).await;
        age(&hub, "hub_folder", "closed_at", 2);
        assert_eq!(run(&hub, "archive")["folders"], 1);
        assert!(hub.blobs().is_empty());
        age(&hub, "hub_folder", "archived_at", 31);
        assert_eq!(run(&hub, "delete")["folders"], 1);
        nothing_is_left(&hub);
        assert_eq!(hub.sql("SELECT attachments, events FROM hub_counter"), "2|1");
        hub.await_idle();
        hub.doctor();
    }

    /// A legal hold keeps an archived folder.
    async fn what_is_on_legal_hold_is_not_deleted(kit) {
        let hub = Hub::open(kit).await;
        let sent = archived(&hub, "DGS-R61-D4").await;
        age(&hub, "hub_folder", "archived_at", 31);
        hub.run(&["hold", "add", "DGS-R61-D4", "--project", "hubee", "--reason", "contentieux"]).succeeded();
        let report = run(&hub, "delete");
        assert_eq!(report["keptBack"], json!([{ "folderId": sent.id(), "reasons": ["hold"] }]), "{report}");
        hub.osl.get(&sent.path()).await.of(200);
    }
}
