//! Schemathesis reads the four contracts and sends what they allow, and what they do not, with valid tokens.
//!
//! Random ids meet nothing: each contract is given to it with the ids of a folder that was sent, beside one of nobody.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::{
        contract::Contract,
        gateway::{Engine, Kit},
        hubee::{
            build::{self, File},
            caller::Caller,
            hub::Hub,
            referential::{PROCESS, SI},
        },
        pki::pki,
        process, python,
    },
};

/// What every answer is judged for.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
/// Seconds that it may send for, by contract, and that it may take in all.
const BUDGET: &str = "12";
const PATIENCE: u32 = 180;
/// An id that nothing has.
const NOBODY: &str = "01a1ffe0-542b-7a41-9c3e-5b0f2a7d6e10";

both_engines! {
    /// R7: no 5xx and no answer outside the four contracts, whatever comes from one who may do everything.
    async fn whatever_the_administration_sends_the_answer_is_one_of_the_contracts(kit) {
        let hub = Hub::open(kit).await;
        let known = known(&hub).await;
        for number in 0..4 {
            judge(&hub, &hub.admin, number, &known).await;
        }
        hub.doctor();
    }
}

/// The same from the two sides of a folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_two_sides_send_the_answer_is_one_of_the_contract() {
    let hub = Hub::open(Kit::new(Engine::Sqlite)).await;
    let known = known(&hub).await;
    for caller in [&hub.osl, &hub.si] {
        judge(&hub, caller, 0, &known).await;
    }
    hub.doctor();
}

/// The names of the paths' parameters, each with something that is there.
async fn known(hub: &Hub) -> Vec<(&'static str, String)> {
    let sent = hub.send("DGS-CERTD-0000000000950").await;
    let event = build::deposit(&[File::pdf("reponse")]);
    let events = format!("{}/events", sent.case_path(0));
    let event = hub.si.post(&events, &event).await.of(201).json();
    let notified = hub.notifications(&hub.si).await;
    let subscriptions = hub.admin.get("/referential/v1/subscriptions").await.of(200);
    let text = |value: &Value| value.as_str().expect("an id is a text").to_owned();
    vec![
        ("folderId", sent.id().to_owned()),
        ("caseId", sent.case(0).to_owned()),
        ("eventId", text(&event["id"])),
        ("attachmentId", sent.attachment(0).to_owned()),
        ("notificationId", text(&notified[0]["id"])),
        ("subscriptionId", text(&subscriptions.json()[0]["id"])),
        ("id", SI.to_owned()),
        ("code", PROCESS.to_owned()),
    ]
}

async fn judge(hub: &Hub, caller: &Caller, number: usize, known: &[(&str, String)]) {
    let contract = written(hub, number, known);
    let token = caller.token.clone().expect("a valid token");
    let (url, folder) = (hub.hub_url(""), hub.dir().to_owned());
    let judged = tokio::task::spawn_blocking(move || {
        let mut command = schemathesis(&contract, &url, &token);
        command.current_dir(folder);
        process::run(&command, PATIENCE)
    });
    let report = judged.await.expect("it is run").succeeded();
    println!("{report}");
    // Where its time is over before it begins, it sends nothing and calls that a success.
    assert!(!report.contains("Empty test suite"), "nothing was sent");
}

/// The contract in a file, its paths' parameters narrowed to what is there and to what is not.
fn written(hub: &Hub, number: usize, known: &[(&str, String)]) -> PathBuf {
    let mut document = Contract::hubee()[number].document().clone();
    narrow(&mut document, known);
    let file = hub.dir().join(format!("contract-{number}.json"));
    fs::write(&file, document.to_string()).expect("the scratch directory is writable");
    file
}

fn narrow(value: &mut Value, known: &[(&str, String)]) {
    if value["in"] == "path" {
        let name = value["name"].as_str().unwrap_or_default().to_owned();
        let found = known.iter().find(|(known, _)| *known == name);
        if let Some((_, there)) = found {
            let nowhere = match name.ends_with("Id") {
                true => NOBODY,
                false => "SI-99820009900019-AUCUN",
            };
            value["schema"] = json!({ "type": "string", "enum": [there, nowhere] });
            value["example"] = json!(there);
        }
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|inner| narrow(inner, known)),
        Value::Array(items) => items.iter_mut().for_each(|inner| narrow(inner, known)),
        _ => {}
    }
}

fn schemathesis(contract: &std::path::Path, url: &str, token: &str) -> std::process::Command {
    let mut command = python::program("schemathesis", "schemathesis");
    command
        .arg("run")
        .arg(contract)
        .args(["--url", url])
        .arg("--tls-verify")
        .arg(&pki().root)
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", CHECKS, "--max-examples", "20", "--seed", "7"])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-time", BUDGET])
        .args(["--continue-on-failure", "--warnings", "off"]);
    command
}
