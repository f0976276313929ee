//! What stands around the bodies: compression, slashes, the software's name, tokens.

use reqwest::Method;
use serde_json::json;

use crate::{
    both_engines,
    kit::{
        gateway::{Engine, Kit},
        hubee::{
            FOLDERS,
            build::{self, File},
            caller::{Caller, finish},
            hub::Hub,
            referential::{PROCESS, SI},
        },
    },
};

async fn hub() -> Hub {
    Hub::open(Kit::new(Engine::Sqlite)).await
}

/// R6: who accepts gzip gets gzip, the same text as who does not; a file's bytes are left alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_compressed_for_who_accepts_it() {
    let hub = hub().await;
    let sent = hub.send("DGS-CERTD-0000000000040").await;
    let plain = hub.osl.get(&sent.path()).await.of(200);
    assert_eq!(plain.header("content-encoding"), "");
    let request = hub.osl.request(Method::GET, &sent.path());
    let packed = finish(request.header("accept-encoding", "gzip, deflate"))
        .await
        .of(200);
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < plain.body.len());
    assert_eq!(packed.plain(), plain.body);
    let request = hub.si.request(Method::GET, &sent.case_file_path(0, 0));
    let file = finish(request.header("accept-encoding", "gzip"))
        .await
        .of(200);
    assert_eq!(file.body, sent.files[0].bytes);
    let list = hub
        .si
        .request(Method::GET, &format!("{FOLDERS}/notifications"));
    let list = finish(list.header("accept-encoding", "gzip")).await.of(200);
    assert_eq!(list.header("content-encoding"), "gzip");
    let refused = hub.si.request(Method::GET, &sent.path());
    let refused = finish(refused.header("accept-encoding", "gzip")).await;
    assert_eq!(refused.status, 403);
}

/// R6, R7: what the front says of a fault is what its head says it is, also for who accepts gzip.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_reads_as_its_head_says_for_who_accepts_gzip() {
    let hub = hub().await;
    let sent = hub.send("DGS-CERTD-0000000000044").await;
    for accepted in ["identity", "gzip"] {
        let request = hub.si.request(Method::GET, &sent.case_file_path(0, 0));
        let request = request.header("accept-encoding", accepted);
        let answer = finish(request.header("range", "bytes=99999999-")).await;
        let told: serde_json::Value = serde_json::from_slice(&answer.of(416).plain()).unwrap();
        assert_eq!(
            told["errors"],
            json!([{ "code": 416, "message": "Range not satisfiable" }])
        );
    }
}

/// R1: a trailing slash on a collection is the same resource.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trailing_slash_on_a_collection_changes_nothing() {
    let hub = hub().await;
    let files = [File::pdf("barre")];
    let folder = build::folder("DGS-CERTD-0000000000041", &files);
    hub.osl
        .post(&format!("{FOLDERS}/folders/"), &folder)
        .await
        .of(201);
    hub.si
        .get(&format!("{FOLDERS}/notifications/"))
        .await
        .of(200);
    hub.si
        .get(&format!("{FOLDERS}/notifications/?maxResult=1"))
        .await
        .of(200);
    for collection in ["organizations", "processes", "subscriptions"] {
        hub.admin
            .get(&format!("/referential/v1/{collection}/"))
            .await
            .of(200);
    }
}

both_engines! {
    /// R4: the software that calls is kept with what it creates; fifty characters are enough, its absence is no error.
    async fn the_software_that_calls_is_kept_with_what_it_creates(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("logiciel")];
        let create = |external: &str| {
            let folder = build::folder(external, &files);
            hub.osl.sending(Method::POST, &format!("{FOLDERS}/folders"), &folder)
        };
        let request = create("DGS-CERTD-0000000000042")
            .header("editorName", "Éditeur".as_bytes())
            .header("applicationName", "Guichet")
            .header("softwareVersion", "12.4");
        let folder = finish(request).await.of(201).json();
        let said = &folder["partnerInfo"];
        assert_eq!((&said["applicationName"], &said["softwareVersion"]), (&json!("Guichet"), &json!("12.4")));
        let path = format!("{FOLDERS}/folders/{}", folder["id"].as_str().unwrap());
        assert_eq!(hub.osl.get(&path).await.of(200).json()["partnerInfo"], *said);
        let request = create("DGS-CERTD-0000000000043").header("editorName", "e".repeat(51));
        finish(request).await.is_bad(&["editorName"]);
        finish(create("DGS-CERTD-0000000000043")).await.of(201);
    }
}

/// R2: by HTTP Basic or in the form, at both addresses; the answer says scope and life.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_had_by_basic_or_form_at_both_addresses() {
    let gateway = Kit::new(Engine::Sqlite).with_hub().start();
    gateway.hub_import(&crate::kit::hubee::referential::world());
    let credentials = gateway.hub_register(SI, "SI", &[PROCESS]);
    let caller = Caller::with_token(&gateway, &credentials, "SI").await;
    let form = "grant_type=client_credentials&scope=SI";
    let inside = format!(
        "{form}&client_id={}&client_secret={}",
        credentials.id, credentials.secret
    );
    let basic = Some((&*credentials.id, &*credentials.secret));
    for path in ["/oauth2/token", "/token"] {
        for (basic, form) in [(basic, form), (None, &*inside)] {
            let answer = caller.ask_token_with(path, basic, form).await.of(200);
            let said = answer.json();
            assert_eq!(
                (&said["token_type"], &said["scope"]),
                (&json!("Bearer"), &json!("SI"))
            );
            assert_eq!(said["expires_in"], json!(86_400));
            let token = said["access_token"].as_str().unwrap();
            let list = caller
                .bearing(token)
                .get(&format!("{FOLDERS}/notifications"))
                .await;
            list.of(200);
        }
    }
    let wrong = caller
        .ask_token_with("/token", Some((&credentials.id, "faux")), form)
        .await;
    assert_eq!(wrong.status, 401, "{wrong:?}");
    let other = caller
        .ask_token_with("/token", basic, "grant_type=client_credentials&scope=OSL")
        .await;
    assert_eq!(
        (other.status, other.json()["error"].as_str()),
        (400, Some("invalid_scope"))
    );
}
