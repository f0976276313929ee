//! An OSL and an SI, from creation to closing.

use serde_json::json;

use crate::{
    both_engines,
    kit::hubee::{
        FOLDERS,
        build::{self, File},
        hub::Hub,
        referential::{OSL, OTHER_SI, PROCESS, SI, identifier},
        sent::Sent,
    },
};

both_engines! {
    /// R10, R14, R15, R20, R22, R32, R33, R40, R41, R16: created, uploaded, completed; polled, read, downloaded, moved on
    /// and closed by its SI; closed by its OSL.
    async fn a_teledossier_goes_from_its_osl_to_its_si_and_back(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("acte"), File::png("photo")];
        let folder = build::folder("DGS-CERTD-0000000000001", &files);
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        assert_eq!(sent.folder["globalStatus"], "HUBEE_RECEIVED");
        assert_eq!(sent.folder["cases"][0]["status"], "HUBEE_RECEIVED");
        assert_eq!(sent.folder["attachments"][1]["status"], "PENDING");
        assert_eq!(hub.notifications(&hub.si).await.len(), 0);

        sent.upload(&hub.osl).await;
        let read = hub.osl.get(&sent.path()).await.of(200).json();
        assert_eq!(read["attachments"][0]["status"], "RECEIVED");
        sent.complete(&hub.osl).await;

        // Visible at once: the same transaction made it.
        let told = hub.notifications(&hub.si).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["caseId"], sent.case(0));
        assert_eq!(told[0]["eventId"], json!(null));
        assert_eq!(told[0]["processCode"], PROCESS);
        assert_eq!(told[0]["transmitter"], identifier(OSL));
        assert_eq!(told[0]["recipient"], identifier(SI));

        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["status"], "HUBEE_NOTIFIED");
        assert_eq!(case["applicant"], folder["applicant"]);
        assert!(case["transmissionDateTime"].is_string(), "{case}");
        let read = hub.osl.get(&sent.path()).await.of(200).json();
        assert_eq!(read["globalStatus"], "HUBEE_NOTIFIED");
        assert_eq!(read["cases"][0]["transmissionDateTime"], case["transmissionDateTime"]);

        for (number, file) in files.iter().enumerate() {
            let answer = hub.si.get(&sent.case_file_path(0, number)).await.of(200);
            assert_eq!(answer.body, file.bytes);
        }
        let notification = told[0]["id"].as_str().unwrap();
        hub.si.delete(&format!("{FOLDERS}/notifications/{notification}")).await.of(204);
        assert_eq!(hub.notifications(&hub.si).await.len(), 0);

        // Real SIs go from HUBEE_NOTIFIED straight to IN_PROGRESS, by the event alone.
        let events = format!("{}/events", sent.case_path(0));
        let event = hub.si.post(&events, &build::update("IN_PROGRESS")).await.of(201).json();
        assert_eq!(event["status"], "SENT");
        let told = hub.notifications(&hub.osl).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["eventId"], event["id"]);
        let path = format!("{events}/{}", event["id"].as_str().unwrap());
        hub.osl.get(&path).await.of(200);
        hub.osl.patch(&path, &json!({ "status": "RECEIVED" })).await.of(204);
        let event = hub.si.get(&path).await.of(200).json();
        assert_eq!(event["status"], "RECEIVED");

        // Older scripts move the case first, and tell of it afterwards.
        hub.si.patch(&sent.case_path(0), &json!({ "status": "DONE" })).await.of(204);
        hub.si.post(&events, &build::update("DONE")).await.of(201);
        let case = hub.osl.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["status"], "DONE");
        assert_eq!(case["events"][1]["caseNewStatus"], "DONE");

        hub.osl.patch(&sent.case_path(0), &json!({ "status": "CLOSED" })).await.of(204);
        let body = json!({ "globalStatus": "CLOSED", "closeDateTime": "2026-03-04T10:15:30+01:00" });
        hub.osl.patch(&sent.path(), &body).await.of(204);
        let read = hub.osl.get(&sent.path()).await.of(200).json();
        assert_eq!(read["globalStatus"], "CLOSED");
        let closed: jiff::Timestamp = read["closeDateTime"].as_str().unwrap().parse().unwrap();
        assert_eq!(closed, "2026-03-04T09:15:30Z".parse().unwrap());

        hub.await_idle();
        assert!(hub.log().lines().all(|line| !line.contains("Dominique")), "a person in the log");
        hub.doctor();
    }

    /// R15, R3, R40: each recipient is told of its own case, and of no other's.
    async fn each_recipient_hears_of_its_own_case_only(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("commun")];
        let folder = build::folder_to("DGS-CERTD-0000000000002", &[SI, OTHER_SI], &files);
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        for (number, caller) in [&hub.si, &hub.other_si].into_iter().enumerate() {
            let told = hub.notifications(caller).await;
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!(told[0]["caseId"], sent.case(number));
            caller.get(&sent.case_path(number)).await.of(200);
            caller.get(&sent.case_path(1 - number)).await.is_refused(403, "Unauthorized user");
            let other = sent.case_file_path(1 - number, 0);
            caller.get(&other).await.is_refused(403, "Unauthorized user");
        }
    }

    /// R16, R21: what was closed is opened again, and all of it can be worked on.
    async fn a_closed_teledossier_is_opened_again(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000003").await;
        hub.osl.patch(&sent.case_path(0), &json!({ "status": "CLOSED" })).await.of(204);
        hub.osl.patch(&sent.path(), &json!({ "globalStatus": "CLOSED" })).await.of(204);
        let closed = hub.osl.get(&sent.path()).await.of(200).json();
        assert!(closed["closeDateTime"].is_string(), "now, where no date is given");
        hub.osl.patch(&sent.path(), &json!({ "globalStatus": "HUBEE_NOTIFIED" })).await.of(204);
        let opened = hub.osl.get(&sent.path()).await.of(200).json();
        assert_eq!(opened["globalStatus"], "HUBEE_NOTIFIED");
        assert_eq!(opened["cases"][0]["status"], "CLOSED", "the folder's status moves no case");
        hub.osl.patch(&sent.case_path(0), &json!({ "status": "HUBEE_NOTIFIED" })).await.of(204);
        hub.si.patch(&sent.case_path(0), &json!({ "status": "IN_PROGRESS" })).await.of(204);
        assert_eq!(hub.notifications(&hub.si).await.len(), 1, "no second notification");
    }
}
