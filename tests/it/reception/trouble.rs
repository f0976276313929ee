//! Depots that fail: they slow no other, an incident says so, and it ends when they answer.

use std::fs;

use serde_json::Value;

use super::{SOON, at, left, receipt, with_poll};
use crate::{
    both_engines,
    kit::{
        clamd::Clamd,
        depot::{Depot, Make},
        document,
        gateway::{Engine, Gateway, Kit, PROJECT},
        lot::Lot,
        wait,
    },
};

fn lot(dossier: &str) -> Vec<u8> {
    Lot::new(dossier)
        .piece("P", "a.pdf", &document::small(dossier))
        .zip()
}

pub(super) fn incident(gateway: &Gateway, code: &str, state: &str) {
    let asked =
        format!("SELECT count(*) FROM incident WHERE code = '{code}' AND state = '{state}'");
    wait::until(&format!("{state} incident {code}"), SOON, || {
        (gateway.count(&asked) == 1).then_some(())
    });
}

both_engines! {
    /// A depot that is away is an incident until it is back, and the other depot's archives do not wait.
    async fn a_depot_that_is_away_is_an_incident_until_it_is_back(kit) {
        let (dead, living) = (Depot::start(Make::Folder), Depot::start(Make::Folder));
        let away = dead.inside("in");
        let aside = dead.inside("aside");
        fs::rename(&away, &aside).unwrap();
        let other = living.settings().replace("depot = \"partenaire\"", "depot = \"autre\"");
        let gateway = at(kit, &dead).with_depot("autre", with_poll(&other)).start();
        incident(&gateway, "depot-unreachable", "open");
        living.put("in/a.zip", &lot("D-1"));
        assert_eq!(receipt(&living, "a.zip")["outcome"], "accepted");
        fs::rename(&aside, &away).unwrap();
        dead.put("in/b.zip", &lot("D-2"));
        assert_eq!(receipt(&dead, "b.zip")["outcome"], "accepted");
        incident(&gateway, "depot-unreachable", "resolved");
        left(&gateway, &dead, "b.zip");
    }

    /// Where the receipt cannot be left the source stays, and an incident stands until it can.
    async fn a_receipt_that_cannot_be_left_keeps_the_source_there(kit) {
        let depot = Depot::start(Make::Folder);
        fs::remove_dir(depot.inside("receipts")).unwrap();
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &lot("D-1"));
        incident(&gateway, "receipt-undeliverable", "open");
        assert_eq!(depot.names("in"), ["a.zip"]);
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 1);
        fs::create_dir(depot.inside("receipts")).unwrap();
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
        incident(&gateway, "receipt-undeliverable", "resolved");
        gateway.doctor();
    }

    /// A receipt that is owed by a flow that is not there any more is told, and left once the flow is back.
    async fn a_receipt_owed_by_a_flow_that_was_renamed_is_told(kit) {
        let depot = Depot::start(Make::Folder).with("failures_before_incident = 1000");
        fs::remove_dir(depot.inside("receipts")).unwrap();
        let mut gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &lot("D-1"));
        wait::until("archive", SOON, || (gateway.count("SELECT count(*) FROM depot_file") == 1).then_some(()));
        gateway.stop();
        fs::create_dir(depot.inside("receipts")).unwrap();
        let file = gateway.dir().join(format!("depots/{}.toml", depot.name()));
        let before = fs::read_to_string(&file).unwrap();
        let renamed = before.replace("\"lots\"", "\"autres-lots\"").replace("incident = 1000", "incident = 1");
        fs::write(&file, renamed).unwrap();
        gateway.restart();
        incident(&gateway, "receipt-undeliverable", "open");
        gateway.stop();
        fs::write(&file, before).unwrap();
        gateway.restart();
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        incident(&gateway, "receipt-undeliverable", "resolved");
    }

    /// What cannot be read here is an incident of the archive, beside the one of its depot; both end with its receipt's leaving.
    async fn a_receipt_that_cannot_be_opened_is_an_incident_until_it_leaves(kit) {
        let depot = Depot::start(Make::Folder);
        fs::remove_dir(depot.inside("receipts")).unwrap();
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", b"no archive at all");
        incident(&gateway, "receipt-undeliverable", "open");
        gateway.sql("CREATE TABLE kept AS SELECT wrapped_key FROM exchange; UPDATE exchange SET wrapped_key = metadata; SELECT 1");
        incident(&gateway, "corrupt-blob", "open");
        gateway.sql("UPDATE exchange SET wrapped_key = (SELECT wrapped_key FROM kept); SELECT 1");
        fs::create_dir(depot.inside("receipts")).unwrap();
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "rejected");
        left(&gateway, &depot, "a.zip");
        incident(&gateway, "corrupt-blob", "resolved");
        incident(&gateway, "receipt-undeliverable", "resolved");
    }

    /// What could not be taken is told, and that ends with its taking, by whichever process takes it at last.
    async fn an_archive_that_could_not_be_taken_ends_its_incident_when_another_process_takes_it(kit) {
        let (mut clamd, depot) = (Clamd::start(), Depot::start(Make::Folder));
        let mut gateway = at(clamd.looking(kit), &depot).start();
        clamd.vanish();
        depot.put("in/a.zip", &lot("D-1"));
        incident(&gateway, "archive-stuck", "open");
        let detail = gateway.sql("SELECT detail FROM incident WHERE code = 'archive-stuck'");
        let detail: Value = serde_json::from_str(&detail).unwrap();
        assert_eq!(depot.named(&gateway, &detail["fileNameHash"]), "a.zip");
        gateway.stop();
        clamd.appear();
        gateway.restart();
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        incident(&gateway, "archive-stuck", "resolved");
        left(&gateway, &depot, "a.zip");
    }

    /// A folder is looked at as soon as something changes in it, however long its poll is.
    async fn a_change_in_a_folder_is_seen_at_once(kit) {
        let depot = Depot::start(Make::Folder);
        let settings = format!("poll_seconds = 3600\n{}", depot.settings());
        let gateway = kit.with_depot(depot.name(), settings).start();
        depot.put("in/a.zip", &lot("D-1"));
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
    }

    /// A flow whose folder is not there is an incident of its own until it is, and the depot's other flows do not wait.
    async fn a_flow_that_cannot_be_looked_at_keeps_no_other_from_it(kit) {
        let depot = Depot::start(Make::Folder);
        let flow = "[[flow]]\nname = \"autres\"\nproject = \"PROJECT\"\ndirection = \"in\"\npath = \"autres\"\n\
                    pattern = \"*\"\nreceipts = \"receipts\"\n\n[[flow]]";
        let settings = depot.settings().replacen("[[flow]]", &flow.replace("PROJECT", PROJECT), 1);
        let gateway = kit.with_depot(depot.name(), with_poll(&settings)).start();
        depot.put("in/a.zip", &lot("D-1"));
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        incident(&gateway, "depot-unreachable", "open");
        let detail = gateway.sql("SELECT detail FROM incident WHERE code = 'depot-unreachable'");
        assert!(detail.contains("\"autres\""), "{detail}");
        fs::create_dir(depot.inside("autres")).unwrap();
        incident(&gateway, "depot-unreachable", "resolved");
        depot.put("autres/b.zip", &lot("D-2"));
        assert_eq!(receipt(&depot, "b.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
    }

    /// A file that nobody could ask for by its name is passed over, and those beside it are taken.
    async fn a_name_that_no_command_can_say_keeps_no_other_file_from_being_taken(kit) {
        let depot = Depot::start(Make::Folder);
        fs::write(depot.inside("in/cloche\u{7}.zip"), lot("D-1")).unwrap();
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &lot("D-2"));
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
        assert!(!gateway.log().contains("an archive could not be taken"));
    }
}

/// The same on a server that knows `LIST` alone, where each name of a listing is asked for by itself.
#[test]
fn a_name_that_ftp_cannot_say_keeps_no_other_file_from_being_taken() {
    let depot = Depot::start(Make::Vsftpd);
    fs::write(depot.inside("in/cloche\u{7}.zip"), lot("D-1")).unwrap();
    let gateway = at(Kit::new(Engine::Sqlite), &depot).start();
    depot.put("in/a.zip", &lot("D-2"));
    assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
    left(&gateway, &depot, "a.zip");
}
