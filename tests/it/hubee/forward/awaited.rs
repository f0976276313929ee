//! What waits for the antivirus goes on when it has spoken; what it has put in quarantine never does, and its trace says so.

use serde_json::json;

use super::{details, folder_of, forwarding, told};
use crate::{
    both_engines,
    kit::{
        clamd::{Clamd, eicar},
        client::{Client, metadata},
        depot::{Depot, Make},
        document,
        gateway::{Gateway, Kit, PROJECT, REASON},
        hubee::{
            FOLDERS,
            caller::Caller,
            hub::Hub,
            referential::{IDLE_SI, PROCESS, SI, subscription},
        },
        lot::Lot,
        pki::pki,
        wait,
    },
    reception::{SOON, at, exchange, receipt, undemanding},
};

/// A kit whose project sends on what `clamd` found clean; the hub itself asks nobody.
fn looking(kit: Kit, clamd: &Clamd) -> Kit {
    forwarding(clamd.looking(kit), SI).set("hubee.antivirus", "\"off\"")
}

/// Waits until what is to be sent on was tried in vain.
fn tried_in_vain(gateway: &Gateway) {
    let tried =
        "SELECT count(*) FROM job WHERE kind = 'forward' AND attempts > 0 AND lease_token IS NULL";
    wait::until("try in vain", SOON, || {
        (gateway.count(tried) == 1).then_some(())
    });
}

/// Fails unless the hub knows of nothing.
async fn nothing_went(hub: &Hub) {
    assert_eq!(hub.count("SELECT count(*) FROM hub_folder"), 0);
    assert!(hub.notifications(&hub.si).await.is_empty());
}

/// A piece that was answered without a look and that the hub refused, for its recipient has no subscription; its project demands the
/// antivirus since.
struct Refused {
    gateway: Gateway,
    datapass: Caller,
    client: Client,
    id: String,
}

async fn refused(kit: Kit, clamd: &Clamd, content: Vec<u8>) -> Refused {
    let kit = forwarding(clamd.looking(kit), IDLE_SI).set("hubee.antivirus", "\"off\"");
    let Hub {
        mut gateway,
        datapass,
        ..
    } = Hub::open(kit).await;
    let credentials = gateway.register("application", &["pieces:write", "pieces:read"]);
    assert!(gateway.stop().success());
    let demanding = undemanding(&gateway);
    gateway.restart();
    let client = Client::with_token(&gateway, &pki().client, &credentials).await;
    let sent = client.push(&metadata("D-AVANT"), content).await;
    for (what, count) in [
        ("refusal of the hub", "job WHERE state = 'failed'"),
        ("return", "exchange_return"),
    ] {
        let count = format!("SELECT count(*) FROM {count}");
        wait::until(what, SOON, || (gateway.count(&count) == 1).then_some(()));
    }
    assert!(gateway.stop().success());
    demanding();
    gateway.restart();
    Refused {
        client: Client::with_token(&gateway, &pki().client, &credentials).await,
        id: sent.reconciliation_id(),
        gateway,
        datapass,
    }
}

/// An operator has tried again what was given up.
fn retry(gateway: &Gateway) {
    let all = ["job", "retry", "--all-failed", "--project", PROJECT];
    let all = [&all[..], &["--reason", REASON]].concat();
    gateway.run(&all).succeeded();
}

/// How many incidents of refusals by the hub are in that state.
fn failed(gateway: &Gateway, state: &str) -> u64 {
    let incidents = "SELECT count(*) FROM incident WHERE code = 'forward-failed' AND state";
    gateway.count(&format!("{incidents} = '{state}'"))
}

