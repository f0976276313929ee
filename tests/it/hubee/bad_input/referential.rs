//! Organisations, processes and subscriptions that are not as they should be.

use serde_json::{Value, json};

use super::hub;
use crate::kit::hubee::{
    REFERENTIAL,
    referential::{IDLE_SI, OSL, PROCESS, SI, organization, process, subscription},
};

fn long(count: usize) -> Value {
    json!("x".repeat(count))
}

fn with(good: &Value, pointer: &str, value: Value) -> Value {
    let mut wrong = good.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    wrong.pointer_mut(parent).unwrap()[name] = value;
    wrong
}

fn name(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap()
}

/// R50, R6, R7: a SIRET of fourteen digits, a branch that may hold a hyphen, and every other field.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_field_of_an_organization_is_named() {
    let hub = hub().await;
    let path = format!("{REFERENTIAL}/organizations");
    let good = organization("SI-99820003400010-NEUF-9");
    for (pointer, value) in [
        ("/companyRegister", json!("9982000340001")),
        ("/companyRegister", json!("9982000340001X")),
        ("/companyRegister", json!(99_820_003_400_010_i64)),
        ("/companyRegister", Value::Null),
        ("/type", long(21)),
        ("/type", Value::Null),
        ("/branchCode", long(11)),
        ("/branchCode", Value::Null),
        ("/name", long(101)),
        ("/name", Value::Null),
        ("/code", long(11)),
        ("/country", long(101)),
        ("/postalCode", long(101)),
        ("/postalCode", Value::Null),
        ("/territory", long(256)),
        ("/territory", Value::Null),
        ("/email", json!("pas une adresse")),
        ("/phoneNumber", json!("12")),
        ("/status", long(21)),
        ("/status", Value::Null),
    ] {
        hub.admin
            .post(&path, &with(&good, pointer, value.clone()))
            .await
            .is_bad(&[name(pointer)]);
    }
    let mut many = with(&good, "/companyRegister", json!("12"));
    many["name"] = Value::Null;
    many["email"] = "non".into();
    hub.admin
        .post(&path, &many)
        .await
        .is_bad(&["companyRegister", "name", "email"]);
    hub.admin.post(&path, &good).await.of(201);
    let put = hub
        .admin
        .put(
            &format!("{path}/{IDLE_SI}"),
            &with(&organization(IDLE_SI), "/name", Value::Null),
        )
        .await;
    put.is_bad(&["name"]);
    let gone = hub
        .admin
        .put(
            &format!("{path}/SI-99820003400010-RIEN"),
            &organization("SI-99820003400010-RIEN"),
        )
        .await;
    gone.is_refused(404, "Organization is not found");
    for wrong in ["SI-123-1", "SI", "SI-99820003400010-", "-99820003400010-1"] {
        assert_eq!(
            hub.admin.get(&format!("{path}/{wrong}")).await.status,
            400,
            "{wrong}"
        );
    }
}

