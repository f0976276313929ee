//! Events that the process, the actor or the rules do not allow.

use serde_json::{Value, json};

use super::hub;
use crate::{
    both_engines,
    kit::hubee::{
        FOLDERS,
        build::{self, File},
        hub::Hub,
        referential::SILENT,
        sent::Sent,
    },
};

fn events(sent: &Sent) -> String {
    format!("{}/events", sent.case_path(0))
}

/// R30, R6, R7: each field of an event that is wrong is named, all of them at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_field_of_an_event_is_named() {
    let hub = hub().await;
    let sent = hub.send("DGS-CERTD-0000000000500").await;
    let path = events(&sent);
    let with = |name: &str, value: Value| {
        let mut event = build::update("DONE");
        event[name] = value;
        event
    };
    let long = |count: usize| json!("x".repeat(count));
    for (name, value) in [
        ("actionType", json!("DANSER")),
        ("actionType", Value::Null),
        ("actionType", json!(3)),
        ("message", long(1001)),
        ("comment", long(1001)),
        ("author", long(256)),
        ("notification", json!("oui")),
        ("caseNewStatus", json!("N'IMPORTE")),
        ("partnerAttributes", long(1025)),
        ("attachments", json!({})),
    ] {
        hub.si
            .post(&path, &with(name, value.clone()))
            .await
            .is_bad(&[name]);
    }
    let mut event = with("actionType", json!("DANSER"));
    event["message"] = long(1001);
    event["comment"] = json!(12);
    hub.si
        .post(&path, &event)
        .await
        .is_bad(&["actionType", "message", "comment"]);
    assert_eq!(hub.count("SELECT count(*) FROM hub_event"), 0);
}

