//! Heads and bodies of requests, whatever the operation: what is told at once, what is refused, what is too much.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{
    gateway::{Engine, Kit},
    hubee::{
        FOLDERS,
        build::{self, File},
        caller::{Caller, finish},
        hub::Hub,
        referential::{ADMIN, SI},
    },
};

async fn hub() -> Hub {
    Hub::open(Kit::new(Engine::Sqlite)).await
}

/// A caller of the administration, where nothing else is needed.
async fn admin() -> (crate::kit::gateway::Gateway, Caller) {
    let gateway = Kit::new(Engine::Sqlite).with_hub().start();
    let admin = Caller::register(&gateway, ADMIN, "ADMIN", &[]).await;
    (gateway, admin)
}

/// R6: an unknown parameter is 400, on every operation, also beside known ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_parameter_is_refused_by_its_name() {
    let (_gateway, admin) = admin().await;
    let nobody = "01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10";
    for path in [
        format!("{FOLDERS}/notifications?couleur=bleu"),
        format!("{FOLDERS}/notifications?maxResult=5&couleur=bleu"),
        format!("{FOLDERS}/folders/{nobody}?couleur=bleu"),
        format!("{FOLDERS}/cases/{nobody}?lite=true&couleur=bleu"),
        "/referential/v1/organizations?couleur=bleu".to_owned(),
        "/referential/v1/processes?couleur=bleu".to_owned(),
        "/referential/v1/subscriptions?couleur=bleu".to_owned(),
    ] {
        admin.get(&path).await.is_bad(&["couleur"]);
    }
    let path = format!("{FOLDERS}/folders?couleur=bleu");
    admin
        .post(&path, &json!({}))
        .await
        .is_bad(&["couleur", "applicant"]);
}

/// R7: faults of headers, of the path and of the query are told in one answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_faults_of_a_head_are_told_at_once() {
    let (_gateway, admin) = admin().await;
    let request = admin.request(
        Method::GET,
        &format!("{FOLDERS}/notifications?maxResult=-1&a=1&b=2"),
    );
    let request = request
        .header("editorName", "e".repeat(51))
        .header("softwareVersion", "v".repeat(51));
    let answer = finish(request).await;
    answer.is_bad(&[
        "maxResult",
        "query.a",
        "query.b",
        "editorName",
        "softwareVersion",
    ]);
    assert_eq!(answer.messages().len(), 5, "{answer:?}");
    let request = admin.sending(
        Method::POST,
        &format!("{FOLDERS}/folders"),
        &json!({ "externalId": 5 }),
    );
    let answer = finish(request.header("applicationName", "a".repeat(51))).await;
    answer.is_bad(&[
        "applicationName",
        "externalId",
        "processCode",
        "applicant",
        "cases",
        "attachments",
    ]);
}

/// R7: an id of a path that is no UUID is 400 and named; one that nobody has is 404.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_no_uuid_is_refused_by_its_name() {
    let (_gateway, admin) = admin().await;
    for id in [
        "dddddd",
        "1",
        "%7b01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10%7d",
        "01a1ffe0542b7a419c3e5b0f2a7d6e10",
        "%20",
        "%00",
    ] {
        admin
            .get(&format!("{FOLDERS}/folders/{id}"))
            .await
            .is_bad(&["folderId", "not a valid UUID"]);
        let path = format!("{FOLDERS}/cases/{id}/events/{id}");
        let answer = admin.get(&path).await;
        answer.is_bad(&["caseId", "eventId"]);
        assert_eq!(answer.messages().len(), 2, "{answer:?}");
    }
    assert_eq!(
        admin.get(&format!("{FOLDERS}/folders/%ff")).await.status,
        400
    );
    let nobody = format!("{FOLDERS}/folders/01A1FFE0-542B-7A41-9C3E-5B0F2A7D6E10");
    admin
        .get(&nobody)
        .await
        .is_refused(404, "Folder is not found");
}

