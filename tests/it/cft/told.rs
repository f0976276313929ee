//! `navette cft sent|failed|acknowledged`: the monitor's procedures close the loop.

use std::time::Duration;

use navette::kernel::fault::Code;
use serde_json::Value;

use super::{connect, upload, write_settings};
use crate::{
    both_engines,
    kit::{
        cft::{Monitor, Transfer},
        gateway::{Gateway, Kit, REASON},
        wait,
    },
    reception::exchange,
    sending::lot,
};

const SOON: Duration = Duration::from_secs(60);

/// A gateway that is set up and does not run, its monitor, and a file that was handed over.
fn handed_over(kit: Kit) -> (Gateway, Monitor) {
    let monitor = Monitor::start();
    write_settings(&monitor, kit.dir());
    let gateway = kit.stopped();
    gateway.run(&["migrate"]).succeeded();
    let mut session = connect(&monitor);
    upload(session.as_mut(), "RET-1.zip", b"retour").unwrap();
    assert_eq!(monitor.waiting().len(), 2);
    (gateway, monitor)
}

fn transfers(gateway: &Gateway) -> Vec<(String, String)> {
    let said = gateway.run(&["cft", "list", "--json"]).succeeded();
    let all: Vec<Value> = serde_json::from_str(&said).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    all.iter()
        .map(|row| (text(row, "idtu"), text(row, "state")))
        .collect()
}

fn incident(gateway: &Gateway) -> String {
    gateway.sql("SELECT code, state, count FROM incident")
}

/// The last of so many requests to send the one return, once each is noted.
fn sent_return(gateway: &Gateway, monitor: &Monitor, requests: u64) -> Transfer {
    wait::until("request", SOON, || {
        let noted = gateway.count("SELECT count(*) FROM journal WHERE kind = 'return.sent'");
        let all = monitor.catalog().into_iter();
        let mut returns: Vec<_> = all.filter(|transfer| transfer.idf == "NAVRET").collect();
        let last = returns.pop().filter(|_| noted == requests)?;
        (returns.len() as u64 + 1 == requests).then_some(last)
    })
}

