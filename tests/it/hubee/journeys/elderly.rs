//! What elderly software sends: HTTP/1.0, bodies without a length, `Expect`, headers that nobody knows.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::kit::{
    gateway::{Engine, Kit},
    hubee::{
        FOLDERS,
        build::{self, File},
        caller::Caller,
        hub::Hub,
    },
    pki::pki,
    process, scratch,
};

/// The ways of sending a body.
const WAYS: [&[&str]; 4] = [
    &["-H", "Expect: 100-continue"],
    &["-H", "Expect:"],
    &["-H", "Transfer-Encoding: chunked", "-H", "Expect:"],
    &["--http1.0", "-H", "Expect:"],
];

async fn hub() -> Hub {
    Hub::open(Kit::new(Engine::Sqlite)).await
}

fn written(content: &[u8]) -> std::path::PathBuf {
    let path = scratch::fresh("elderly").join("body");
    std::fs::write(&path, content).unwrap();
    path
}

/// One call by curl, as a Java of its time makes it; status and body.
fn call(hub: &Hub, caller: &Caller, (method, path): (&str, &str), more: &[&str]) -> (u16, String) {
    let token = caller.token.as_deref().unwrap();
    let mut command = Command::new("curl");
    command.args(["-sS", "-w", "\n%{http_code}", "-X", method]);
    command.arg("--cacert").arg(&pki().root);
    command.args(["-H", &format!("authorization: bearer {token}")]);
    command.args(["-H", "User-Agent: Java/1.6.0_45"]);
    command.args(["-H", "Accept: application/json, application/*+json"]);
    command.args(["-H", "SOAPAction: \"\"", "-H", "X-Inconnu: \u{e9}t\u{e9}"]);
    command.args(more).arg(hub.hub_url(path));
    let said = process::run(&command, 120).succeeded();
    let (body, status) = said.rsplit_once('\n').expect("two lines");
    (status.parse().unwrap(), body.to_owned())
}

fn send(hub: &Hub, call_of: (&str, &str), kind: &str, body: &Path, way: &[&str]) -> (u16, String) {
    let (kind, body) = (
        format!("Content-Type: {kind}"),
        format!("@{}", body.display()),
    );
    let own = ["-H", &kind, "--data-binary", &body];
    call(hub, &hub.osl, call_of, &[&own[..], way].concat())
}

/// R6, R14, R15: a télédossier goes through whatever way of sending a body its software has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teledossier_goes_through_however_its_bodies_are_sent() {
    let hub = hub().await;
    let json = "application/json;charset=UTF-8";
    for (number, way) in WAYS.iter().enumerate() {
        let file = File::pdf(&format!("ancien-{number}"));
        let external = format!("DGS-CERTD-000000000005{number}");
        let folder = build::folder(&external, std::slice::from_ref(&file));
        let body = written(folder.to_string().as_bytes());
        let at = format!("{FOLDERS}/folders");
        let (status, answer) = send(&hub, ("POST", &at), json, &body, way);
        assert_eq!(status, 201, "{way:?}: {answer}");
        let created: Value = serde_json::from_str(&answer).expect("plain JSON");
        let one = format!("{at}/{}", created["id"].as_str().unwrap());
        let attachment = created["attachments"][0]["id"].as_str().unwrap();
        let at = format!("{one}/attachments/{attachment}");
        let body = written(&file.bytes);
        let sent = send(&hub, ("PUT", &at), "application/octet-stream", &body, way);
        assert_eq!(sent, (204, String::new()), "{way:?}");
        let body = written(br#"{"globalStatus":"HUBEE_COMPLETED"}"#);
        let over = [*way, &["-H", "X-HTTP-Method-Override: PATCH"][..]].concat();
        let done = send(&hub, ("POST", &one), json, &body, &over);
        assert_eq!(done, (204, String::new()), "{way:?}");
        assert_eq!(hub.notifications(&hub.si).await.len(), number + 1);
    }
}

/// R3, R7: who is refused reads why, also where it waits to be told that it may send, or has sent all before it reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_read_however_the_body_is_sent() {
    let hub = hub().await;
    let large = written(&vec![b' '; 3_000_000]);
    let draft = hub.create("DGS-CERTD-0000000000059").await;
    let body = format!("@{}", large.display());
    for way in WAYS {
        let path = draft.file_path(0);
        let more = [&["--data-binary", &body][..], way].concat();
        let (status, answer) = call(&hub, &hub.si, ("PUT", &path), &more);
        assert_eq!(status, 403, "{way:?}: {answer}");
        assert!(answer.contains("Unauthorized user"), "{answer}");
        let (status, answer) = call(&hub, &hub.osl.bearing("faux"), ("PUT", &path), &more);
        assert_eq!(status, 401, "{way:?}: {answer}");
        assert!(answer.contains("900901"), "{answer}");
    }
}