/// R7: a body of 10 MB is refused, and nothing of it is kept; so is one that is no JSON, or that nests without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_much_or_no_json_is_refused() {
    let hub = hub().await;
    let path = format!("{FOLDERS}/folders");
    let mut large = build::folder("DGS-CERTD-0000000000800", &[File::pdf("grand")]);
    large["inconnu"] = Value::String("x".repeat(10_000_000));
    hub.osl.post(&path, &large).await.is_bad(&["@body"]);
    for body in [
        "",
        "{",
        "nul",
        "{\"a\":1} x",
        "{\"a\":1,\"a\":2}",
        "\u{feff}{}",
        &"[".repeat(100_000),
        &"{\"a\":".repeat(5_000),
    ] {
        let request = hub
            .osl
            .request(Method::POST, &path)
            .header("content-type", "application/json");
        finish(request.body(body.to_owned()))
            .await
            .is_bad(&["@body"]);
    }
    let request = hub
        .osl
        .request(Method::POST, &path)
        .header("content-type", "application/json");
    finish(request.body(vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}']))
        .await
        .is_bad(&["@body"]);
    for body in [json!([]), json!(7), json!("x"), json!(null)] {
        hub.osl.post(&path, &body).await.is_bad(&["object"]);
    }
    assert_eq!(hub.count("SELECT count(*) FROM hub_folder"), 0);
}

/// R6: what a client adds to a body is ignored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_fields_of_a_body_are_ignored() {
    let hub = hub().await;
    let mut folder = build::folder("DGS-CERTD-0000000000801", &[File::pdf("plus")]);
    folder["inconnu"] = json!({ "a": [1, 2] });
    folder["applicant"]["inconnu"] = json!(7);
    folder["cases"][0]["inconnu"] = json!(null);
    let made = hub
        .osl
        .post(&format!("{FOLDERS}/folders"), &folder)
        .await
        .of(201)
        .json();
    assert_eq!(made.get("inconnu"), None);
}

/// R5: POST with the header does the PATCH, whatever the size of its letters; without it, or with another word, it is 405.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_without_its_override_is_405() {
    let hub = hub().await;
    let sent = hub.create("DGS-CERTD-0000000000802").await;
    let event = build::event("COM_ADD");
    let events = format!("{}/events", sent.case_path(0));
    let event = hub.osl.post(&events, &event).await.of(201).json();
    let event = format!("{events}/{}", event["id"].as_str().unwrap());
    for path in [sent.path(), sent.case_path(0), event] {
        let body = json!({ "status": "IN_PROGRESS", "globalStatus": "CLOSED" });
        hub.osl
            .post(&path, &body)
            .await
            .is_refused(405, "Method not allowed");
        let other = hub
            .osl
            .sending(Method::POST, &path, &body)
            .header("x-http-method-override", "DELETE");
        finish(other).await.is_refused(405, "Method not allowed");
    }
    let body = json!({ "globalStatus": "CLOSED" });
    let small = hub
        .osl
        .sending(Method::POST, &sent.path(), &body)
        .header("X-Http-Method-Override", "patch");
    finish(small).await.of(204);
    hub.osl
        .patch_by_post(&sent.path(), &json!({ "globalStatus": "RIEN" }))
        .await
        .of(400);
}

/// R7: what is nowhere, and a method that no contract gives, are told in the hub's own form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_nowhere_is_told_in_the_hubs_form() {
    let (_gateway, admin) = admin().await;
    for path in [
        "/",
        "/teledossiers",
        "/teledossiers/v1",
        "/teledossiers/v2/folders",
        "/v1/pieces",
        "/metrics",
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.messages().len(), 1);
    }
    for (method, path) in [
        (Method::DELETE, "/teledossiers/v1/folders"),
        (Method::PUT, "/teledossiers/v1/notifications"),
        (Method::PATCH, "/referential/v1/processes"),
    ] {
        let answer = finish(admin.request(method, path)).await;
        assert_eq!(
            (answer.status, answer.messages()),
            (405, vec!["Method not allowed".to_owned()])
        );
        assert!(!answer.header("allow").is_empty(), "{answer:?}");
    }
}

/// The piece API does not speak for the hub, nor the hub for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_two_listeners_know_nothing_of_each_other() {
    let gateway = Kit::new(Engine::Sqlite).with_hub().start();
    let client = gateway.client().await;
    client
        .get("/teledossiers/v1/folders")
        .await
        .is_problem(404, "not-found");
    let si = Caller::register(&gateway, SI, "SI", &["CERTDC"]).await;
    let token = si.token.expect("a token");
    client
        .bearing(&token)
        .get("/v1/pieces")
        .await
        .is_problem(401, "token-invalid");
}
