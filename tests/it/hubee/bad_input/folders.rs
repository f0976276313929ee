//! A folder's body: its fields, its process, its recipients, its attachments.

use serde_json::{Value, json};

use super::hub;
use crate::{
    both_engines,
    kit::{
        client::Answer,
        hubee::{
            FOLDERS,
            build::{self, File},
            hub::Hub,
            referential::{FOREIGN, IDLE_SI, INACTIVE, OTHER_SI, PROCESS, SI, SILENT, identifier},
        },
    },
};

fn good() -> Value {
    build::folder("DGS-CERTD-0000000000100", &[File::pdf("bon")])
}

async fn post(hub: &Hub, folder: &Value) -> Answer {
    hub.osl.post(&format!("{FOLDERS}/folders"), folder).await
}

/// Applies one change to a good folder.
fn with(pointer: &str, value: Value) -> Value {
    let mut folder = good();
    if let Some(place) = folder.pointer_mut(pointer) {
        *place = value;
        return folder;
    }
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    folder.pointer_mut(parent).unwrap()[name] = value;
    folder
}

fn without(pointer: &str) -> Value {
    let mut folder = good();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    folder
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(name)
        .unwrap();
    folder
}

#[track_caller]
fn stored(hub: &Hub) -> u64 {
    hub.count("SELECT (SELECT count(*) FROM hub_folder) + (SELECT count(*) FROM hub_case) + (SELECT count(*) FROM hub_attachment)")
}

/// R6, R7: every field of the contract that may be missing, too long or of another kind is named; nothing is stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_field_that_is_missing_long_or_of_another_kind_is_named() {
    let hub = hub().await;
    for missing in [
        "/externalId",
        "/processCode",
        "/applicant",
        "/cases",
        "/attachments",
        "/applicant/firstName",
        "/applicant/lastName",
        "/cases/0/externalId",
        "/cases/0/recipient",
        "/cases/0/recipient/companyRegister",
        "/cases/0/recipient/type",
        "/cases/0/recipient/branchCode",
        "/attachments/0/fileName",
        "/attachments/0/type",
        "/attachments/0/size",
        "/attachments/0/mimeType",
        "/attachments/0/recipients",
    ] {
        let name = missing.rsplit('/').next().unwrap();
        post(&hub, &without(missing)).await.is_bad(&[name]);
    }
    let long = |count: usize| json!("x".repeat(count));
    for (wrong, value) in [
        ("/externalId", long(31)),
        ("/externalId", json!(12)),
        ("/externalId", json!("")),
        ("/processCode", long(31)),
        ("/applicant/firstName", long(256)),
        ("/applicant/email", json!("pas une adresse")),
        ("/applicant", json!([])),
        ("/cases", json!({})),
        ("/cases", json!([])),
        ("/cases/0", json!("un")),
        ("/cases/0/externalId", long(101)),
        ("/cases/0/partnerAttributes", long(1025)),
        ("/cases/0/recipient/companyRegister", json!("9982000180001")),
        (
            "/cases/0/recipient/companyRegister",
            json!("9982000180001X"),
        ),
        (
            "/cases/0/recipient/companyRegister",
            json!("998200018000131"),
        ),
        ("/cases/0/recipient/branchCode", long(11)),
        ("/attachments", json!("un")),
        ("/attachments/0/fileName", long(256)),
        ("/attachments/0/size", json!("mille")),
        ("/attachments/0/size", json!(-1)),
        ("/attachments/0/size", json!(1.5)),
        ("/attachments/0/mimeType", json!(null)),
        ("/attachments/0/recipients", json!([])),
        ("/attachments/0/recipients", json!([3])),
    ] {
        let name = wrong
            .split('/')
            .rfind(|part| part.parse::<u8>().is_err())
            .unwrap();
        post(&hub, &with(wrong, value.clone()))
            .await
            .is_bad(&[name]);
    }
    assert_eq!(stored(&hub), 0);
    post(&hub, &good()).await.of(201);
}

/// R7: all faults of a body in one answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_of_a_folder_come_in_one_answer() {
    let hub = hub().await;
    let mut folder = good();
    folder["externalId"] = json!("x".repeat(31));
    folder["applicant"]["email"] = "pas une adresse".into();
    folder["cases"][0]["recipient"]["companyRegister"] = "123".into();
    folder["attachments"][0]["size"] = "mille".into();
    folder["attachments"][0]["fileName"] = Value::Null;
    let answer = post(&hub, &folder).await;
    answer.is_bad(&["externalId", "email", "companyRegister", "size", "fileName"]);
    assert!(answer.messages().len() >= 5, "{:?}", answer.messages());
}

