//! One id across both worlds: what a project accepts goes on as a télédossier (setting `forward`).
//!
//! | file | what it tries |
//! |---|---|
//! | `awaited` | what waits for the antivirus, and what it has put in quarantine |
//! | `parts` | an archive of more files than one folder takes |

mod awaited;
mod parts;

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        depot::{Depot, Make},
        document,
        gateway::{Gateway, Kit, PROJECT},
        hubee::{
            FOLDERS,
            hub::Hub,
            referential::{IDLE_SI, PROCESS, SI},
        },
        lot::Lot,
        wait,
    },
    reception::{SOON, at, exchange, receipt},
};

/// A kit whose project sends on to `recipient`.
fn forwarding(kit: Kit, recipient: &str) -> Kit {
    kit.with_hub()
        .set_project("forward.hubee", format!("{PROCESS:?}"))
        .set_project("forward.recipient", format!("{recipient:?}"))
}

/// The folder that a piece went on as, once its trace shows it.
async fn folder_of(client: &Client, id: &str) -> String {
    let event = told(client, id, "exchange.forwarded").await;
    assert_eq!(
        (
            &event["detail"]["processCode"],
            &event["detail"]["recipient"]
        ),
        (&json!(PROCESS), &json!(SI))
    );
    event["detail"]["folderId"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// The event of that kind of a piece, once its trace shows it.
async fn told(client: &Client, id: &str, kind: &str) -> Value {
    let path = format!("/v1/pieces/{id}/events");
    let looked = wait::eventually(kind, SOON, async || {
        let events = client.get(&path).await.json();
        let mut events = events["items"].as_array().expect("a list").iter();
        events.find(|event| event["kind"] == kind).cloned()
    });
    looked.await
}

/// The details of the events of that kind of an exchange or a folder, oldest first.
#[track_caller]
fn details(gateway: &Gateway, id: &str, kind: &str) -> Vec<Value> {
    let said = trace(gateway, id);
    let events = said["events"].as_array().expect("a list").iter();
    let events = events.filter(|event| event["kind"] == kind);
    events.map(|event| event["detail"].clone()).collect()
}

#[track_caller]
fn trace(gateway: &Gateway, folder: &str) -> Value {
    let said = gateway
        .run(&["hubee", "trace", folder, "--json"])
        .succeeded();
    serde_json::from_str(&said).expect("JSON was asked for")
}

both_engines! {
    /// The recipient is notified, its case names the piece, its file is the piece's content; the trace of either names the other.
    async fn an_accepted_piece_goes_on_as_a_télédossier_and_its_trace_shows_the_folder(kit) {
        let hub = Hub::open(forwarding(kit, SI)).await;
        let client = hub.client().await;
        let content = document::small("suite");
        let id = client.push(&metadata("D-SUITE"), content.clone()).await.reconciliation_id();
        let folder = folder_of(&client, &id).await;
        let waiting = hub.notifications(&hub.si).await;
        assert_eq!(waiting.len(), 1);
        let case = format!("{FOLDERS}/cases/{}", waiting[0]["caseId"].as_str().unwrap());
        let said = hub.si.get(&case).await.of(200).json();
        assert_eq!(said["partnerAttributes"], format!("reconciliationId={id}"));
        let file = &said["attachments"][0];
        assert_eq!(file["fileName"], metadata("D-SUITE")["fileName"]);
        let path = format!("{case}/attachments/{}", file["id"].as_str().unwrap());
        assert!(hub.si.get(&path).await.of(200).body == content, "other bytes");
        let whole = hub.osl.get(&format!("{FOLDERS}/folders/{folder}")).await.of(200).json();
        assert_eq!(whole["globalStatus"], "HUBEE_NOTIFIED");
        let back = details(&hub, &folder, "exchange.forwarded");
        assert_eq!(back[0]["reconciliationId"], id.as_str());
        hub.await_idle();
        hub.doctor();
    }

    /// An archive goes on as one folder with every file of its pieces, in their order.
    async fn an_accepted_archive_goes_on_as_one_folder_with_every_file(kit) {
        let depot = Depot::start(Make::Folder);
        let hub = Hub::open(at(forwarding(kit, SI), &depot)).await;
        let (first, second) = (document::small("lettre"), document::pdf("a", 300_000));
        let lot = Lot::new("D-LOT")
            .piece("P-1", "courrier/lettre.pdf", &first)
            .piece_of(0, "P-2", &[("a.pdf", &second), ("b.txt", b"Bonjour")]);
        depot.put("in/LOT42.zip", &lot.zip());
        let receipt = receipt(&depot, "LOT42.zip");
        let question = format!("SELECT folder_id FROM hub_forward WHERE exchange_id = {}", hub.id(exchange(&receipt)));
        let folder = wait::until("folder of an archive", SOON, || Some(hub.sql(&question)).filter(|id| !id.is_empty()));
        let waiting = hub.notifications(&hub.si).await;
        assert_eq!(waiting.len(), 1, "{folder}");
        let case = format!("{FOLDERS}/cases/{}", waiting[0]["caseId"].as_str().unwrap());
        let said = hub.si.get(&case).await.of(200).json();
        let files = said["attachments"].as_array().unwrap();
        let names: Vec<_> = files.iter().map(|file| file["fileName"].as_str().unwrap()).collect();
        assert_eq!(names, ["lettre.pdf", "a.pdf", "b.txt"]);
        for (file, bytes) in files.iter().zip([&first[..], &second[..], b"Bonjour"]) {
            let path = format!("{case}/attachments/{}", file["id"].as_str().unwrap());
            assert!(hub.si.get(&path).await.of(200).body == bytes, "{file}: other bytes");
        }
    }

    /// However often the process dies on the way, there is one folder, notified once.
    async fn a_piece_goes_on_once_however_often_the_gateway_dies(kit) {
        let kit = forwarding(kit, SI).set("worker.lease_seconds", 2);
        let Hub { mut gateway, si, .. } = Hub::open(kit).await;
        let credentials = gateway.register("application", &["pieces:write", "pieces:read"]);
        let points = ["forward.before-deposit", "hub.before-complete", "hub.within-complete", "hub.after-complete", "forward.after-settle"];
        for (number, point) in points.into_iter().enumerate() {
            assert!(gateway.stop().success());
            gateway.launch(&[("NAVETTE_FAILPOINT".to_owned(), point.to_owned())]);
            gateway.await_ready();
            let client = Client::with_token(&gateway, &crate::kit::pki::pki().client, &credentials).await;
            let dossier = format!("D-MORT-{number}");
            // The answer may die with the gateway; the piece is sent again, as its sender would.
            let sent = client.try_push(&metadata(&dossier), document::small(&dossier)).await;
            gateway.ended();
            gateway.restart();
            let client = Client::with_token(&gateway, &crate::kit::pki::pki().client, &credentials).await;
            let id = match sent {
                Ok(answer) => answer.reconciliation_id(),
                Err(_) => client.push(&metadata(&dossier), document::small(&dossier)).await.reconciliation_id(),
            };
            folder_of(&client, &id).await;
            gateway.await_idle();
            assert_eq!(gateway.count("SELECT count(*) FROM hub_folder"), number as u64 + 1, "{point}");
            assert_eq!(gateway.count("SELECT count(*) FROM hub_notification"), number as u64 + 1, "{point}");
        }
        let forwarded = "SELECT count(*) FROM journal WHERE kind = 'exchange.forwarded'";
        assert_eq!(gateway.count(forwarded), 2 * points.len() as u64);
        si.get(&format!("{FOLDERS}/notifications")).await.of(200);
        gateway.doctor();
    }

    /// What the hub refuses is an incident that says why; mended and tried again, the piece goes on.
    async fn what_the_hub_refuses_is_an_incident_until_it_is_mended(kit) {
        let hub = Hub::open(forwarding(kit, IDLE_SI)).await;
        let client = hub.client().await;
        let id = client.push(&metadata("D-REFUS"), document::small("refus")).await.reconciliation_id();
        let open = "SELECT detail FROM incident WHERE code = 'forward-failed' AND state = 'open'";
        wait::until("incident", SOON, || (!hub.sql(open).is_empty()).then_some(()));
        assert!(hub.sql(open).contains("does not suscribed to"), "{}", hub.sql(open));
        let seen = hub.run(&["incident", "list", "--json"]).succeeded();
        let seen: Value = serde_json::from_str(&seen).expect("JSON was asked for");
        assert_eq!((&seen[0]["code"], &seen[0]["reconciliationId"]), (&json!("forward-failed"), &json!(id)), "{seen}");
        assert_eq!(hub.count("SELECT count(*) FROM hub_folder"), 0);
        let wanted = crate::kit::hubee::referential::subscription(IDLE_SI, PROCESS);
        hub.datapass.post("/referential/v1/subscriptions", &wanted).await.of(201);
        let all = ["job", "retry", "--all-failed", "--project", PROJECT, "--reason", "abonné"];
        hub.run(&all).succeeded();
        let resolved = "SELECT count(*) FROM incident WHERE code = 'forward-failed' AND state = 'resolved'";
        wait::until("end of the incident", SOON, || (hub.count(resolved) == 1).then_some(()));
        let forwarded = format!("SELECT count(*) FROM hub_forward WHERE exchange_id = {}", hub.id(&id));
        assert_eq!(hub.count(&forwarded), 1);
        hub.await_idle();
        hub.doctor();
    }
}

/// A process and a recipient are demanded together, and a hub to send to.
#[test]
fn a_forward_without_a_hub_or_a_recipient_does_not_load() {
    let kit = Kit::with_database(None).set_project("forward.hubee", "\"CERTDC\"");
    kit.write();
    let said = kit.run(&["check-config"]).failed_with(3);
    assert!(
        said.contains("forward.recipient") && said.contains("no [hubee]"),
        "{said}"
    );
}
