//! What a backup brings back of the hub, and what it must not: what was destroyed since is destroyed again.

use serde_json::json;

use super::{age, archived, moved, nothing_is_left, run};
use crate::{
    both_engines,
    kit::{
        document,
        hubee::{
            caller::Caller,
            hub::Hub,
            referential::{PROCESS, SI},
        },
    },
    retention::backup::Copy,
};

both_engines! {
    /// Folders, files, clients, referential and notifications are served again by a new house.
    async fn a_hub_that_was_backed_up_is_served_again_by_a_new_house(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-COPIE-1").await;
        let credentials = hub.hub_register(SI, "SI", &[PROCESS]);
        hub.await_idle();
        let (copy, made) = Copy::at(&hub, "copie").made(&hub, &[]);
        assert_eq!(made["blobs"], 1, "{made}");
        let (mut house, said) = copy.restored_as(&hub, |kit| kit.with_hub(), &[]);
        assert_eq!(said["purgedAgain"], 0, "{said}");
        house.doctor();
        house.restart();
        let si = Caller::with_token(&house, &credentials, "SI").await;
        let case = si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["applicant"]["lastName"], "Essai");
        let file = si.get(&sent.case_file_path(0, 0)).await.of(200);
        assert!(file.body == document::small("DGS-COPIE-1"));
        let waiting = si.get("/teledossiers/v1/notifications").await.of(200).json();
        assert_eq!(waiting.as_array().map(Vec::len), Some(1));
    }

    /// R61: a folder that was deleted since the backup is deleted again before anything is served.
    async fn a_folder_that_was_deleted_since_the_backup_does_not_come_back(kit) {
        let hub = Hub::open(kit).await;
        let sent = archived(&hub, "DGS-COPIE-2").await;
        hub.await_idle();
        let (copy, _) = Copy::at(&hub, "copie").made(&hub, &[]);
        age(&hub, "hub_folder", "archived_at", 31);
        assert_eq!(run(&hub, "delete")["folders"], 1);
        let ledger = hub.dir().join("data/purges");
        let purges = ["--purges", ledger.to_str().unwrap()];
        let (house, said) = copy.restored_as(&hub, |kit| kit.with_hub(), &purges);
        assert_eq!(said["purgedAgain"], 1, "{said}");
        assert_eq!(house.count("SELECT count(*) FROM hub_folder"), 0, "{}", sent.id());
        house.doctor();
        run(&house, "delete");
        nothing_is_left(&house);
    }

    /// R60: a content that was destroyed since the backup is destroyed again; its folder is served.
    async fn a_content_that_was_destroyed_since_the_backup_does_not_come_back(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-COPIE-3").await;
        moved(&hub.si, &sent, 0, "DONE").await;
        let credentials = hub.hub_register(SI, "SI", &[PROCESS]);
        hub.await_idle();
        let (copy, _) = Copy::at(&hub, "copie").made(&hub, &[]);
        age(&hub, "hub_case_attachment", "delete_at", 3);
        assert_eq!(run(&hub, "purge")["attachments"], 1);
        let ledger = hub.dir().join("data/purges");
        let purges = ["--purges", ledger.to_str().unwrap()];
        let (mut house, said) = copy.restored_as(&hub, |kit| kit.with_hub(), &purges);
        assert_eq!(said["purgedAgain"], 0, "the folder stays: {said}");
        assert!(house.blobs().is_empty());
        house.doctor();
        house.restart();
        let si = Caller::with_token(&house, &credentials, "SI").await;
        si.get(&sent.case_file_path(0, 0)).await.is_refused(404, "File is not found");
        let case = si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["attachments"][0]["status"], json!("DELETED"));
    }
}
