//! An archive of more files than one folder takes goes on whole, as several folders.

use std::time::Duration;

use serde_json::{Value, json};

use super::{details, forwarding};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        gateway::Gateway,
        hubee::{FOLDERS, hub::Hub, referential::SI},
        lot::Lot,
        wait,
    },
    reception::{at, exchange, receipt},
};

/// A thousand files are written and synced, one after the other, on a machine that may be doing a hundred other things.
const LONG: Duration = Duration::from_secs(900);
/// How many files one folder takes.
const MOST: usize = 1000;
/// How many the archive has beyond.
const MORE: usize = 3;
/// The most that the worker may hold, in MB, as when it takes an archive in.
const HELD: u64 = 128;

/// An archive of tiny files.
fn lot() -> Lot {
    (0..MOST + MORE).fold(Lot::new("D-GROS"), |lot, number| {
        let (uid, name) = (format!("P-{number}"), format!("{number}.txt"));
        lot.piece(&uid, &name, format!("texte {number}").as_bytes())
    })
}

/// The names of a case's files, in their order.
fn names(case: &Value) -> Vec<&str> {
    let files = case["attachments"].as_array().expect("a list").iter();
    let names = files.map(|file| file["fileName"].as_str().expect("a text"));
    names.collect()
}

/// What a case says of which exchange and part it is.
fn origin(case: &Value) -> &str {
    case["partnerAttributes"].as_str().expect("a text")
}

fn forwarded_whole(gateway: &Gateway) -> Option<()> {
    let whole = "SELECT count(*) FROM hub_forward WHERE state = 'forwarded' AND parts = 2";
    (gateway.count(whole) == 1).then_some(())
}

both_engines! {
    /// Every file goes, in order, each once, though the worker dies between the first part and the second; no folder, hence
    /// no transaction, is larger than one takes, and the worker stays small. The trace names each part.
    async fn an_archive_of_more_files_than_a_folder_takes_goes_on_whole(kit) {
        let depot = Depot::start(Make::Folder);
        let hub = Hub::open(at(forwarding(kit, SI), &depot).without_worker()).await;
        let mut dying = hub.start_worker(&[("NAVETTE_FAILPOINT", "forward.before-deposit:2")]);
        depot.put("in/gros.zip", &lot().zip());
        wait::until("first part in the hub", LONG, || (hub.count("SELECT count(*) FROM hub_forward") == 1).then_some(()));
        dying.ended();
        assert_eq!(hub.notifications(&hub.si).await.len(), 1, "the first part was told before the second began");
        let worker = hub.start_worker(&[]);
        let id = exchange(&receipt(&depot, "gros.zip")).to_owned();
        wait::until("whole archive in the hub", LONG, || forwarded_whole(&hub));
        let mut cases = Vec::new();
        for notification in hub.notifications(&hub.si).await {
            let path = format!("{FOLDERS}/cases/{}", notification["caseId"].as_str().unwrap());
            cases.push(hub.si.get(&path).await.of(200).json());
        }
        assert_eq!(cases.len(), 2);
        let origins: Vec<_> = cases.iter().map(origin).collect();
        assert_eq!(origins, [1, 2].map(|part| format!("reconciliationId={id};part={part}/2")));
        let numbers = (0..MOST + MORE).map(|number| format!("{number}.txt"));
        assert_eq!([names(&cases[0]), names(&cases[1])].concat(), numbers.collect::<Vec<_>>());
        assert_eq!(names(&cases[1]).len(), MORE);
        let last = &cases[1]["attachments"][MORE - 1];
        let path = format!("{FOLDERS}/cases/{}/attachments/{}", cases[1]["id"].as_str().unwrap(), last["id"].as_str().unwrap());
        assert_eq!(hub.si.get(&path).await.of(200).body, format!("texte {}", MOST + MORE - 1));
        let told = details(&hub, &id, "exchange.forwarded");
        let parts: Vec<_> = told.iter().map(|detail| (&detail["part"], &detail["parts"])).collect();
        assert_eq!(parts, [(&json!(1), &json!(2)), (&json!(2), &json!(2))], "{told:?}");
        for detail in &told {
            let back = details(&hub, detail["folderId"].as_str().unwrap(), "exchange.forwarded");
            assert_eq!(back[0]["reconciliationId"], id.as_str());
        }
        assert!(worker.peak() * 1024 <= HELD * 1_000_000, "{} kB", worker.peak());
        hub.await_idle();
        hub.doctor();
    }
}
