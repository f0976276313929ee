//! What is taken, what is shown to whom, and every refusal (R4, R6, R8, R13, R30, R32, R34, R35).

use reqwest::Method;
use serde_json::{Value, json};

use super::{NOBODY, case_status, events, posted};
use crate::{
    both_engines,
    kit::hubee::{
        FOLDERS,
        build::{self, File},
        caller::finish,
        hub::Hub,
        referential::{SI, SILENT, identifier},
    },
};

/// Every field that the contract shows of an event.
const FIELDS: [&str; 15] = [
    "actionType",
    "attachments",
    "author",
    "caseCurrentStatus",
    "caseNewStatus",
    "comment",
    "createDateTime",
    "id",
    "message",
    "notification",
    "partnerAttributes",
    "partnerInfo",
    "status",
    "transmitter",
    "updateDateTime",
];

both_engines! {
    /// R6, R4: every field is there, null where nothing was said, with the software that called.
    async fn every_field_of_an_event_is_shown(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("E-1").await;
        let bare = json!({ "actionType": "COM_ADD", "notification": null, "futur": 1, "id": NOBODY, "status": "RECEIVED" });
        let (answer, path) = posted(&hub.si, &sent, &bare).await;
        let names: Vec<_> = answer.as_object().unwrap().keys().cloned().collect();
        let mut expected = FIELDS.map(str::to_owned).to_vec();
        expected.sort();
        let mut names = names;
        names.sort();
        assert_eq!(names, expected);
        assert_ne!(answer["id"], NOBODY);
        assert_eq!((&answer["status"], &answer["notification"]), (&json!("SENT"), &json!(false)));
        assert_eq!(answer["transmitter"], identifier(SI));
        assert_eq!((&answer["message"], &answer["author"]), (&Value::Null, &Value::Null));
        assert_eq!(answer["attachments"], json!([]));
        assert_eq!(hub.si.get(&path).await.of(200).json(), answer);
        let request = hub.si.sending(Method::POST, &events(&sent), &build::event("COM_ADD"));
        let request = request.header("editorName", "Éditeur").header("softwareVersion", "1.2");
        let told = finish(request).await.of(201).json();
        let info = json!({ "editorName": "Éditeur", "applicationName": null, "softwareVersion": "1.2" });
        assert_eq!(told["partnerInfo"], info);
    }

    /// R30, R31: each of the six actions is taken. A deposit waits for its files; the others are SENT at once, and have none.
    async fn each_of_the_six_actions_is_taken_and_a_deposit_alone_has_files(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("E-0").await;
        for action in ["STATUS_UPDATE", "ATTACH_DL", "ATTACH_DL_ALL", "COM_ADD", "SENDING_MESSAGE"] {
            let mut event = build::event(action);
            let (answer, _) = posted(&hub.si, &sent, &event).await;
            assert_eq!((&answer["actionType"], &answer["status"]), (&json!(action), &json!("SENT")));
            event["attachments"] = json!([File::pdf("x").said]);
            let answer = hub.si.post(&events(&sent), &event).await;
            answer.is_bad(&[&format!("{action} has no attachment")]);
        }
        let (answer, _) = posted(&hub.si, &sent, &build::deposit(&[File::pdf("x")])).await;
        assert_eq!((&answer["actionType"], &answer["status"]), (&json!("ATTACH_DEPOSIT"), &json!("IN_PROGRESS")));
        assert_eq!(hub.count("SELECT count(*) FROM hub_event"), 6);
    }

    /// R6: the events of a case come oldest first.
    async fn events_come_oldest_first(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("E-2").await;
        let mut ids = Vec::new();
        for number in 0..12 {
            let mut event = build::event("COM_ADD");
            event["message"] = format!("n° {number}").into();
            ids.push(posted(&hub.si, &sent, &event).await.0["id"].clone());
        }
        let case = hub.osl.get(&sent.case_path(0)).await.of(200).json();
        let shown: Vec<_> = case["events"].as_array().unwrap().iter().map(|event| event["id"].clone()).collect();
        assert_eq!(shown, ids);
    }

    /// R30, R7: an action outside the list, files where there are none to be and none where there must be, and fields that are
    /// too long are told, all at once.
    async fn every_fault_of_a_body_is_told_at_once(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("E-3").await;
        let path = events(&sent);
        let post = async |event: Value| hub.si.post(&path, &event).await;
        post(build::event("TELEPORT")).await.is_bad(&["actionType"]);
        post(json!({ "notification": true })).await.is_bad(&["actionType"]);
        post(json!({ "actionType": "COM_ADD" })).await.is_bad(&["notification"]);
        post(build::event("ATTACH_DEPOSIT")).await.is_bad(&["attachment"]);
        let mut update = build::event("STATUS_UPDATE");
        update["attachments"] = json!([File::pdf("x").said]);
        post(update).await.is_bad(&["attachment"]);
        let mut long = build::event("COM_ADD");
        for (field, most) in [("message", 1000), ("comment", 1000), ("author", 255), ("partnerAttributes", 1024), ("caseNewStatus", 15)] {
            long[field] = "x".repeat(most + 1).into();
        }
        long["notification"] = "oui".into();
        let answer = post(long).await;
        answer.is_bad(&["message", "comment", "author", "partnerAttributes", "caseNewStatus", "notification"]);
        assert_eq!(answer.messages().len(), 6, "{answer:?}");
        post(json!([])).await.is_bad(&["object"]);
        assert_eq!(hub.count("SELECT count(*) FROM hub_event"), 0);
    }

    /// R13: what is deposited is held to the formats of who deposits; the type is free.
    async fn a_deposit_is_held_to_the_formats_of_who_makes_it(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send_of(SILENT, "E-4").await;
        let mut event = build::deposit(&[File::pdf("x")]);
        event["attachments"][0]["type"] = "libre".into();
        hub.si.post(&events(&sent), &event).await.is_bad(&["mimeType", "application/pdf"]);
        posted(&hub.osl, &sent, &event).await;
        event["attachments"][0]["mimeType"] = "text/html".into();
        event["attachments"][0]["size"] = json!(0);
        hub.osl.post(&events(&sent), &event).await.is_bad(&["text/html", "size"]);
    }

    /// R35: a message is refused where the process has none; the message of another event is taken.
    async fn messages_are_refused_where_the_process_has_none(kit) {
        let hub = Hub::open(kit).await;
        let (sent, open) = (hub.send_of(SILENT, "E-5").await, hub.send("E-6").await);
        let mut message = build::event("SENDING_MESSAGE");
        message["message"] = "Bonjour".into();
        hub.si.post(&events(&sent), &message).await.is_bad(&["SENDING_MESSAGE", SILENT]);
        posted(&hub.si, &open, &message).await;
        let mut update = build::update("IN_PROGRESS");
        update["message"] = "OK".into();
        posted(&hub.si, &sent, &update).await;
    }

    /// R20: a comment is for SIs; an OSL sees none, not even its own.
    async fn a_comment_is_not_shown_to_an_osl(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("E-7").await;
        let mut event = build::event("COM_ADD");
        event["comment"] = "entre-nous-seulement".into();
        let (_, path) = posted(&hub.si, &sent, &event).await;
        assert_eq!(hub.si.get(&path).await.json()["comment"], "entre-nous-seulement");
        assert_eq!(hub.admin.get(&path).await.json()["comment"], "entre-nous-seulement");
        for seen in [hub.osl.get(&path).await, hub.osl.get(&sent.case_path(0)).await] {
            let text = String::from_utf8_lossy(&seen.of(200).body).into_owned();
            assert!(!text.contains("entre-nous") && text.contains("\"comment\":null"), "{text}");
        }
        let own = hub.osl.post(&events(&sent), &event).await.of(201).json();
        assert_eq!(own["comment"], Value::Null);
    }

    /// R8: 404 for what does not exist, 403 for another's case.
    async fn an_event_is_for_the_two_sides_of_its_case(kit) {
        let hub = Hub::open(kit).await;
        let (sent, other) = (hub.send("E-8").await, hub.send("E-9").await);
        let (event, path) = posted(&hub.si, &sent, &build::event("COM_ADD")).await;
        let id = super::text(&event["id"]).to_owned();
        let post = format!("{FOLDERS}/cases/{NOBODY}/events");
        hub.si.post(&post, &build::event("COM_ADD")).await.is_refused(404, "Case is not found");
        for path in [format!("{}/{NOBODY}", events(&sent)), format!("{}/{id}", events(&other))] {
            hub.si.get(&path).await.is_refused(404, "Event is not found");
            hub.si.patch(&path, &json!({ "status": "SENT" })).await.is_refused(404, "Event is not found");
            hub.si.delete(&path).await.is_refused(404, "Event is not found");
        }
        for caller in [&hub.other_si, &hub.other_osl, &hub.datapass] {
            caller.get(&path).await.is_refused(403, "Unauthorized user");
            caller.post(&events(&sent), &build::event("COM_ADD")).await.is_refused(403, "Unauthorized user");
            caller.patch(&path, &json!({ "status": "RECEIVED" })).await.is_refused(403, "Unauthorized user");
            caller.delete(&path).await.is_refused(403, "Unauthorized user");
        }
    }

    /// R34, R5: the other side acknowledges, by PATCH or by POST; who made the event cannot, and reading changes nothing.
    async fn the_other_side_acknowledges_and_reading_changes_nothing(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("E-10").await;
        let (event, path) = posted(&hub.si, &sent, &build::event("COM_ADD")).await;
        let received = json!({ "status": "RECEIVED" });
        for caller in [&hub.osl, &hub.si] {
            assert_eq!(caller.get(&path).await.json()["updateDateTime"], event["updateDateTime"]);
        }
        hub.si.patch(&path, &json!({ "status": "SENT" })).await.of(204);
        hub.si.patch(&path, &received).await.is_refused(403, "Unauthorized user");
        hub.osl.post(&path, &received).await.is_refused(405, "Method not allowed");
        hub.osl.patch_by_post(&path, &received).await.of(204);
        assert_eq!(hub.si.get(&path).await.json()["status"], "RECEIVED");
        hub.osl.patch(&path, &received).await.of(204);
        hub.osl.patch(&path, &json!({ "status": "SENT" })).await.is_bad(&["RECEIVED"]);
        for status in [json!("LU"), json!("x".repeat(13)), json!(""), Value::Null, json!(1)] {
            hub.osl.patch(&path, &json!({ "status": status })).await.is_bad(&["status"]);
        }
        assert_eq!(case_status(&hub.si, &sent).await, "HUBEE_NOTIFIED");
    }
}
