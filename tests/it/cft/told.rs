//! `navette cft sent|failed|acknowledged`: the monitor's procedures close the loop.

use serde_json::Value;

use super::{connect, upload, write_settings};
use crate::{
    both_engines,
    kit::{
        cft::Monitor,
        gateway::{Gateway, Kit},
    },
};

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

    async fn a_transfer_that_is_not_ours_is_told_as_such(kit) {
        let (gateway, monitor) = handed_over(kit);
        gateway.run(&["cft", "sent", "--idtu", "Z9999999"]).failed_with(2);
        gateway.run(&["cft", "sent", "--idtu", "A'; DROP"]).failed_with(2);
        assert_eq!(monitor.waiting().len(), 2);
        assert_eq!(transfers(&gateway), []);
    }
}
