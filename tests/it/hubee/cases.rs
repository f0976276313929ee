//! Cases: what follows from their statuses for their files, who reads them first, and their move to another organisation
//! (R20–R25).

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::{
        hubee::{
            FOLDERS,
            build::{self, File},
            caller::Caller,
            hub::Hub,
            referential::{OTHER_SI, PROCESS, SI, SI_BRANCH, SILENT, identifier},
            sent::Sent,
        },
        token::now,
    },
};

const DAY: i64 = 86_400_000_000;

async fn set(caller: &Caller, sent: &Sent, status: &str) {
    caller
        .patch(&sent.case_path(0), &json!({ "status": status }))
        .await
        .of(204);
}

/// Link statuses of the first case, and whether each has a date.
fn links(hub: &Hub, sent: &Sent) -> Vec<String> {
    let case = hub.id(sent.case(0));
    let sql = format!(
        "SELECT link_status || CASE WHEN delete_at IS NULL THEN '' ELSE '+' END FROM hub_case_attachment WHERE case_id = {case}"
    );
    hub.sql(&sql).lines().map(str::to_owned).collect()
}

fn migration(from: &str, to: &str) -> Value {
    json!({ "organizationSource": identifier(from), "organizationTarget": identifier(to) })
}

both_engines! {
    /// R23: at the process's status the files have their date, that day plus the process's days plus one; opened again they
    /// stay; closed they keep their date.
    async fn files_have_their_date_once_the_case_is_done(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000002001").await;
        assert_eq!(links(&hub, &sent), ["TO_DOWNLOAD"]);
        set(&hub.si, &sent, "IN_PROGRESS").await;
        assert_eq!(links(&hub, &sent), ["TO_DOWNLOAD"]);
        set(&hub.si, &sent, "DONE").await;
        assert_eq!(links(&hub, &sent), ["TO_DELETE+"]);
        // One day of the process, and one more: between one and two days from now, for today is partly over.
        let now = now() * 1_000_000;
        let case = hub.id(sent.case(0));
        let at = hub.count(&format!("SELECT delete_at FROM hub_case_attachment WHERE case_id = {case}")) as i64;
        assert!((now + DAY - DAY / 12..=now + 2 * DAY + DAY / 12).contains(&at), "{at} is not {now} and a day or two");
        hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        set(&hub.osl, &sent, "CLOSED").await;
        assert_eq!(links(&hub, &sent), ["TO_DELETE+"], "closing is not opening again");
        set(&hub.osl, &sent, "HUBEE_NOTIFIED").await;
        assert_eq!(links(&hub, &sent), ["TO_DOWNLOAD"]);
        set(&hub.si, &sent, "DONE").await;
        assert_eq!(links(&hub, &sent), ["TO_DELETE+"]);
    }

    /// R25, R23: a case that is opened again leaves the portal's list, and comes back with what is not purged yet.
    async fn the_portals_list_follows_the_cases(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("un"), File::pdf("deux")];
        let folder = build::folder("DGS-CERTD-0000000002002", &files);
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        let (ids, purged) = (format!("{FOLDERS}/attachmentsIdsForPurge"), format!("{FOLDERS}/idsPurged"));
        let listed = async |caller: &Caller| {
            let list = caller.get(&ids).await.of(200).json();
            let mut named: Vec<String> = list.as_array().unwrap().iter().map(|pair| pair["folder_attachment_id"].as_str().unwrap().to_owned()).collect();
            named.sort();
            named
        };
        let mut both = vec![sent.attachment(0).to_owned(), sent.attachment(1).to_owned()];
        both.sort();
        let none: Vec<String> = Vec::new();
        // Nothing of it is to go yet: it is passed over.
        let first = json!([{ "folder_attachment_id": sent.attachment(0), "case_id": sent.case(0) }]);
        hub.si.put(&purged, &first).await.of(204);
        set(&hub.si, &sent, "DONE").await;
        for caller in [&hub.si, &hub.osl, &hub.admin] {
            assert_eq!(listed(caller).await, both);
        }
        for caller in [&hub.other_si, &hub.other_osl] {
            assert_eq!(listed(caller).await, none);
            hub.other_si.put(&purged, &first).await.is_refused(403, "Unauthorized user");
        }
        hub.si.put(&purged, &first).await.of(204);
        assert_eq!(listed(&hub.si).await, [sent.attachment(1)]);
        set(&hub.osl, &sent, "HUBEE_NOTIFIED").await;
        assert_eq!(listed(&hub.si).await, none);
        set(&hub.si, &sent, "DONE").await;
        assert_eq!(listed(&hub.osl).await, [sent.attachment(1)]);
        let unknown = json!([{ "folder_attachment_id": sent.attachment(1), "case_id": "01999999-9999-7999-8999-999999999999" }]);
        hub.si.put(&purged, &unknown).await.of(204);
        let rest = hub.si.get(&ids).await.of(200).json();
        hub.si.put(&purged, &rest).await.of(204);
        assert_eq!(listed(&hub.admin).await, none);
    }

    /// R25, R31: a file that comes to a case whose others the portal has purged is listed; what was marked before it was sent counts
    /// for nothing, and what was withdrawn is not listed.
    async fn the_portals_list_has_files_that_come_late(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000002007").await;
        set(&hub.si, &sent, "DONE").await;
        let (ids, purged) = (format!("{FOLDERS}/attachmentsIdsForPurge"), format!("{FOLDERS}/idsPurged"));
        let listed = async || hub.osl.get(&ids).await.of(200).json();
        hub.osl.put(&purged, &listed().await).await.of(204);
        assert_eq!(listed().await, json!([]));
        let (file, events) = (File::pdf("tardif"), format!("{}/events", sent.case_path(0)));
        let deposit = build::deposit(std::slice::from_ref(&file));
        let event = hub.osl.post(&events, &deposit).await.of(201).json();
        let (path, id) = (format!("{events}/{}", event["id"].as_str().unwrap()), &event["attachments"][0]["id"]);
        let late = json!([{ "folder_attachment_id": id, "case_id": sent.case(0) }]);
        assert_eq!(listed().await, late);
        hub.osl.put(&purged, &late).await.of(204);
        assert_eq!(listed().await, json!([]));
        let upload = format!("{path}/attachments/{}", id.as_str().unwrap());
        hub.osl.upload(&upload, file.bytes.clone(), None).await.of(204);
        hub.osl.patch(&path, &json!({ "status": "SENT" })).await.of(204);
        assert_eq!(listed().await, late, "the portal has it only now");
        hub.osl.put(&purged, &late).await.of(204);
        let event = hub.osl.post(&events, &deposit).await.of(201).json();
        hub.osl.delete(&format!("{events}/{}", event["id"].as_str().unwrap())).await.of(204);
        assert_eq!(listed().await, json!([]));
        assert_eq!(hub.count("SELECT count(*) FROM hub_case WHERE portal_pending"), 0);
    }

    /// R25: a portal says at once of thousands that they are gone, in one answer; where one of them is another's, none is marked.
    async fn thousands_of_purged_files_are_told_at_once_and_marked_all_or_none(kit) {
        let hub = Hub::open(kit).await;
        let mine = hub.send("DGS-CERTD-0000000002005").await;
        let files = [File::pdf("autrui")];
        let folder = build::folder_to("DGS-CERTD-0000000002006", &[OTHER_SI], &files);
        let theirs = Sent::create(&hub.osl, &folder, &files).await;
        theirs.upload(&hub.osl).await;
        theirs.complete(&hub.osl).await;
        set(&hub.si, &mine, "DONE").await;
        let pair = |attachment: &str, case: &str| json!({ "folder_attachment_id": attachment, "case_id": case });
        let first: uuid::Uuid = mine.case(0).parse().unwrap();
        // Cases are taken in their order: these nobody has stand between the two, and make parts of their own.
        let mut pairs: Vec<Value> = (1..=4_998)
            .map(|n| pair(mine.attachment(0), &uuid::Uuid::from_u128(first.as_u128() + n).to_string()))
            .collect();
        pairs.push(pair(mine.attachment(0), mine.case(0)));
        let marked = "SELECT count(*) FROM hub_case_attachment WHERE portal_purged";
        let purged = format!("{FOLDERS}/idsPurged");
        let mut with_theirs = pairs.clone();
        with_theirs.push(pair(theirs.attachment(0), theirs.case(0)));
        hub.si.put(&purged, &json!(with_theirs)).await.is_refused(403, "Unauthorized user");
        assert_eq!(hub.count(marked), 0);
        hub.si.put(&purged, &json!(pairs)).await.of(204);
        assert_eq!(hub.count(marked), 1);
        assert_eq!(hub.count("SELECT count(*) FROM journal WHERE kind = 'portal.purged'"), 1);
    }

    /// R22: the recipient's first reading is kept, nobody else's, and none before the folder was completed.
    async fn the_first_reading_by_the_recipient_is_the_transmission(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.create("DGS-CERTD-0000000002003").await;
        let read = async |caller: &Caller| caller.get(&sent.case_path(0)).await.of(200).json()["transmissionDateTime"].clone();
        assert_eq!(read(&hub.si).await, Value::Null);
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        assert_eq!(read(&hub.osl).await, Value::Null);
        assert_eq!(read(&hub.admin).await, Value::Null);
        let path = format!("{}?lite=true", sent.case_path(0));
        let first = hub.si.get(&path).await.of(200).json()["transmissionDateTime"].clone();
        assert!(first.is_string(), "{first}");
        assert_eq!(read(&hub.si).await, first);
        assert_eq!(read(&hub.osl).await, first);
        assert_eq!(hub.count("SELECT count(*) FROM journal WHERE kind = 'case.transmitted'"), 1);
    }

    /// R20: a case inherits the folder's applicant, process and dates.
    async fn a_case_has_its_folders_applicant_process_and_dates(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000002004").await;
        hub.osl.patch(&sent.path(), &json!({ "globalStatus": "CLOSED", "closeDateTime": "2026-03-04T10:15:30.5+01:00" })).await.of(204);
        let folder = hub.osl.get(&sent.path()).await.of(200).json();
        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        for field in ["applicant", "processCode", "createDateTime", "closeDateTime"] {
            assert_eq!(case[field], folder[field], "{field}");
        }
        assert_eq!(case["externalId"], folder["cases"][0]["externalId"]);
        assert_eq!(case["partnerAttributes"], "origine=essai");
        assert_eq!(case["recipient"], identifier(SI));
        assert_eq!(case["attachments"][0]["status"], "RECEIVED");
        assert!(case["attachments"][0].get("recipients").is_none(), "others' cases are not its business");
    }

    /// R21: the status that a case has already is no fault, in whosever list it stands; no other is let through by that.
    async fn the_status_that_a_case_has_may_be_set_again_by_either_side(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000002006").await;
        set(&hub.si, &sent, "HUBEE_NOTIFIED").await;
        set(&hub.si, &sent, "DONE").await;
        set(&hub.osl, &sent, "DONE").await;
        hub.si.patch(&sent.case_path(0), &json!({ "status": "HUBEE_NOTIFIED" })).await.is_bad(&["status", "DONE"]);
        assert_eq!(hub.count("SELECT count(*) FROM journal WHERE kind = 'case.moved'"), 1);
    }

    /// R21: what is archived is final.
    async fn an_archived_case_or_folder_cannot_be_moved(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000002005").await;
        hub.sql("UPDATE hub_folder SET status = 'ARCHIVED'; UPDATE hub_case SET status = 'ARCHIVED'");
        for caller in [&hub.osl, &hub.si, &hub.admin] {
            caller.patch(&sent.case_path(0), &json!({ "status": "IN_PROGRESS" })).await.is_bad(&["archived"]);
        }
        for status in ["HUBEE_COMPLETED", "HUBEE_NOTIFIED", "CLOSED"] {
            hub.osl.patch(&sent.path(), &json!({ "globalStatus": status })).await.is_bad(&["archived"]);
        }
        assert_eq!(hub.osl.delete(&sent.path()).await.status, 400);
    }

    /// R24: cases, events and notifications of both directions go to the other organisation, all at once.
    async fn all_of_an_organisations_cases_go_to_another(kit) {
        let hub = Hub::open(kit).await;
        let mut all = Vec::new();
        for number in 0..3 {
            let sent = hub.send(&format!("DGS-CERTD-000000000210{number}")).await;
            let events = format!("{}/events", sent.case_path(0));
            hub.si.post(&events, &build::update("IN_PROGRESS")).await.of(201);
            all.push(sent);
        }
        let path = format!("{FOLDERS}/cases/migrate");
        let moved = hub.admin.put(&path, &migration(SI, SI_BRANCH)).await.of(200).json();
        assert_eq!(moved, json!({ "caseUpdated": 3 }));
        let branch = Caller::register(&hub, SI_BRANCH, "SI", &[PROCESS]).await;
        assert_eq!(hub.notifications(&hub.si).await.len(), 0);
        assert_eq!(hub.notifications(&branch).await.len(), 3);
        for told in hub.notifications(&hub.osl).await {
            assert_eq!(told["transmitter"], identifier(SI_BRANCH), "of an event");
        }
        for sent in &all {
            let case = branch.get(&sent.case_path(0)).await.of(200).json();
            assert_eq!(case["recipient"], identifier(SI_BRANCH));
            assert_eq!(case["events"][0]["transmitter"], identifier(SI_BRANCH));
        }
        assert_eq!(hub.admin.put(&path, &migration(SI, SI_BRANCH)).await.of(200).json(), json!({ "caseUpdated": 0 }));
        hub.admin.put(&path, &migration("SI-99829999900017-1", SI)).await.is_refused(404, "Organization is not found");
        hub.admin.put(&path, &migration(SI, SI)).await.is_bad(&["organizationTarget"]);
        hub.await_idle();
        hub.doctor();
    }

    /// R24, R3: an SI's client moves the cases of its own processes.
    async fn a_client_moves_the_cases_of_its_own_processes(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("muet")];
        let mut folder = build::folder("DGS-MUET-0000000002201", &files);
        folder["processCode"] = SILENT.into();
        let silent = Sent::create(&hub.osl, &folder, &files).await;
        silent.upload(&hub.osl).await;
        silent.complete(&hub.osl).await;
        let sent = hub.send("DGS-CERTD-0000000002201").await;
        let narrow = Caller::register(&hub, SI, "SI", &[PROCESS]).await;
        let path = format!("{FOLDERS}/cases/migrate");
        let moved = narrow.put(&path, &migration(SI, SI_BRANCH)).await.of(200).json();
        assert_eq!(moved, json!({ "caseUpdated": 1 }));
        hub.si.get(&silent.case_path(0)).await.of(200);
        hub.si.get(&sent.case_path(0)).await.is_refused(403, "Unauthorized user");
        assert_eq!(hub.notifications(&hub.si).await.len(), 1);
        hub.other_si.put(&path, &migration(OTHER_SI, SI)).await.is_refused(403, "Unauthorized user");
    }
}