both_engines! {
    /// R30, R13: a deposit holds something, nothing else does; what it holds is checked against the process.
    async fn a_deposit_and_only_a_deposit_has_attachments(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000501").await;
        let path = events(&sent);
        assert_eq!(hub.si.post(&path, &build::deposit(&[])).await.status, 400);
        let mut update = build::update("DONE");
        update["attachments"] = json!([File::pdf("un").said]);
        assert_eq!(hub.si.post(&path, &update).await.status, 400);
        let zip = File::of("un.zip", "application/zip", "PK");
        hub.si.post(&path, &build::deposit(&[zip])).await.is_bad(&["application/zip"]);
        let mut large = File::pdf("grand");
        large.said["size"] = json!((1_u64 << 30) + 1);
        hub.si.post(&path, &build::deposit(&[large])).await.is_bad(&["size"]);
        let mut free = File::pdf("libre");
        free.said["type"] = "Un type que la démarche ne connaît pas".into();
        hub.si.post(&path, &build::deposit(&[free])).await.of(201);
        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!(case["status"], "HUBEE_NOTIFIED", "what was refused moved nothing");
        assert_eq!(hub.count("SELECT count(*) FROM hub_event"), 1);
    }

    /// R31: SENT waits for every attachment; R34: only the other side acknowledges.
    async fn a_deposit_is_not_sent_while_a_file_is_missing(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000502").await;
        let files = [File::pdf("un"), File::pdf("deux")];
        let event = hub.si.post(&events(&sent), &build::deposit(&files)).await.of(201).json();
        let path = format!("{}/{}", events(&sent), event["id"].as_str().unwrap());
        let sending = json!({ "status": "SENT" });
        let file = |number: usize| format!("{path}/attachments/{}", event["attachments"][number]["id"].as_str().unwrap());
        hub.si.upload(&file(0), files[0].bytes.clone(), None).await.of(204);
        assert_eq!(hub.si.patch(&path, &sending).await.status, 400, "one is pending");
        assert_eq!(hub.si.upload(&file(1), "faux", None).await.status, 400);
        assert_eq!(hub.si.patch(&path, &sending).await.status, 400, "one is rejected");
        assert_eq!(hub.notifications(&hub.osl).await.len(), 0);
        hub.si.upload(&file(1), files[1].bytes.clone(), None).await.of(204);
        for status in ["RIEN", ""] {
            let answer = hub.si.patch(&path, &json!({ "status": status })).await;
            assert_eq!(answer.status, 400, "{status}: {answer:?}");
        }
        hub.si.patch(&path, &json!({})).await.is_bad(&["status"]);
        hub.si.patch(&path, &sending).await.of(204);
        assert_eq!(hub.notifications(&hub.osl).await.len(), 1);
        let late = hub.si.upload(&file(1), files[1].bytes.clone(), None).await;
        assert_eq!(late.status, 400, "{late:?}");
        let again = hub.si.patch(&path, &sending).await;
        assert!(matches!(again.status, 204 | 400), "{again:?}");
        assert_eq!(hub.notifications(&hub.osl).await.len(), 1, "told once");
    }

    /// R35, R13: where the process has no messages and no deposits of SIs; the message of another event is always taken.
    async fn a_process_without_messages_and_deposits_refuses_them(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send_of(SILENT, "DGS-MUET-0000000000503").await;
        let path = events(&sent);
        let mut message = build::event("SENDING_MESSAGE");
        message["message"] = "Bonjour".into();
        assert_eq!(hub.si.post(&path, &message).await.status, 400);
        assert_eq!(hub.osl.post(&path, &message).await.status, 400);
        assert_eq!(hub.si.post(&path, &build::deposit(&[File::pdf("un")])).await.status, 400);
        let mut update = build::update("DONE");
        update["message"] = "Terminé".into();
        hub.si.post(&path, &update).await.of(201);
        hub.osl.post(&path, &build::deposit(&[File::pdf("deux")])).await.of(201);
        let open = hub.send("DGS-CERTD-0000000000504").await;
        hub.si.post(&events(&open), &message).await.of(201);
    }

    /// R32, R21: the list of who acts holds for an event too, and a refused one leaves no trace.
    async fn an_event_moves_a_case_only_where_its_author_may(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000505").await;
        let path = events(&sent);
        hub.si.post(&path, &build::update("CLOSED")).await.is_bad(&["caseNewStatus"]);
        hub.osl.post(&path, &build::update("DONE")).await.is_bad(&["caseNewStatus"]);
        hub.si.post(&path, &build::update("ARCHIVED")).await.is_bad(&["caseNewStatus"]);
        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!((&case["status"], &case["events"]), (&json!("HUBEE_NOTIFIED"), &json!([])));
        assert_eq!(hub.notifications(&hub.osl).await.len(), 0);
        let other = hub.other_si.post(&path, &build::update("DONE")).await;
        other.is_refused(403, "Unauthorized user");
        let nobody = "01999999-9999-7999-8999-999999999999";
        let nowhere = format!("{FOLDERS}/cases/{nobody}/events");
        hub.si.post(&nowhere, &build::update("DONE")).await.is_refused(404, "Case is not found");
        hub.si.get(&format!("{path}/{nobody}")).await.is_refused(404, "Event is not found");
        hub.si.delete(&format!("{path}/{nobody}")).await.is_refused(404, "Event is not found");
    }

    /// R8: an event is found in its own case only.
    async fn an_event_is_found_in_its_own_case_only(kit) {
        let hub = Hub::open(kit).await;
        let (one, other) = (hub.send("DGS-CERTD-0000000000506").await, hub.send("DGS-CERTD-0000000000507").await);
        let event = hub.si.post(&events(&one), &build::update("DONE")).await.of(201).json();
        let event = event["id"].as_str().unwrap();
        hub.si.get(&format!("{}/{event}", events(&other))).await.is_refused(404, "Event is not found");
        hub.si.get(&format!("{}/{event}", events(&one))).await.of(200);
        let file = format!("{}/{event}/attachments/{}", events(&one), one.attachment(0));
        assert_eq!(hub.si.get(&file).await.status, 404);
    }
}
