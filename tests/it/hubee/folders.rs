//! What a folder's sender does with it: complete, close, open again, withdraw; and what the house keeps of it (R10–R17).

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::hubee::{
        FOLDERS,
        build::{self, File},
        hub::Hub,
        referential::{FOREIGN, OTHER_SI, PROCESS, SI},
        sent::Sent,
    },
};

fn asked(status: &str) -> Value {
    json!({ "globalStatus": status })
}

/// What the journal says of a folder, oldest first.
fn kinds(hub: &Hub, sent: &Sent) -> Vec<String> {
    let id = hub.id(sent.id());
    let sql = format!("SELECT kind FROM journal WHERE exchange_id = {id} ORDER BY at, id");
    hub.sql(&sql).lines().map(str::to_owned).collect()
}

async fn status(hub: &Hub, sent: &Sent) -> Value {
    hub.osl.get(&sent.path()).await.of(200).json()["globalStatus"].clone()
}

/// How often a race is run.
const ROUNDS: usize = 24;

both_engines! {
    /// R10: what is created is an exchange of the house's, and its trace tells what became of it.
    async fn a_folder_is_an_exchange_whose_trace_tells_all(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000001001").await;
        hub.si.get(&sent.case_path(0)).await.of(200);
        hub.si.get(&sent.case_path(0)).await.of(200);
        hub.si.patch(&sent.case_path(0), &json!({ "status": "DONE" })).await.of(204);
        hub.osl.patch(&sent.path(), &asked("CLOSED")).await.of(204);
        hub.osl.patch(&sent.path(), &asked("HUBEE_NOTIFIED")).await.of(204);
        let told: Vec<_> = kinds(&hub, &sent).into_iter().filter(|kind| !kind.starts_with("attachment.")).collect();
        assert_eq!(told, [
            "folder.created", "folder.completed", "folder.notified", "case.transmitted", "case.moved", "folder.closed", "folder.reopened",
        ]);
        let id = hub.id(sent.id());
        let exchange = format!("SELECT count(*) FROM exchange WHERE id = {id} AND kind = 'teledossier' AND project = 'hubee'");
        assert_eq!(hub.count(&exchange), 1);
        hub.await_idle();
        hub.doctor();
    }

    /// R15: while files are missing, all of them are named, nothing is sent, and nothing has changed.
    async fn what_is_missing_is_named_and_nothing_is_sent(kit) {
        let hub = Hub::open(kit).await;
        let files = ["premier", "deuxieme", "troisieme"].map(File::pdf);
        let folder = build::folder_to("DGS-CERTD-0000000001002", &[SI, OTHER_SI], &files);
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        hub.osl.upload(&sent.file_path(1), files[1].bytes.clone(), None).await.of(204);
        let answer = hub.osl.patch(&sent.path(), &asked("HUBEE_COMPLETED")).await;
        answer.is_bad(&["premier.pdf", "troisieme.pdf", sent.attachment(0), sent.attachment(2)]);
        assert_eq!(answer.messages().len(), 2, "{answer:?}");
        assert_eq!(status(&hub, &sent).await, "HUBEE_RECEIVED");
        assert_eq!(hub.count("SELECT count(*) FROM hub_notification"), 0);
        for number in [0, 2] {
            hub.osl.upload(&sent.file_path(number), files[number].bytes.clone(), None).await.of(204);
        }
        hub.osl.patch(&sent.path(), &asked("HUBEE_COMPLETED")).await.of(204);
        assert_eq!(hub.count("SELECT count(*) FROM hub_notification"), 2);
    }

    /// R15: to complete again what is complete is no fault, and tells nobody again.
    async fn a_folder_is_completed_once_however_often_it_is_asked(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000001003").await;
        sent.complete(&hub.osl).await;
        hub.osl.patch(&sent.path(), &asked("HUBEE_NOTIFIED")).await.of(204);
        assert_eq!(hub.count("SELECT count(*) FROM hub_notification"), 1);
        let told = kinds(&hub, &sent);
        assert_eq!(told.iter().filter(|kind| *kind == "folder.notified").count(), 1, "{told:?}");
        hub.osl.patch(&sent.path(), &asked("CLOSED")).await.of(204);
        let late = hub.osl.patch(&sent.path(), &asked("HUBEE_COMPLETED")).await;
        late.is_bad(&["HUBEE_NOTIFIED"]);
    }

    /// R15, R16: there is no way to HUBEE_NOTIFIED but with all notifications, whatever word asks for it.
    async fn a_folder_that_was_never_completed_is_notified_whole_or_not_at_all(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.create("DGS-CERTD-0000000001004").await;
        hub.osl.patch(&sent.path(), &asked("HUBEE_NOTIFIED")).await.is_bad(&[sent.attachment(0)]);
        hub.osl.patch(&sent.path(), &asked("CLOSED")).await.of(204);
        assert_eq!(status(&hub, &sent).await, "CLOSED");
        hub.osl.patch(&sent.path(), &asked("HUBEE_NOTIFIED")).await.is_bad(&[sent.attachment(0)]);
        assert_eq!(hub.count("SELECT count(*) FROM hub_notification"), 0);
        let sent = hub.create("DGS-CERTD-0000000001005").await;
        sent.upload(&hub.osl).await;
        hub.osl.patch(&sent.path(), &asked("HUBEE_NOTIFIED")).await.of(204);
        assert_eq!(hub.notifications(&hub.si).await.len(), 1);
        assert_eq!(status(&hub, &sent).await, "HUBEE_NOTIFIED");
    }

    /// R14, R16: a folder that was closed before it was completed takes the files that it lacks, and is notified then, by either word.
    async fn a_folder_that_was_closed_too_early_is_completed_all_the_same(kit) {
        let hub = Hub::open(kit).await;
        for (number, word) in ["HUBEE_NOTIFIED", "HUBEE_COMPLETED"].into_iter().enumerate() {
            let sent = hub.create(&format!("DGS-CERTD-000000000105{number}")).await;
            hub.osl.patch(&sent.path(), &asked("CLOSED")).await.of(204);
            hub.osl.patch(&sent.path(), &asked(word)).await.is_bad(&[sent.attachment(0), "missing"]);
            sent.upload(&hub.osl).await;
            assert_eq!(status(&hub, &sent).await, "CLOSED");
            hub.osl.patch(&sent.path(), &asked(word)).await.of(204);
            assert_eq!(status(&hub, &sent).await, "HUBEE_NOTIFIED");
            assert_eq!(hub.notifications(&hub.si).await.len(), number + 1);
            hub.osl.patch(&sent.path(), &asked("CLOSED")).await.of(204);
            let late = hub.osl.upload(&sent.file_path(0), sent.files[0].bytes.clone(), None).await;
            late.is_bad(&["Folder is completed"]);
        }
        hub.await_idle();
        hub.doctor();
    }

    /// R12: two connections create the same folder at once: one of them does.
    async fn of_two_folders_of_one_external_id_one_is_created(kit) {
        let hub = Hub::open(kit).await;
        for number in 0..8 {
            let external = format!("DGS-CERTD-000000000110{number}");
            let folder = build::folder(&external, &[File::pdf("double")]);
            let path = format!("{FOLDERS}/folders");
            let (one, other) = tokio::join!(hub.osl.post(&path, &folder), hub.admin.post(&path, &folder));
            let mut both = [one, other];
            both.sort_by_key(|answer| answer.status);
            assert_eq!(both[0].status, 201, "{both:?}");
            both[1].is_bad(&["already exists", &external]);
        }
        assert_eq!(hub.count("SELECT count(*) FROM hub_folder"), 8);
        assert_eq!(hub.count("SELECT count(*) FROM hub_case"), 8);
        assert_eq!(hub.count("SELECT count(*) FROM exchange"), 8);
    }

    /// R12: an external id is unique with its OSL: another one's folder may have it too, once.
    async fn two_osls_may_give_a_folder_the_same_external_id(kit) {
        let hub = Hub::open(kit).await;
        let external = "DGS-CERTD-0000000001151";
        let mine = hub.send(external).await;
        let files = [File::pdf("autre")];
        let mut folder = build::folder(external, &files);
        folder["processCode"] = FOREIGN.into();
        let other = Sent::create(&hub.other_osl, &folder, &files).await;
        assert_ne!(mine.id(), other.id());
        hub.other_osl.post(&format!("{FOLDERS}/folders"), &folder).await.is_bad(&["already exists", external]);
        other.upload(&hub.other_osl).await;
        other.complete(&hub.other_osl).await;
        assert_eq!(status(&hub, &mine).await, "HUBEE_NOTIFIED");
        assert_eq!(hub.count("SELECT count(*) FROM hub_folder WHERE status = 'HUBEE_NOTIFIED'"), 2);
        hub.await_idle();
        hub.doctor();
    }

    /// R7, R10, R11: everything that is wrong with a folder is told in one answer, and nothing of it is stored.
    async fn all_faults_of_a_folder_are_told_at_once(kit) {
        let hub = Hub::open(kit).await;
        let first = hub.create("DGS-CERTD-0000000001201").await;
        assert!(first.folder["partnerInfo"].is_null() || first.folder["partnerInfo"].is_object());
        let folder = json!({
            "externalId": "DGS-CERTD-0000000001201",
            "processCode": PROCESS,
            "closeDateTime": "2026-03-04T10:15:30",
            "applicant": { "firstName": "x".repeat(256), "email": "personne" },
            "cases": [
                { "externalId": "A", "recipient": { "type": "SI", "companyRegister": "123", "branchCode": "1" } },
                { "externalId": "A", "recipient": build::case("A", "SI-99829999900017-1")["recipient"] },
            ],
            "attachments": [{ "fileName": "a.exe", "type": "Inconnu", "size": 0, "mimeType": "application/x-msdownload", "recipients": ["B"] }],
        });
        let answer = hub.osl.post(&format!("{FOLDERS}/folders"), &folder).await;
        answer.is_bad(&[
            "already exists", "closeDateTime", "firstName", "lastName", "email", "companyRegister", "size", "application/x-msdownload",
            "Inconnu", "recipients", "Case recipient SI-99829999900017-1 does not exist",
        ]);
        assert!(answer.messages().len() >= 11, "{:?}", answer.messages());
        assert_eq!(hub.count("SELECT count(*) FROM exchange"), 1);
        assert_eq!(hub.count("SELECT count(*) FROM hub_case"), 1);
    }

    /// R4: the software that creates a folder is kept with it, and shown.
    async fn the_software_that_creates_a_folder_is_kept_with_it(kit) {
        let hub = Hub::open(kit).await;
        let folder = build::folder("DGS-CERTD-0000000001301", &[File::pdf("logiciel")]);
        let request = hub.osl.sending(reqwest::Method::POST, &format!("{FOLDERS}/folders"), &folder);
        let request = request.header("editorName", "Éditeur").header("softwareVersion", "3.1");
        let made = crate::kit::hubee::caller::finish(request).await.of(201).json();
        let path = format!("{FOLDERS}/folders/{}", made["id"].as_str().unwrap());
        let expected = json!({ "editorName": "Éditeur", "applicationName": null, "softwareVersion": "3.1" });
        assert_eq!(made["partnerInfo"], expected);
        assert_eq!(hub.osl.get(&path).await.of(200).json()["partnerInfo"], expected);
    }

    /// R17: what is withdrawn leaves no row of the hub's, no key, and its number is free again.
    async fn a_withdrawn_folder_leaves_nothing_that_opens(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.create("DGS-CERTD-0000000001401").await;
        sent.upload(&hub.osl).await;
        hub.osl.delete(&sent.path()).await.of(204);
        for table in ["hub_folder", "hub_case", "hub_attachment", "hub_case_attachment"] {
            assert_eq!(hub.count(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
        }
        let keys = "SELECT count(*) FROM exchange WHERE length(wrapped_key) > 0 OR length(metadata) > 0";
        assert_eq!(hub.count(keys), 0);
        assert_eq!(hub.count("SELECT count(*) FROM document WHERE length(wrapped_key) > 0"), 0);
        hub.create("DGS-CERTD-0000000001401").await;
        hub.await_idle();
        hub.doctor();
    }

    /// R17, R30: of an event that is posted and a deletion at the same moment, one is done: a folder is not deleted under an event.
    async fn a_folder_is_not_deleted_under_an_event_that_is_posted_meanwhile(kit) {
        let hub = Hub::open(kit).await;
        for number in 0..ROUNDS {
            let sent = hub.create(&format!("DGS-CERTD-00000000015{number:02}")).await;
            let (events, event) = (format!("{}/events", sent.case_path(0)), build::update("IN_PROGRESS"));
            let path = sent.path();
            let (a, b, deleted) = tokio::join!(hub.si.post(&events, &event), hub.si.post(&events, &event), hub.osl.delete(&path));
            let posted = [&a, &b].iter().filter(|answer| answer.status == 201).count();
            match deleted.status {
                204 => assert_eq!(posted, 0, "{a:?}\n{b:?}"),
                _ => deleted.is_bad(&["without event or notification"]),
            }
        }
        hub.await_idle();
        hub.doctor();
    }
}
