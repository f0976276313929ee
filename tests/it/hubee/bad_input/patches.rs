//! Statuses that are not the actor's to set, deletions that come too late, a completion that comes too early.

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::hubee::{
        FOLDERS,
        build::{self, File},
        hub::Hub,
        sent::Sent,
    },
};

fn global(status: &str) -> Value {
    json!({ "globalStatus": status })
}

both_engines! {
    /// R15: a folder that misses a file is not completed; the answer names what is missing, and nobody is told.
    async fn a_completion_that_comes_too_early_names_what_is_missing(kit) {
        let hub = Hub::open(kit).await;
        let files = ["un", "deux", "trois"].map(File::pdf);
        let folder = build::folder("DGS-CERTD-0000000000200", &files);
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        hub.osl.upload(&sent.file_path(1), files[1].bytes.clone(), None).await.of(204);
        let answer = hub.osl.patch(&sent.path(), &global("HUBEE_COMPLETED")).await;
        answer.is_bad(&[sent.attachment(0), sent.attachment(2)]);
        assert!(!String::from_utf8_lossy(&answer.body).contains(sent.attachment(1)));
        let read = hub.osl.get(&sent.path()).await.of(200).json();
        assert_eq!(read["globalStatus"], "HUBEE_RECEIVED");
        assert_eq!(hub.notifications(&hub.si).await.len(), 0);
        for number in [0, 2] {
            hub.osl.upload(&sent.file_path(number), files[number].bytes.clone(), None).await.of(204);
        }
        sent.complete(&hub.osl).await;
        assert_eq!(hub.notifications(&hub.si).await.len(), 1);
    }

    /// R16: a status outside of the folder's list, or none, is refused.
    async fn a_folder_takes_only_its_own_statuses(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000201").await;
        for status in ["HUBEE_RECEIVED", "SENT", "DONE", "ARCHIVED", "hubee_notified", "", "N'IMPORTE"] {
            let answer = hub.osl.patch(&sent.path(), &global(status)).await;
            assert_eq!(answer.status, 400, "{status}: {answer:?}");
        }
        hub.osl.patch(&sent.path(), &json!({})).await.is_bad(&["globalStatus"]);
        hub.osl.patch(&sent.path(), &json!({ "globalStatus": null })).await.is_bad(&["globalStatus"]);
        let undated = json!({ "globalStatus": "CLOSED", "closeDateTime": "2026-03-04T10:15:30" });
        hub.osl.patch(&sent.path(), &undated).await.is_bad(&["closeDateTime"]);
        let both = json!({ "globalStatus": "N'IMPORTE", "closeDateTime": "hier" });
        hub.osl.patch(&sent.path(), &both).await.is_bad(&["closeDateTime"]);
        let read = hub.osl.get(&sent.path()).await.of(200).json();
        assert_eq!(read["globalStatus"], "HUBEE_NOTIFIED");
    }

    /// R21: each side has its own list.
    async fn a_case_takes_only_the_statuses_of_who_asks(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000202").await;
        let path = sent.case_path(0);
        let set = async |caller: &crate::kit::hubee::caller::Caller, status: &str| {
            caller.patch(&path, &json!({ "status": status })).await.status
        };
        for status in ["HUBEE_COMPLETED", "CLOSED", "ARCHIVED", "HUBEE_RECEIVED", "RIEN", ""] {
            assert_eq!(set(&hub.si, status).await, 400, "SI {status}");
        }
        for status in ["SENT", "SI_RECEIVED", "ADD_AWAITING", "REFUSED", "DONE", "SI_INTG_ERROR", "ARCHIVED", "RIEN"] {
            assert_eq!(set(&hub.osl, status).await, 400, "OSL {status}");
        }
        for status in ["SENT", "SI_RECEIVED", "IN_PROGRESS", "ADD_AWAITING", "REFUSED", "DONE", "SI_INTG_ERROR"] {
            assert_eq!(set(&hub.si, status).await, 204, "SI {status}");
        }
        for status in ["HUBEE_NOTIFIED", "HUBEE_COMPLETED", "IN_PROGRESS", "CLOSED"] {
            assert_eq!(set(&hub.osl, status).await, 204, "OSL {status}");
        }
        hub.si.patch(&path, &json!({})).await.is_bad(&["status"]);
    }

    /// R17: a folder is deleted while it was only received; then nothing of it is left.
    async fn a_folder_is_deleted_only_before_its_completion(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000203").await;
        let answer = hub.osl.delete(&sent.path()).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        hub.si.get(&sent.case_path(0)).await.of(200);
        let draft = hub.create("DGS-CERTD-0000000000204").await;
        draft.upload(&hub.osl).await;
        hub.si.delete(&draft.path()).await.is_refused(403, "Unauthorized user");
        hub.osl.delete(&draft.path()).await.of(204);
        hub.osl.get(&draft.path()).await.is_refused(404, "Folder is not found");
        hub.osl.delete(&draft.path()).await.is_refused(404, "Folder is not found");
        hub.create("DGS-CERTD-0000000000204").await;
        hub.await_idle();
        hub.doctor();
    }

    /// R41: what was deleted is gone; deleting it twice is 404.
    async fn a_notification_is_deleted_once(kit) {
        let hub = Hub::open(kit).await;
        hub.send("DGS-CERTD-0000000000205").await;
        let told = hub.notifications(&hub.si).await;
        let path = format!("{FOLDERS}/notifications/{}", told[0]["id"].as_str().unwrap());
        hub.other_si.delete(&path).await.is_refused(403, "Unauthorized user");
        hub.osl.delete(&path).await.is_refused(403, "Unauthorized user");
        hub.si.delete(&path).await.of(204);
        hub.si.delete(&path).await.is_refused(404, "Notification is not found");
    }
}
