//! What follows from an event: the case moves, the other side is told (R32, R33).

use serde_json::json;

use super::{case_status, events, file_path, posted};
use crate::{
    both_engines,
    kit::hubee::{
        build,
        hub::Hub,
        referential::{OSL, PROCESS, SI, identifier},
    },
};

both_engines! {
    /// R32: an event moves the case, whether its author patched it before or not; each within its own list.
    async fn an_event_moves_the_case_if_it_is_not_there_yet(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("S-1").await;
        let (event, _) = posted(&hub.si, &sent, &build::update("IN_PROGRESS")).await;
        assert_eq!(event["caseCurrentStatus"], "HUBEE_NOTIFIED");
        assert_eq!(case_status(&hub.osl, &sent).await, "IN_PROGRESS");
        hub.si.patch(&sent.case_path(0), &json!({ "status": "DONE" })).await.of(204);
        let case = hub.osl.get(&sent.case_path(0)).await.json();
        posted(&hub.si, &sent, &build::update("DONE")).await;
        let after = hub.osl.get(&sent.case_path(0)).await.json();
        assert_eq!((&case["status"], &case["updateDateTime"]), (&after["status"], &after["updateDateTime"]));
        hub.osl.post(&events(&sent), &build::update("REFUSED")).await.is_bad(&["caseNewStatus", "REFUSED"]);
        hub.si.post(&events(&sent), &build::update("CLOSED")).await.is_bad(&["caseNewStatus", "CLOSED"]);
        hub.si.post(&events(&sent), &build::update("ARCHIVED")).await.is_bad(&["caseNewStatus"]);
        assert_eq!(case_status(&hub.osl, &sent).await, "DONE");
        // Where the case is already, anybody may say so.
        posted(&hub.osl, &sent, &build::update("DONE")).await;
        posted(&hub.osl, &sent, &build::update("HUBEE_NOTIFIED")).await;
        assert_eq!(case_status(&hub.si, &sent).await, "HUBEE_NOTIFIED");
        hub.await_idle();
        hub.doctor();
    }

    /// R32, R21: a deposit that named the status where the case stood does not bring it back there, unless its author may.
    async fn a_deposit_does_not_bring_a_case_where_its_author_may_not(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("S-4").await;
        let file = build::File::pdf("x");
        let mut event = build::deposit(std::slice::from_ref(&file));
        event["caseNewStatus"] = "HUBEE_NOTIFIED".into();
        let (answer, path) = posted(&hub.si, &sent, &event).await;
        hub.si.upload(&file_path(&answer, &path, 0), file.bytes.clone(), None).await.of(204);
        hub.si.patch(&sent.case_path(0), &json!({ "status": "IN_PROGRESS" })).await.of(204);
        hub.si.patch(&path, &json!({ "status": "SENT" })).await.is_bad(&["HUBEE_NOTIFIED"]);
        assert_eq!(case_status(&hub.si, &sent).await, "IN_PROGRESS");
        assert_eq!(hub.si.get(&path).await.json()["status"], "IN_PROGRESS");
        assert!(hub.notifications(&hub.osl).await.is_empty());
    }

    /// R33: an event tells the other side, and only where it says so.
    async fn an_event_tells_the_other_side_where_it_says_so(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("S-2").await;
        assert_eq!(hub.notifications(&hub.si).await.len(), 1);
        posted(&hub.si, &sent, &build::event("COM_ADD")).await;
        assert!(hub.notifications(&hub.osl).await.is_empty());
        let (event, _) = posted(&hub.si, &sent, &build::update("IN_PROGRESS")).await;
        let told = hub.notifications(&hub.osl).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["eventId"], event["id"]);
        assert_eq!(told[0]["caseId"], sent.case(0));
        assert_eq!(told[0]["processCode"], PROCESS);
        assert_eq!((&told[0]["recipient"], &told[0]["transmitter"]), (&identifier(OSL), &identifier(SI)));
        assert_eq!(hub.notifications(&hub.si).await.len(), 1, "who acts is not told");
        let (event, _) = posted(&hub.osl, &sent, &build::update("HUBEE_NOTIFIED")).await;
        let told = hub.notifications(&hub.si).await;
        assert_eq!(told.len(), 2);
        assert_eq!((&told[1]["eventId"], &told[1]["transmitter"]), (&event["id"], &identifier(OSL)));
        assert!(hub.notifications(&hub.other_si).await.is_empty());
        // The administration acts for the sender.
        posted(&hub.admin, &sent, &build::update("IN_PROGRESS")).await;
        assert_eq!(hub.notifications(&hub.si).await.len(), 3);
    }

    /// R32: two events at once move the case one after the other, and each is told.
    async fn two_events_at_once_are_both_told(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("S-3").await;
        let path = events(&sent);
        let (first, second) = (build::update("IN_PROGRESS"), build::update("DONE"));
        let (a, b) = tokio::join!(hub.si.post(&path, &first), hub.si.post(&path, &second));
        a.of(201);
        b.of(201);
        assert_eq!(hub.notifications(&hub.osl).await.len(), 2);
        let case = hub.osl.get(&sent.case_path(0)).await.json();
        let last = case["events"].as_array().unwrap().len();
        assert_eq!(last, 2);
        assert!(["IN_PROGRESS", "DONE"].contains(&case["status"].as_str().unwrap()));
    }
}