/// R51, R6, R7: a process has an OSL that exists, and every field of the contract as it should be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_field_of_a_process_is_named() {
    let hub = hub().await;
    let path = format!("{REFERENTIAL}/processes");
    let good = process("NEUVE", OSL);
    for (pointer, value) in [
        ("/code", long(31)),
        ("/name", long(101)),
        ("/name", Value::Null),
        ("/description", long(1001)),
        ("/isActivated", json!("oui")),
        ("/isActivated", Value::Null),
        ("/osl", Value::Null),
        ("/osl/companyRegister", json!("1")),
        ("/attachmentFormatsEnabled", json!("application/pdf")),
        ("/attachmentFormatsEnabled", Value::Null),
        ("/attachmentTypesEnabled", json!([3])),
        ("/attachmentMaxSizeEnabled", json!(-1)),
        ("/attachmentMaxSizeEnabled", json!("grand")),
        ("/statusBeforeFileDeletion", Value::Null),
        ("/timeBeforeFileDeletion", json!(-1)),
        ("/timeBeforeArchiving", json!("un")),
        ("/timeBeforeFolderDeletion", json!(1.5)),
        ("/messageToTransmitter", json!("non")),
        ("/subscriptionValidation", json!("Parfois")),
        ("/legalJustification", long(1001)),
    ] {
        hub.admin
            .post(&path, &with(&good, pointer, value.clone()))
            .await
            .is_bad(&[name(pointer)]);
    }
    let nobody = with(&good, "/osl/branchCode", json!("AUCUN"));
    assert_eq!(hub.admin.post(&path, &nobody).await.status, 400);
    let si = with(
        &good,
        "/osl",
        crate::kit::hubee::referential::identifier(SI),
    );
    assert_eq!(
        hub.admin.post(&path, &si).await.status,
        400,
        "an SI owns no process"
    );
    let mut later = good.clone();
    later["messageWithStatus"] = true.into();
    later["authorizedAwaiting"] = false.into();
    let created = hub.admin.post(&path, &later).await.of(201).json();
    assert_eq!(
        (
            &created["messageWithStatus"],
            &created["authorizedAwaiting"]
        ),
        (&json!(true), &json!(false))
    );
    let read = hub.admin.get(&format!("{path}/NEUVE")).await.of(200).json();
    assert_eq!(read, created);
    hub.admin
        .post(&path, &good)
        .await
        .is_bad(&["already exists"]);
    hub.admin
        .get(&format!("{path}/AUCUNE"))
        .await
        .is_refused(404, "Process is not found");
    hub.admin
        .put(&format!("{path}/AUCUNE"), &process("AUCUNE", OSL))
        .await
        .is_refused(404, "Process is not found");
}

/// R52, R51, R6, R7: a subscription has a subscriber and an active process that exist, and every field as it should be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wrong_field_of_a_subscription_is_named() {
    let hub = hub().await;
    let path = format!("{REFERENTIAL}/subscriptions");
    let good = subscription(IDLE_SI, PROCESS);
    for (pointer, value) in [
        ("/datapassId", json!("douze")),
        ("/datapassId", Value::Null),
        ("/processCode", long(31)),
        ("/processCode", Value::Null),
        ("/subscriber", Value::Null),
        ("/subscriber/companyRegister", json!("12")),
        ("/accessMode", json!("TELEPATHIE")),
        ("/notificationFrequency", json!("parfois")),
        ("/notificationFrequency", Value::Null),
        ("/activateDateTime", json!("2026-03-04T10:15:30")),
        ("/endDateTime", json!("demain")),
        ("/status", json!("Peut-être")),
        ("/email", json!("non")),
        ("/rejectionReason", long(1001)),
        ("/localAdministrator", Value::Null),
        ("/localAdministrator/email", json!("non")),
        ("/localAdministrator/phoneNumber", json!("1")),
        ("/delegationActor", json!({ "email": "non" })),
    ] {
        hub.datapass
            .post(&path, &with(&good, pointer, value.clone()))
            .await
            .is_bad(&[name(pointer)]);
    }
    let mut many = with(&good, "/activateDateTime", json!("hier"));
    many["notificationFrequency"] = "parfois".into();
    many["email"] = "non".into();
    hub.datapass.post(&path, &many).await.is_bad(&[
        "activateDateTime",
        "notificationFrequency",
        "email",
    ]);
    for process in ["INCONNUE", "ENDORMI"] {
        assert_eq!(
            hub.datapass
                .post(&path, &subscription(IDLE_SI, process))
                .await
                .status,
            400,
            "{process}"
        );
    }
    let nobody = subscription("SI-99820003400010-AUCUN", PROCESS);
    assert_eq!(hub.datapass.post(&path, &nobody).await.status, 400);
    for frequency in ["Unitaire", "QUOTIDIEN", "aucune"] {
        let one = with(&good, "/notificationFrequency", json!(frequency));
        let answer = hub.datapass.post(&path, &one).await;
        assert!(
            answer.status == 201 || frequency != "Unitaire",
            "{answer:?}"
        );
    }
    hub.osl
        .post(&path, &good)
        .await
        .is_refused(403, "Unauthorized user");
    let nobody = "01999999-9999-7999-8999-999999999999";
    hub.admin
        .put(&format!("{path}/{nobody}"), &good)
        .await
        .is_refused(404, "Subscription is not found");
    hub.admin
        .get(&format!("{path}/{nobody}"))
        .await
        .is_refused(404, "Subscription is not found");
}