both_engines! {
    /// While no verdict is there, the hub knows of nothing; once it is, the piece goes on by itself.
    async fn a_piece_goes_on_only_once_the_antivirus_has_spoken(kit) {
        let mut clamd = Clamd::start();
        let hub = Hub::open(looking(kit, &clamd)).await;
        let client = hub.client().await;
        clamd.vanish();
        let content = document::small("attend");
        let id = client.push(&metadata("D-ATTEND"), content.clone()).await.reconciliation_id();
        tried_in_vain(&hub);
        nothing_went(&hub).await;
        clamd.appear();
        folder_of(&client, &id).await;
        let events = client.get(&format!("/v1/pieces/{id}/events")).await.json();
        let kinds = events["items"].as_array().unwrap().iter().map(|event| event["kind"].clone());
        let kinds: Vec<_> = kinds.collect();
        let place = |kind: &str| kinds.iter().position(|one| one == kind);
        assert!(place("piece.scanned").is_some() && place("piece.scanned") < place("exchange.forwarded"), "{kinds:?}");
        let waiting = hub.notifications(&hub.si).await;
        assert_eq!(waiting.len(), 1);
        let case = format!("{FOLDERS}/cases/{}", waiting[0]["caseId"].as_str().unwrap());
        let said = hub.si.get(&case).await.of(200).json();
        let file = format!("{case}/attachments/{}", said["attachments"][0]["id"].as_str().unwrap());
        assert!(hub.si.get(&file).await.of(200).body == content, "other bytes");
        hub.await_idle();
        hub.doctor();
    }

    /// A piece in quarantine is told as withheld, once, and never goes: not when an operator has all tried again either.
    async fn a_piece_in_quarantine_never_goes_on_and_its_trace_says_so(kit) {
        let clamd = Clamd::start();
        let hub = Hub::open(looking(kit, &clamd)).await;
        let client = hub.client().await;
        let content = document::small(&eicar());
        let id = client.push(&metadata("D-VIRUS"), content).await.reconciliation_id();
        let withheld = told(&client, &id, "exchange.withheld").await;
        assert_eq!(withheld["detail"], json!({ "reason": "quarantined", "processCode": PROCESS, "recipient": SI }));
        hub.await_idle();
        assert_eq!(details(&hub, &id, "exchange.forwarded"), [json!(null); 0]);
        assert_eq!(details(&hub, &id, "exchange.withheld").len(), 1);
        nothing_went(&hub).await;
        hub.doctor();
    }

    /// An archive from before its project demanded a scan has its files looked at, by nobody's order; one of them in quarantine
    /// keeps all of it.
    async fn an_archive_of_which_a_file_is_in_quarantine_never_goes_on(kit) {
        let clamd = Clamd::start();
        let depot = Depot::start(Make::Folder);
        let kit = at(looking(kit, &clamd), &depot).set("worker.lease_seconds", 1);
        let Hub { mut gateway, si, .. } = Hub::open(kit).await;
        assert!(gateway.stop().success());
        let demanding = undemanding(&gateway);
        let lot = Lot::new("D-LOT").piece("P-1", "sain.pdf", &document::small("sain"))
            .piece("P-2", "virus.txt", eicar().as_bytes());
        depot.put("in/a.zip", &lot.zip());
        gateway.launch(&[("NAVETTE_FAILPOINT".to_owned(), "forward.before-deposit".to_owned())]);
        gateway.ended();
        demanding();
        gateway.restart();
        let id = exchange(&receipt(&depot, "a.zip")).to_owned();
        wait::until("word of the trace", SOON, || (!details(&gateway, &id, "exchange.withheld").is_empty()).then_some(()));
        wait::until("both verdicts", SOON, || (gateway.count("SELECT count(*) FROM scan") == 2).then_some(()));
        assert_eq!(details(&gateway, &id, "exchange.forwarded"), [json!(null); 0]);
        assert_eq!(gateway.count("SELECT count(*) FROM hub_folder"), 0);
        let waiting = si.get(&format!("{FOLDERS}/notifications")).await.of(200).json();
        assert_eq!(waiting, json!([]));
        gateway.doctor();
    }

    /// A piece that was answered before its project demanded a scan is looked at before it goes on, and is not answered again.
    async fn a_piece_answered_before_the_demand_is_looked_at_before_it_goes_on(kit) {
        let clamd = Clamd::start();
        let Refused { gateway, datapass, client, id } = refused(kit, &clamd, document::small("avant")).await;
        datapass.post("/referential/v1/subscriptions", &subscription(IDLE_SI, PROCESS)).await.of(201);
        retry(&gateway);
        told(&client, &id, "exchange.forwarded").await;
        told(&client, &id, "piece.scanned").await;
        gateway.await_idle();
        assert_eq!(gateway.count("SELECT count(*) FROM exchange_return"), 1);
        gateway.doctor();
    }

    /// What the hub refused, and the antivirus then puts in quarantine, is no refusal of the hub's any more: there is nothing to mend.
    async fn a_piece_that_is_withheld_is_no_failed_forward_any_more(kit) {
        let clamd = Clamd::start();
        let Refused { gateway, client, id, .. } = refused(kit, &clamd, document::small(&eicar())).await;
        assert_eq!(failed(&gateway, "open"), 1);
        retry(&gateway);
        told(&client, &id, "exchange.withheld").await;
        gateway.await_idle();
        assert_eq!((failed(&gateway, "open"), failed(&gateway, "resolved")), (0, 1));
        assert_eq!(gateway.count("SELECT count(*) FROM hub_folder"), 0);
        gateway.doctor();
    }

    /// Nor is what its project does not send on any more.
    async fn a_piece_that_is_to_go_nowhere_any_more_is_no_failed_forward(kit) {
        let clamd = Clamd::start();
        let Refused { mut gateway, .. } = refused(kit, &clamd, document::small("nulle part")).await;
        assert!(gateway.stop().success());
        let file = gateway.dir().join(format!("projects/{PROJECT}.toml"));
        let settings = std::fs::read_to_string(&file).unwrap();
        let others: Vec<_> = settings.lines().filter(|line| !line.starts_with("forward.")).collect();
        std::fs::write(&file, others.join("\n")).unwrap();
        gateway.restart();
        retry(&gateway);
        gateway.await_idle();
        assert_eq!((failed(&gateway, "open"), failed(&gateway, "resolved")), (0, 1));
        gateway.doctor();
    }
}
