//! Query strings, ids in paths, dates, bodies that are no JSON or too much of it.

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::json;

use super::hub;
use crate::kit::hubee::{
    FOLDERS, REFERENTIAL,
    build::{self, File},
    caller::finish,
};

/// R6, R40: a number that is none, a negative one, a parameter that nobody knows; all of them at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_is_not_understood_is_refused_with_all_its_faults() {
    let hub = hub().await;
    let list = format!("{FOLDERS}/notifications");
    for (query, words) in [
        ("maxResult=-1", vec!["maxResult"]),
        ("maxResult=abc", vec!["maxResult"]),
        ("maxResult=", vec!["maxResult"]),
        ("maxResult=1.5", vec!["maxResult"]),
        ("max_result=3", vec!["max_result"]),
        (
            "maxResult=abc&inconnu=1&eventDetails=peut-%C3%AAtre",
            vec!["maxResult", "inconnu", "eventDetails"],
        ),
    ] {
        hub.si.get(&format!("{list}?{query}")).await.is_bad(&words);
    }
    for (path, words) in [
        (
            format!("{REFERENTIAL}/subscriptions?offSet=-1&maxResult=beaucoup"),
            vec!["offSet", "maxResult"],
        ),
        (
            format!("{REFERENTIAL}/subscriptions?processType=x"),
            vec!["processType"],
        ),
        (
            format!("{REFERENTIAL}/subscriptions?orderBy=asc(secret)"),
            vec!["orderBy"],
        ),
        (
            format!("{REFERENTIAL}/subscriptions?orderBy=status"),
            vec!["orderBy"],
        ),
        (
            format!("{REFERENTIAL}/subscriptions?companyRegister=123"),
            vec!["companyRegister"],
        ),
        (
            format!("{REFERENTIAL}/organizations?orderBy=asc(name)"),
            vec!["orderBy"],
        ),
        (
            format!("{REFERENTIAL}/organizations?offset=1"),
            vec!["offset"],
        ),
        (
            format!("{REFERENTIAL}/processes?maxResult=1"),
            vec!["maxResult"],
        ),
    ] {
        hub.admin.get(&path).await.is_bad(&words);
    }
    let sent = hub.send("DGS-CERTD-0000000000600").await;
    hub.si
        .get(&format!("{}?leger=true", sent.case_path(0)))
        .await
        .is_bad(&["leger"]);
    hub.osl
        .get(&format!("{}?lite=true", sent.path()))
        .await
        .is_bad(&["lite"]);
    hub.osl
        .delete(&format!("{}?force=true", sent.path()))
        .await
        .is_bad(&["force"]);
}

/// R40: real clients ask for a hundred thousand; none for nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_may_ask_for_as_many_as_it_wants() {
    let hub = hub().await;
    for number in 0..3 {
        hub.send(&format!("DGS-CERTD-000000000061{number}")).await;
    }
    let list = async |query: &str| {
        let answer = hub
            .si
            .get(&format!("{FOLDERS}/notifications?{query}"))
            .await
            .of(200);
        answer.json().as_array().unwrap().len()
    };
    assert_eq!(list("maxResult=100000").await, 3);
    assert_eq!(list("maxResult=2").await, 2);
    assert_eq!(list("processCode=MUET").await, 0);
    assert_eq!(list("processCode=MUET&processCode=CERTDC").await, 3);
    assert_eq!(list("processPriority=MUET").await, 3);
    // Another organisation's, and a process that the client was not issued for.
    assert_eq!(list("processCode=AUTRE").await, 0);
}

/// R7: an id in a path that is none is 400, on every path.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_none_is_refused() {
    let hub = hub().await;
    let sent = hub.send("DGS-CERTD-0000000000620").await;
    for wrong in [
        "dddddd",
        "01999999999979998999999999999999",
        "1",
        "%00",
        "é",
    ] {
        for path in [
            format!("{FOLDERS}/folders/{wrong}"),
            format!("{FOLDERS}/cases/{wrong}"),
            format!("{}/attachments/{wrong}", sent.case_path(0)),
            format!("{}/events/{wrong}", sent.case_path(0)),
            format!("{REFERENTIAL}/subscriptions/{wrong}"),
        ] {
            let answer = hub.admin.get(&path).await;
            assert_eq!(answer.status, 400, "{path}: {answer:?}");
            answer.messages();
        }
        let path = format!("{FOLDERS}/notifications/{wrong}");
        assert_eq!(hub.admin.delete(&path).await.status, 400, "{path}");
    }
}

