//! Files that come with an event, until it is sent or withdrawn (R31, R33, R36, R14).

use reqwest::Method;
use serde_json::{Value, json};

use super::{NOBODY, case_status, file_path, posted};
use crate::{
    both_engines,
    kit::{
        document,
        hubee::{
            build::{self, File},
            caller::finish,
            hub::Hub,
        },
    },
};

/// What says that an event's files are all there.
fn sent() -> Value {
    json!({ "status": "SENT" })
}

both_engines! {
    /// R31, R32, R33: a deposit is sent once its files are there; only then the case moves and the other side is told.
    async fn a_deposit_is_sent_once_its_files_are_there(kit) {
        let hub = Hub::open(kit).await;
        let folder = hub.send("X-1").await;
        let files = [File::pdf("un"), File::of("deux.txt", "text/plain", "deux")];
        let mut event = build::deposit(&files);
        event["caseNewStatus"] = "DONE".into();
        let (answer, path) = posted(&hub.si, &folder, &event).await;
        assert_eq!(answer["status"], "IN_PROGRESS");
        let names: Vec<_> = answer["attachments"].as_array().unwrap().iter().map(|file| file["fileName"].clone()).collect();
        assert_eq!(names, ["un.pdf", "deux.txt"], "in the order of the request");
        hub.si.upload(&file_path(&answer, &path, 0), files[0].bytes.clone(), None).await.of(204);
        let missing = answer["attachments"][1]["id"].as_str().unwrap();
        hub.si.patch(&path, &sent()).await.is_bad(&[missing, "PENDING"]);
        assert_eq!(case_status(&hub.si, &folder).await, "HUBEE_NOTIFIED");
        assert!(hub.notifications(&hub.osl).await.is_empty());
        hub.si.upload(&file_path(&answer, &path, 1), "pas deux", None).await.is_bad(&["size"]);
        hub.si.patch(&path, &sent()).await.is_bad(&[missing, "REJECTED"]);
        hub.si.upload(&file_path(&answer, &path, 1), "deux", None).await.of(204);
        hub.si.patch(&path, &sent()).await.of(204);
        assert_eq!(case_status(&hub.si, &folder).await, "DONE");
        assert_eq!(hub.notifications(&hub.osl).await.len(), 1);
        for (number, file) in files.iter().enumerate() {
            let got = hub.osl.get(&file_path(&answer, &path, number)).await.of(200);
            assert_eq!(got.body, file.bytes);
            assert_eq!(got.header("digest"), data_encoding::BASE64.encode(&navette::kernel::digest::sha256(&file.bytes)));
        }
        // The published contract lets a client say a digest where it downloads, too: it says nothing.
        let asked = hub.osl.request(Method::GET, &file_path(&answer, &path, 0)).header("digest", "n'importe quoi");
        assert_eq!(finish(asked).await.of(200).body, files[0].bytes);
        hub.si.patch(&path, &sent()).await.of(204);
        assert_eq!(hub.notifications(&hub.osl).await.len(), 1, "sent again, it is told once");
        hub.si.upload(&file_path(&answer, &path, 1), "deux", None).await.is_bad(&["sent"]);
        hub.await_idle();
        hub.doctor();
    }

    /// R31, R8: a deposit is filled, sent and withdrawn by who made it.
    async fn a_deposit_belongs_to_who_made_it(kit) {
        let hub = Hub::open(kit).await;
        let folder = hub.send("X-2").await;
        let file = File::pdf("x");
        let (answer, path) = posted(&hub.osl, &folder, &build::deposit(std::slice::from_ref(&file))).await;
        let upload = file_path(&answer, &path, 0);
        for caller in [&hub.si, &hub.other_si, &hub.other_osl] {
            caller.upload(&upload, file.bytes.clone(), None).await.is_refused(403, "Unauthorized user");
            caller.delete(&path).await.is_refused(403, "Unauthorized user");
        }
        let nobody = format!("{path}/attachments/{NOBODY}");
        hub.osl.upload(&nobody, file.bytes.clone(), None).await.is_refused(404, "Binary meta-data is not found");
        hub.osl.get(&nobody).await.is_refused(404, "File is not found");
        hub.osl.get(&upload).await.is_refused(404, "File is not found");
        // The folder's own attachments are not the event's, nor the other way round.
        let crossed = format!("{path}/attachments/{}", folder.attachment(0));
        hub.osl.get(&crossed).await.is_refused(404, "File is not found");
        hub.osl.upload(&upload, file.bytes.clone(), None).await.of(204);
        hub.osl.get(&upload).await.of(200);
        hub.si.get(&upload).await.is_refused(404, "File is not found");
        hub.si.patch(&path, &sent()).await.is_refused(403, "Unauthorized user");
        hub.osl.patch(&path, &json!({ "status": "RECEIVED" })).await.is_bad(&["IN_PROGRESS"]);
        hub.osl.patch_by_post(&path, &sent()).await.of(204);
        hub.si.get(&upload).await.of(200);
    }

    /// R36: a deposit is withdrawn with its files before it is sent; nothing else is.
    async fn only_a_deposit_that_was_not_sent_is_withdrawn(kit) {
        let hub = Hub::open(kit).await;
        let folder = hub.send("X-3").await;
        let file = File::of("x.pdf", "application/pdf", document::pdf("x", 300_000));
        let event = build::deposit(std::slice::from_ref(&file));
        let (answer, path) = posted(&hub.si, &folder, &event).await;
        hub.si.upload(&file_path(&answer, &path, 0), file.bytes.clone(), None).await.of(204);
        hub.si.delete(&path).await.of(204);
        hub.si.get(&path).await.is_refused(404, "Event is not found");
        hub.si.delete(&path).await.is_refused(404, "Event is not found");
        for (table, left) in [("hub_event", 0), ("hub_attachment", 1), ("hub_case_attachment", 1), ("document", 1)] {
            assert_eq!(hub.count(&format!("SELECT count(*) FROM {table}")), left, "{table}");
        }
        let (answer, path) = posted(&hub.si, &folder, &event).await;
        hub.si.upload(&file_path(&answer, &path, 0), file.bytes.clone(), None).await.of(204);
        hub.si.patch(&path, &sent()).await.of(204);
        hub.si.delete(&path).await.is_bad(&["ATTACH_DEPOSIT"]);
        let (_, path) = posted(&hub.si, &folder, &build::event("COM_ADD")).await;
        hub.si.delete(&path).await.is_bad(&["ATTACH_DEPOSIT"]);
        let case = hub.osl.get(&folder.case_path(0)).await.json();
        assert_eq!(case["events"].as_array().unwrap().len(), 2);
        assert!(hub.count("SELECT count(*) FROM journal WHERE kind = 'event.deleted'") == 1);
    }

    /// R31: a deposit is sent once where two connections say so at the same time.
    async fn a_deposit_that_is_sent_twice_at_once_is_told_once(kit) {
        let hub = Hub::open(kit).await;
        let folder = hub.send("X-4").await;
        let file = File::pdf("x");
        let (answer, path) = posted(&hub.si, &folder, &build::deposit(std::slice::from_ref(&file))).await;
        hub.si.upload(&file_path(&answer, &path, 0), file.bytes.clone(), None).await.of(204);
        let body = sent();
        let (a, b) = tokio::join!(hub.si.patch(&path, &body), hub.si.patch(&path, &body));
        a.of(204);
        b.of(204);
        assert_eq!(hub.notifications(&hub.osl).await.len(), 1);
        assert_eq!(hub.count("SELECT count(*) FROM journal WHERE kind = 'event.sent'"), 1);
    }
}
