//! An SI asks for more, the OSL adds it; the SI hands something over.

use serde_json::json;

use crate::{
    both_engines,
    kit::hubee::{
        build::{self, File},
        caller::Caller,
        hub::Hub,
        sent::Sent,
    },
};

/// Creates a deposit of one file, uploads it and says that all is there; gives the event's path.
pub async fn deposit(
    caller: &Caller,
    sent: &Sent,
    file: &File,
    event: serde_json::Value,
) -> String {
    let events = format!("{}/events", sent.case_path(0));
    let created = caller.post(&events, &event).await.of(201).json();
    assert_eq!(created["status"], "IN_PROGRESS");
    let path = format!("{events}/{}", created["id"].as_str().unwrap());
    let attachment = created["attachments"][0]["id"].as_str().unwrap();
    let upload = format!("{path}/attachments/{attachment}");
    caller
        .upload(&upload, file.bytes.clone(), None)
        .await
        .of(204);
    caller
        .patch(&path, &json!({ "status": "SENT" }))
        .await
        .of(204);
    path
}

both_engines! {
    /// R30 to R34: a deposit is nothing to the other side until it is sent; then it is told, read and downloaded.
    async fn a_deposit_is_told_to_the_other_side_when_it_is_sent(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000010").await;
        let events = format!("{}/events", sent.case_path(0));
        hub.si.post(&events, &build::update("ADD_AWAITING")).await.of(201);
        let asked = hub.notifications(&hub.osl).await;
        assert_eq!(asked.len(), 1);

        let file = File::pdf("complement");
        let mut event = build::deposit(std::slice::from_ref(&file));
        event["caseNewStatus"] = "IN_PROGRESS".into();
        let created = hub.osl.post(&events, &event).await.of(201).json();
        let path = format!("{events}/{}", created["id"].as_str().unwrap());
        assert_eq!(hub.notifications(&hub.si).await.len(), 1, "the folder's own only");
        let attachment = created["attachments"][0]["id"].as_str().unwrap();
        let upload = format!("{path}/attachments/{attachment}");
        hub.osl.upload(&upload, file.bytes.clone(), None).await.of(204);
        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["status"], "ADD_AWAITING", "the move waits for SENT");
        hub.osl.patch(&path, &json!({ "status": "SENT" })).await.of(204);

        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["status"], "IN_PROGRESS");
        let told = hub.notifications(&hub.si).await;
        assert_eq!(told.len(), 2);
        assert_eq!(told[1]["eventId"], created["id"], "oldest first");
        let answer = hub.si.get(&upload).await.of(200);
        assert_eq!(answer.body, file.bytes);
        hub.si.patch(&path, &json!({ "status": "RECEIVED" })).await.of(204);
    }

    /// R33, R20: what an SI deposits goes to the OSL; its comment is for SIs only.
    async fn an_si_hands_something_over_and_keeps_its_comment(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000011").await;
        let file = File::pdf("reponse");
        let mut event = build::deposit(std::slice::from_ref(&file));
        event["message"] = "Voici la réponse".into();
        event["comment"] = "entre nous".into();
        let path = deposit(&hub.si, &sent, &file, event).await;
        assert_eq!(hub.notifications(&hub.osl).await.len(), 1);
        let seen = hub.osl.get(&path).await.of(200).json();
        assert_eq!(seen["message"], "Voici la réponse");
        assert_eq!(seen["comment"], json!(null));
        let case = hub.osl.get(&sent.case_path(0)).await.of(200);
        assert!(!String::from_utf8_lossy(&case.body).contains("entre nous"));
        let own = hub.si.get(&path).await.of(200).json();
        assert_eq!(own["comment"], "entre nous");
    }

    /// R36: a deposit that was never sent is taken back with all that was uploaded for it.
    async fn a_deposit_that_was_not_sent_is_taken_back(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000012").await;
        let events = format!("{}/events", sent.case_path(0));
        let event = build::deposit(&[File::pdf("erreur")]);
        let created = hub.si.post(&events, &event).await.of(201).json();
        let path = format!("{events}/{}", created["id"].as_str().unwrap());
        hub.si.delete(&path).await.of(204);
        hub.si.get(&path).await.is_refused(404, "Event is not found");
        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["events"], json!([]));
        let event = hub.si.post(&events, &build::update("DONE")).await.of(201).json();
        let path = format!("{events}/{}", event["id"].as_str().unwrap());
        assert_eq!(hub.si.delete(&path).await.status, 400);
        hub.await_idle();
        hub.doctor();
    }
}