/// Ten megabytes of JSON, text that is no JSON, nothing at all, another type: refused, and the hub goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_no_json_or_too_much_of_it_is_refused() {
    let hub = hub().await;
    let path = format!("{FOLDERS}/folders");
    let mut huge = build::folder("DGS-CERTD-0000000000630", &[File::pdf("gros")]);
    huge["unknownField"] = json!("x".repeat(10_000_000));
    let answer = hub.osl.post(&path, &huge).await;
    assert!(matches!(answer.status, 400 | 413), "{}", answer.status);
    answer.messages();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "pas du JSON",
        "{\"externalId\":",
        "[]",
        "null",
        "\u{feff}{}",
        &deep,
        "{\"a\":\"\\ud800\"}",
    ] {
        let request = hub.osl.request(Method::POST, &path);
        let answer = finish(
            request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_owned()),
        )
        .await;
        assert_eq!(
            answer.status,
            400,
            "{}: {answer:?}",
            &body[..body.len().min(20)]
        );
        answer.messages();
    }
    let latin = b"{\"externalId\":\"\xe9\"}".to_vec();
    let request = hub
        .osl
        .request(Method::POST, &path)
        .header(CONTENT_TYPE, "application/json");
    assert_eq!(finish(request.body(latin)).await.status, 400);
    let folder = build::folder("DGS-CERTD-0000000000630", &[File::pdf("bon")]);
    let request = hub
        .osl
        .request(Method::POST, &path)
        .header(CONTENT_TYPE, "application/json; charset=UTF-8");
    finish(request.body(folder.to_string())).await.of(201);
}

/// The most that the gateway may ever hold, in kB, whatever is asked of it.
const MOST: u64 = 192 * 1024;

/// R7: a small body with millions of faults is refused without taking the gateway's memory: its values are counted before they
/// are read, its arrays have a length, and a thousand faults are told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_countless_faults_is_refused_in_little_memory() {
    let hub = hub().await;
    let (folders, purged) = (format!("{FOLDERS}/folders"), format!("{FOLDERS}/idsPurged"));
    let say = async |method: Method, path: &str, body: String| {
        let request = hub.osl.request(method, path);
        finish(request.header(CONTENT_TYPE, "application/json").body(body)).await
    };
    let array = |item: &str, count: usize| format!("[{}]", vec![item; count].join(","));
    let folder = |field: &str, items: String| format!("{{\"{field}\":{items}}}");
    for item in ["{}", "0", "[]", "{\"a\":0}"] {
        let all = array(item, 4_000_000 / (item.len() + 1));
        say(Method::PUT, &purged, all.clone())
            .await
            .is_bad(&["values"]);
        let all = folder("attachments", array(item, 3_900_000 / (item.len() + 1)));
        say(Method::POST, &folders, all).await.is_bad(&["values"]);
    }
    let all = array("{\"a\":0}", 74_000);
    say(Method::PUT, &purged, all.clone())
        .await
        .is_bad(&["at most 40000 items, found 74000"]);
    for field in ["attachments", "cases"] {
        let answer = say(Method::POST, &folders, folder(field, all.clone())).await;
        answer.is_bad(&[&format!(
            "#/{field}: expected at most 5000 items, found 74000"
        )]);
    }
    let answer = say(Method::PUT, &purged, array("{}", 40_000)).await;
    answer.is_bad(&["and 79000 more"]);
    assert_eq!(answer.messages().len(), 1_001);
    let answer = say(
        Method::POST,
        &folders,
        folder("attachments", array("{}", 5_000)),
    )
    .await;
    answer.is_bad(&["#/externalId: required key not found", " more"]);
    assert_eq!(answer.messages().len(), 1_001);
    let peak = hub.peak();
    println!("countless faults: {peak} kB");
    assert!(peak <= MOST, "{peak} kB");
}

/// R25: as many pairs as a body holds are taken at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_purged_files_as_a_body_holds_are_taken_at_once() {
    let hub = hub().await;
    let sent = hub.send("DGS-CERTD-0000000000650").await;
    let pair = |number: u128| {
        let file = uuid::Uuid::from_u128(number);
        json!({ "folder_attachment_id": file, "case_id": sent.case(0) })
    };
    let pairs: Vec<_> = (1..=35_000).map(pair).collect();
    let purged = format!("{FOLDERS}/idsPurged");
    hub.si.put(&purged, &json!(pairs)).await.of(204);
}

/// R6: a date needs its offset.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_date_without_its_offset_is_refused() {
    let hub = hub().await;
    let sent = hub.send("DGS-CERTD-0000000000640").await;
    for date in [
        "2026-03-04T10:15:30",
        "2026-03-04",
        "04/03/2026",
        "2026-02-30T10:15:30Z",
        "",
    ] {
        let body = json!({ "globalStatus": "CLOSED", "closeDateTime": date });
        hub.osl
            .patch(&sent.path(), &body)
            .await
            .is_bad(&["closeDateTime"]);
    }
    for date in ["2026-03-04T10:15:30Z", "2026-03-04T10:15:30.5+01:00"] {
        let body = json!({ "globalStatus": "CLOSED", "closeDateTime": date });
        hub.osl.patch(&sent.path(), &body).await.of(204);
    }
}
