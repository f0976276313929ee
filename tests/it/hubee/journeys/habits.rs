//! What deployed clients count on without saying it: positions, nulls, objects sent back whole, POST for PATCH.

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::hubee::{
        FOLDERS, REFERENTIAL,
        build::{self, File, case},
        caller::finish,
        hub::Hub,
        referential::{OSL, OTHER_SI, SI, SI_BRANCH, organization},
        sent::Sent,
    },
};

/// Fails unless these fields are there and null.
#[track_caller]
fn are_null(object: &Value, names: &[&str]) {
    for name in names {
        assert_eq!(object.get(*name), Some(&Value::Null), "{name} of {object}");
    }
}

/// Every date that an answer tells, by the names that the contracts give them.
fn dates(answer: &Value) -> Vec<&str> {
    match answer {
        Value::Array(items) => items.iter().flat_map(dates).collect(),
        Value::Object(fields) => {
            let each = fields.iter().flat_map(|(name, value)| match value {
                Value::String(text) if name.ends_with("ateTime") => vec![text.as_str()],
                _ => dates(value),
            });
            each.collect()
        }
        _ => Vec::new(),
    }
}

both_engines! {
    /// R6: cases and attachments keep the order in which they were sent, whatever their ids; so do an attachment's recipients.
    async fn arrays_keep_the_order_of_the_request(kit) {
        let hub = Hub::open(kit).await;
        let externals = ["Z-3", "A-1", "M-2"];
        let files = ["z", "a", "m", "b"].map(File::pdf);
        let mut folder = build::folder("DGS-CERTD-0000000000030", &files);
        folder["cases"] = externals.iter().zip([OTHER_SI, SI, SI_BRANCH]).map(|(external, si)| case(external, si)).collect();
        for attachment in folder["attachments"].as_array_mut().unwrap() {
            attachment["recipients"] = json!(["M-2", "Z-3", "A-1"]);
        }
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        let names = |list: &Value, field: &str| -> Vec<Value> {
            list.as_array().unwrap().iter().map(|one| one[field].clone()).collect()
        };
        let read = hub.osl.get(&sent.path()).await.of(200).json();
        for folder in [&sent.folder, &read] {
            assert_eq!(names(&folder["cases"], "externalId"), externals);
            assert_eq!(names(&folder["attachments"], "fileName"), ["z.pdf", "a.pdf", "m.pdf", "b.pdf"]);
            assert_eq!(folder["attachments"][0]["recipients"], json!(["M-2", "Z-3", "A-1"]));
        }
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        let seen = hub.si.get(&sent.case_path(1)).await.of(200).json();
        assert_eq!(names(&seen["attachments"], "fileName"), ["z.pdf", "a.pdf", "m.pdf", "b.pdf"]);
        let events = format!("{}/events", sent.case_path(1));
        for status in ["SI_RECEIVED", "IN_PROGRESS", "DONE"] {
            hub.si.post(&events, &build::update(status)).await.of(201);
        }
        let seen = hub.si.get(&sent.case_path(1)).await.of(200).json();
        assert_eq!(names(&seen["events"], "caseNewStatus"), ["SI_RECEIVED", "IN_PROGRESS", "DONE"], "oldest first");
    }

    /// R6: what has no value is there, as null.
    async fn what_has_no_value_is_written_as_null(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("rien")];
        let mut folder = build::folder("DGS-CERTD-0000000000031", &files);
        folder["applicant"]["email"] = Value::Null;
        folder["cases"][0]["partnerAttributes"] = Value::Null;
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        are_null(&sent.folder, &["closeDateTime"]);
        assert!(sent.folder.get("updateDateTime").is_some() && sent.folder.get("partnerInfo").is_some());
        are_null(&sent.folder["cases"][0], &["partnerAttributes", "transmissionDateTime"]);
        are_null(&sent.folder["applicant"], &["email"]);
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        let case = hub.osl.get(&sent.case_path(0)).await.of(200).json();
        are_null(&case, &["closeDateTime", "transmissionDateTime", "partnerAttributes"]);
        let told = hub.notifications(&hub.si).await;
        are_null(&told[0], &["eventId"]);
        assert!(told[0].get("eventActionType").is_none(), "only where they are asked for");
        let path = format!("{FOLDERS}/notifications?eventDetails=true");
        let told = hub.si.get(&path).await.of(200).json();
        are_null(&told[0], &["eventId", "eventActionType", "eventStatus"]);
        let events = format!("{}/events", sent.case_path(0));
        let event = json!({ "actionType": "COM_ADD", "notification": false });
        let event = hub.si.post(&events, &event).await.of(201).json();
        are_null(&event, &["message", "comment", "author", "caseNewStatus", "partnerAttributes"]);
        assert_eq!(event["attachments"], json!([]));
    }

    /// R6: whatever its hour, a date has three digits behind its point: older readers take more of them for more milliseconds.
    async fn every_date_is_written_to_the_millisecond(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000037").await;
        hub.si.post(&format!("{}/events", sent.case_path(0)), &build::update("DONE")).await.of(201);
        hub.osl.patch(&sent.path(), &json!({ "globalStatus": "CLOSED" })).await.of(204);
        for (caller, path, least) in [
            (&hub.osl, sent.path(), 4),
            (&hub.si, sent.case_path(0), 6),
            (&hub.osl, format!("{FOLDERS}/notifications"), 1),
            (&hub.admin, format!("{REFERENTIAL}/organizations/{OSL}"), 1),
            (&hub.admin, format!("{REFERENTIAL}/processes"), 1),
        ] {
            let answer = caller.get(&path).await.of(200).json();
            let told = dates(&answer);
            assert!(told.len() >= least, "{path}: {told:?}");
            for date in told {
                assert_eq!((date.len(), date.find('.')), (24, Some(19)), "{path}: {date}");
                assert!(date.ends_with('Z') && date.parse::<jiff::Timestamp>().is_ok(), "{path}: {date}");
            }
        }
    }

    /// R6, R40: names that nobody knows, and filters of a form that was left empty.
    async fn what_the_contract_lets_be_empty_may_be_empty(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("inconnu")];
        let mut folder = build::folder("DGS-CERTD-0000000000038", &files);
        folder["applicant"] = json!({ "firstName": "", "lastName": "" });
        let sent = Sent::create(&hub.osl, &folder, &files).await;
        let unknown = json!({ "firstName": "", "lastName": "", "email": null });
        assert_eq!(sent.folder["applicant"], unknown);
        sent.upload(&hub.osl).await;
        sent.complete(&hub.osl).await;
        let path = format!("{FOLDERS}/notifications?processCode=&processPriority=");
        assert_eq!(hub.si.get(&path).await.of(200).json().as_array().map(Vec::len), Some(1));
        let mut nowhere = organization("SI-99820003400010-OUTREMER");
        nowhere["territory"] = "".into();
        nowhere["postalCode"] = "".into();
        let created = hub.admin.post(&format!("{REFERENTIAL}/organizations"), &nowhere).await.of(201).json();
        assert_eq!((&created["territory"], &created["postalCode"]), (&json!(""), &json!("")));
    }

    /// R40: the state of an event is shown as it is now.
    async fn a_notification_shows_the_state_of_its_event_as_it_is_now(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000032").await;
        let events = format!("{}/events", sent.case_path(0));
        let event = hub.si.post(&events, &build::update("DONE")).await.of(201).json();
        let path = format!("{FOLDERS}/notifications?eventDetails=true");
        let state = async || {
            let told = hub.osl.get(&path).await.of(200).json();
            (told[0]["eventActionType"].clone(), told[0]["eventStatus"].clone())
        };
        assert_eq!(state().await, (json!("STATUS_UPDATE"), json!("SENT")));
        let event = format!("{events}/{}", event["id"].as_str().unwrap());
        hub.osl.patch(&event, &json!({ "status": "RECEIVED" })).await.of(204);
        assert_eq!(state().await, (json!("STATUS_UPDATE"), json!("RECEIVED")));
    }

    /// R6: clients send back whole objects that they have read.
    async fn a_folder_that_was_read_is_sent_again_under_another_name(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000033").await;
        let mut read = hub.osl.get(&sent.path()).await.of(200).json();
        read["externalId"] = "DGS-CERTD-0000000000034".into();
        read["unknownField"] = json!({ "of": ["a", "later", "version"] });
        let again = hub.osl.post(&format!("{FOLDERS}/folders"), &read).await.of(201).json();
        assert_ne!(again["id"], sent.folder["id"]);
        assert_eq!(again["globalStatus"], "HUBEE_RECEIVED", "read-only fields are the hub's");
        assert_eq!(again["attachments"][0]["status"], "PENDING");
    }

    /// R5: some networks filter PATCH. POST says what it means, on all three paths; without that it is 405.
    async fn a_post_that_says_patch_is_one(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.create("DGS-CERTD-0000000000035").await;
        sent.upload(&hub.osl).await;
        let completed = json!({ "globalStatus": "HUBEE_COMPLETED" });
        let bare = hub.osl.post(&sent.path(), &completed).await;
        assert_eq!(bare.status, 405, "{bare:?}");
        assert_eq!(bare.refusals()[0].0, 405);
        hub.osl.patch_by_post(&sent.path(), &completed).await.of(204);
        let moved = json!({ "status": "IN_PROGRESS" });
        assert_eq!(hub.si.post(&sent.case_path(0), &moved).await.status, 405);
        hub.si.patch_by_post(&sent.case_path(0), &moved).await.of(204);
        let events = format!("{}/events", sent.case_path(0));
        let event = hub.si.post(&events, &build::update("DONE")).await.of(201).json();
        let event = format!("{events}/{}", event["id"].as_str().unwrap());
        let received = json!({ "status": "RECEIVED" });
        assert_eq!(hub.osl.post(&event, &received).await.status, 405);
        hub.osl.patch_by_post(&event, &received).await.of(204);
        let other = hub.osl.sending(reqwest::Method::POST, &sent.path(), &completed);
        let other = finish(other.header("x-http-method-override", "DELETE")).await;
        assert!(matches!(other.status, 400 | 405), "{other:?}");
        hub.osl.get(&sent.path()).await.of(200);
    }

    /// R21: the status that a case has already is no fault.
    async fn a_status_may_be_set_again(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CERTD-0000000000036").await;
        for _ in 0..2 {
            hub.si.patch(&sent.case_path(0), &json!({ "status": "IN_PROGRESS" })).await.of(204);
        }
        hub.si.post(&format!("{}/events", sent.case_path(0)), &build::update("IN_PROGRESS")).await.of(201);
        let case = hub.si.get(&format!("{}?lite=true", sent.case_path(0))).await.of(200).json();
        assert_eq!(case["status"], "IN_PROGRESS");
        assert!(case.get("attachments").is_none() && case.get("events").is_none(), "{case}");
    }
}