both_engines! {
    /// R11, R13: what the referential does not allow, all of it at once, in the words that clients match on.
    async fn what_the_referential_does_not_allow_comes_in_one_answer(kit) {
        let hub = Hub::open(kit).await;
        let unknown = "SI-99820003400010-AUCUN";
        let files = [File::pdf("un"), File::of("deux.zip", "application/zip", "PK"), File::pdf("trois"), File::pdf("quatre")];
        let mut folder = build::folder_to("DGS-CERTD-0000000000101", &[unknown, IDLE_SI, SI], &files);
        folder["attachments"][0]["type"] = "Inconnu".into();
        folder["attachments"][2]["size"] = json!((1_u64 << 30) + 1);
        folder["attachments"][3]["recipients"] = json!(["PERSONNE"]);
        let answer = post(&hub, &folder).await;
        answer.is_bad(&["Inconnu", "application/zip", "attachments/3/recipients", "size"]);
        let messages = answer.messages();
        let exact = [
            format!("Case recipient {unknown} does not exist"),
            format!("Case recipient {IDLE_SI} does not suscribed to {PROCESS}"),
        ];
        for message in exact {
            assert!(messages.contains(&message), "{messages:?}");
        }
        assert!(messages.len() >= 6, "{messages:?}");
        assert_eq!(stored(&hub), 0);
    }

    /// R11: a process that does not exist, or sleeps, or belongs to another OSL.
    async fn a_folder_is_for_an_active_process_of_its_own_osl(kit) {
        let hub = Hub::open(kit).await;
        let folder = |process: &str| with("/processCode", process.into());
        post(&hub, &folder("INCONNUE")).await.is_bad(&["INCONNUE"]);
        post(&hub, &folder(INACTIVE)).await.is_bad(&[INACTIVE]);
        post(&hub, &folder(FOREIGN)).await.is_refused(403, "Unauthorized user");
        let path = format!("{FOLDERS}/folders");
        hub.si.post(&path, &good()).await.is_refused(403, "Unauthorized user");
        hub.datapass.post(&path, &good()).await.is_refused(403, "Unauthorized user");
        hub.admin.post(&path, &good()).await.of(201);
    }

    /// R11: a subscription that is not active is none; neither is one to another process.
    async fn a_recipient_needs_an_active_subscription(kit) {
        let hub = Hub::open(kit).await;
        let message = |si: &str, process: &str| format!("Case recipient {si} does not suscribed to {process}");
        let mut folder = good();
        folder["processCode"] = SILENT.into();
        folder["cases"][0]["recipient"] = identifier(OTHER_SI);
        post(&hub, &folder).await.is_refused(400, &message(OTHER_SI, SILENT));
        let list = hub.admin.get("/referential/v1/subscriptions?maxResult=100").await.of(200).json();
        let found = list.as_array().unwrap().iter().find(|one| {
            one["processCode"] == PROCESS && one["subscriber"] == identifier(SI)
        });
        let mut subscription = found.unwrap().clone();
        for status in ["Inactif", "Refusé", "Suspendu"] {
            subscription["status"] = status.into();
            let path = format!("/referential/v1/subscriptions/{}", subscription["id"].as_str().unwrap());
            hub.admin.put(&path, &subscription).await.of(200);
            post(&hub, &good()).await.is_refused(400, &message(SI, PROCESS));
        }
    }

    /// R12: an external id is unique for its OSL, that of a case within its folder.
    async fn external_ids_are_unique(kit) {
        let hub = Hub::open(kit).await;
        post(&hub, &good()).await.of(201);
        post(&hub, &good()).await.is_bad(&["already exists"]);
        let mut folder = build::folder_to("DGS-CERTD-0000000000102", &[SI, OTHER_SI], &[File::pdf("deux")]);
        folder["cases"][1]["externalId"] = folder["cases"][0]["externalId"].clone();
        post(&hub, &folder).await.is_bad(&["cases/1/externalId"]);
        assert_eq!(hub.count("SELECT count(*) FROM hub_folder"), 1);
    }

    /// R12: twice at once from several connections, one is created.
    async fn the_same_folder_created_at_once_exists_once(kit) {
        let hub = Hub::open(kit).await;
        let path = format!("{FOLDERS}/folders");
        let folder = good();
        let (a, b, c) = tokio::join!(hub.osl.post(&path, &folder), hub.osl.post(&path, &folder), hub.admin.post(&path, &folder));
        let mut statuses = [a.status, b.status, c.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 400, 400], "{a:?} {b:?} {c:?}");
        assert_eq!(hub.count("SELECT count(*) FROM hub_folder"), 1);
        hub.await_idle();
        hub.doctor();
    }
}

/// R11: an attachment whose recipients name no case of the folder is refused, and so is one without any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attachment_is_for_a_case_of_its_folder() {
    let hub = hub().await;
    let mut folder = good();
    let case = folder["cases"][0]["externalId"].clone();
    folder["attachments"][0]["recipients"] = json!([case, "DGS-AILLEURS-01"]);
    post(&hub, &folder)
        .await
        .is_bad(&["attachments/0/recipients"]);
    folder["attachments"][0]["recipients"] = json!([]);
    assert_eq!(post(&hub, &folder).await.status, 400);
    assert_eq!(stored(&hub), 0);
}