both_engines! {
    /// Told by the monitor's id, before anybody here noted the transfer; told twice, noted once.
    async fn a_file_that_was_sent_leaves_the_work_folder(kit) {
        let (gateway, monitor) = handed_over(kit);
        let idtu = monitor.catalog()[0].idtu.clone();
        gateway.run(&["cft", "sent", "--idtu", &idtu]).succeeded();
        assert_eq!(monitor.waiting().len(), 0);
        assert_eq!(transfers(&gateway), [(idtu.clone(), "sent".to_owned())]);
        gateway.run(&["cft", "sent", "--idtu", &idtu]).succeeded();
        gateway.run(&["cft", "acknowledged", "--idtu", &idtu]).succeeded();
        gateway.run(&["cft", "sent", "--idtu", &idtu]).succeeded();
        assert_eq!(transfers(&gateway), [(idtu, "acknowledged".to_owned())]);
        let kinds = "SELECT count(*) FROM journal WHERE kind LIKE 'transfer.%'";
        assert_eq!(gateway.count(kinds), 2);
    }

    /// A monitor that is asked by way of its file tells no id: the procedure gives ours.
    async fn a_transfer_is_known_by_our_own_id_too(kit) {
        let (gateway, monitor) = handed_over(kit);
        monitor.set("mute", true);
        let mut session = connect(&monitor);
        upload(session.as_mut(), "RET-2.zip", b"autre").unwrap();
        let ida = monitor.catalog()[1].ida.clone();
        gateway.run(&["cft", "sent", "--idtu", "B0000009", "--ida", &ida]).succeeded();
        assert_eq!(transfers(&gateway), [("B0000009".to_owned(), "sent".to_owned())]);
        gateway.run(&["cft", "acknowledged", "--idtu", "B0000009"]).succeeded();
    }

    /// The file stays for the monitor to try again, and the incident ends when it has.
    async fn a_failure_is_an_incident_until_the_file_is_sent_after_all(kit) {
        let (gateway, monitor) = handed_over(kit);
        let idtu = monitor.catalog()[0].idtu.clone();
        gateway.run(&["cft", "failed", "--idtu", &idtu, "--cause", "L18"]).succeeded();
        assert_eq!(incident(&gateway), "transfer-failed|open|1");
        assert_eq!(monitor.waiting().len(), 2);
        gateway.run(&["cft", "sent", "--idtu", &idtu]).succeeded();
        assert_eq!(incident(&gateway), "transfer-failed|resolved|1");
        assert_eq!(transfers(&gateway), [(idtu, "sent".to_owned())]);
    }

    /// An incident names whom the depot is shared with, as its settings do.
    async fn a_failure_is_told_of_the_partner(kit) {
        let monitor = Monitor::start();
        let settings = format!("partner = \"ASP\"\n{}", monitor.settings());
        let gateway = kit.with_depot("cft", settings).stopped();
        gateway.run(&["migrate"]).succeeded();
        upload(connect(&monitor).as_mut(), "RET-1.zip", b"retour").unwrap();
        let idtu = monitor.catalog()[0].idtu.clone();
        gateway.run(&["cft", "failed", "--idtu", &idtu, "--cause", "L18"]).succeeded();
        assert_eq!(gateway.sql("SELECT partner FROM incident"), "ASP");
        assert_eq!(gateway.sql("SELECT DISTINCT partner FROM journal WHERE kind LIKE 'transfer.%'"), "ASP");
    }

    /// Handed over again, it is asked for again under our same id; another file of its name has to wait for it.
    async fn a_file_that_the_monitor_gave_up_is_asked_for_again(kit) {
        let (gateway, monitor) = handed_over(kit);
        let first = monitor.catalog().remove(0);
        gateway.run(&["cft", "failed", "--idtu", &first.idtu, "--cause", "L18"]).succeeded();
        let mut session = connect(&monitor);
        let other = upload(session.as_mut(), "RET-1.zip", b"autre").unwrap_err();
        assert_eq!(other.code(), Code::DepotFileExists);
        assert!(!upload(session.as_mut(), "RET-1.zip", b"retour").unwrap().was_there);
        let second = monitor.catalog().remove(1);
        assert_eq!((&second.ida, &second.parm), (&first.ida, &first.parm));
        // Told late, and of the first: the second is on its way.
        gateway.run(&["cft", "failed", "--idtu", &first.idtu, "--ida", &first.ida]).succeeded();
        assert!(upload(session.as_mut(), "RET-1.zip", b"retour").unwrap().was_there);
        assert_eq!(monitor.catalog().len(), 2);
        gateway.run(&["cft", "sent", "--idtu", &second.idtu]).succeeded();
        assert_eq!(monitor.waiting().len(), 0);
        assert_eq!(incident(&gateway), "transfer-failed|resolved|1");
        assert_eq!(transfers(&gateway), [(second.idtu, "sent".to_owned())]);
    }

    /// An operator has the return of a failed transfer left again: the monitor is asked, and the transfer is under way again.
    async fn a_return_that_the_monitor_gave_up_is_sent_again_when_it_is_left_again(kit) {
        let monitor = Monitor::start();
        let kit = kit.with_depot("cft", monitor.settings());
        let kit = kit.set_project("return.depot", "\"cft\"").set_project("return.flow", "\"retours\"");
        let gateway = kit.start();
        let file = monitor.receives("A0000042", &lot().zip());
        let told = ["--name", "LOT42.zip", "--part", "ASP", "--idf", "NAVLOT", "--idtu", "A0000042"];
        gateway.run(&[&["cft", "received", "--file", file.to_str().unwrap()][..], &told].concat()).succeeded();
        let receipt = wait::until("receipt", SOON, || monitor.sent("NAVREC", "LOT42.zip.ack.json"));
        let receipt: Value = serde_json::from_slice(&receipt).unwrap();
        let first = sent_return(&gateway, &monitor, 1);
        gateway.run(&["cft", "failed", "--idtu", &first.idtu, "--ida", &first.ida, "--cause", "L18"]).succeeded();
        gateway.run(&["return", "redeliver", exchange(&receipt), "--reason", REASON]).succeeded();
        let second = sent_return(&gateway, &monitor, 2);
        assert_eq!((&second.ida, &second.parm), (&first.ida, &first.parm));
        assert!(transfers(&gateway).contains(&(second.idtu.clone(), "submitted".to_owned())));
        gateway.run(&["cft", "failed", "--idtu", &second.idtu, "--ida", &second.ida, "--cause", "L18"]).succeeded();
        assert_eq!(incident(&gateway), "transfer-failed|open|2");
    }

    async fn a_transfer_that_is_not_ours_is_told_as_such(kit) {
        let (gateway, monitor) = handed_over(kit);
        gateway.run(&["cft", "sent", "--idtu", "Z9999999"]).failed_with(2);
        gateway.run(&["cft", "sent", "--idtu", "A'; DROP"]).failed_with(2);
        assert_eq!(monitor.waiting().len(), 2);
        assert_eq!(transfers(&gateway), []);
    }
}
