//! Where the source goes once its receipt lies there.

use std::{fs, os::unix::process::ExitStatusExt};

use super::{SOON, at, exchange, left, receipt, receipt_named, trouble::incident, with_poll};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make, folder::make_writable},
        document,
        gateway::Gateway,
        lot::{Lot, gz},
        wait,
    },
};

fn lot(dossier: &str) -> Vec<u8> {
    Lot::new(dossier)
        .piece("P", "a.pdf", &document::small(dossier))
        .zip()
}

/// A gz and its manifest.
fn alone(dossier: &str) -> (Vec<u8>, Vec<u8>) {
    let content = document::small(dossier);
    let lot = Lot::new(dossier).piece("P", "seul.pdf", &content);
    (gz(&content), lot.manifest.to_string().into_bytes())
}

/// Has a gateway that is stopped die at a point.
#[track_caller]
fn dies_at(gateway: &mut Gateway, point: &str) {
    gateway.launch(&[("NAVETTE_FAILPOINT".to_owned(), point.to_owned())]);
    assert_eq!(gateway.ended().signal(), Some(9), "{point}");
}

both_engines! {
    /// It is moved as it is; a second one of its name takes no place but its own.
    async fn a_source_moves_where_its_flow_says_and_another_of_its_name_beside_it(kit) {
        let depot = Depot::start(Make::Folder);
        let moved = "then = \"move\"\nmoved = \"done\"\nreceipts = ";
        let settings = depot.settings().replacen("receipts = ", moved, 1);
        let gateway = kit.with_depot(depot.name(), with_poll(&settings)).start();
        let archives = ["D-1", "D-2"].map(lot);
        for archive in &archives {
            depot.put("in/a.zip", archive);
            receipt(&depot, "a.zip");
            left(&gateway, &depot, "a.zip");
        }
        let names = depot.names("done");
        assert_eq!((names.len(), &*names[0]), (2, "a.zip"), "{names:?}");
        assert!(names[1].starts_with("a.zip."), "{names:?}");
        for (name, archive) in names.iter().zip(&archives) {
            assert!(fs::read(depot.inside(&format!("done/{name}"))).unwrap() == *archive, "{name}");
        }
        assert_eq!(depot.names("in"), [""; 0]);
        gateway.doctor();
    }

    /// The manifest beside a gz goes where the gz goes; beside another archive it is nobody's, and stays.
    async fn the_manifest_beside_a_gz_goes_with_it_and_no_other_file_does(kit) {
        let depot = Depot::start(Make::Folder);
        let moved = "then = \"move\"\nmoved = \"done\"\nreceipts = ";
        let settings = depot.settings().replacen("receipts = ", moved, 1);
        let gateway = kit.with_depot(depot.name(), with_poll(&settings)).start();
        let content = document::small("seul");
        let manifest = Lot::new("D-1").piece("P-1", "seul.pdf", &content).manifest.to_string();
        depot.put("in/seul.gz.manifest.json", manifest.as_bytes());
        depot.put("in/seul.gz", &gz(&content));
        depot.put("in/a.zip.manifest.xml", b"of somebody else");
        depot.put("in/a.zip", &lot("D-2"));
        for name in ["seul.gz", "a.zip"] {
            assert_eq!(receipt(&depot, name)["outcome"], "accepted");
            left(&gateway, &depot, name);
        }
        assert_eq!(depot.names("done"), ["a.zip", "seul.gz", "seul.gz.manifest.json"]);
        assert_eq!(fs::read(depot.inside("done/seul.gz.manifest.json")).unwrap(), manifest.as_bytes());
        assert_eq!(depot.names("in"), ["a.zip.manifest.xml"]);
        gateway.doctor();
    }

    /// What came beside a file leaves before it: a marker that outlived it would complete the sender's next file of its name.
    async fn a_marker_and_a_manifest_leave_before_their_file(kit) {
        let depot = Depot::start(Make::Folder);
        let moved = "complete = \"marker\"\nthen = \"move\"\nmoved = \"done\"\nreceipts = ";
        let settings = depot.settings().replacen("receipts = ", moved, 1);
        let kit = kit.with_depot(depot.name(), with_poll(&settings));
        let mut gateway = kit.set("worker.lease_seconds", 1).stopped();
        let (gz, manifest) = alone("D-1");
        depot.put("in/seul.gz.manifest.json", &manifest);
        depot.put("in/seul.gz", &gz);
        depot.put("in/seul.gz.ok", b"");
        dies_at(&mut gateway, "depot.after-beside");
        assert_eq!(depot.names("in"), ["seul.gz"]);
        assert_eq!(depot.names("done"), ["seul.gz.manifest.json"]);
        dies_at(&mut gateway, "depot.after-leave");
        assert_eq!(depot.names("in"), [""; 0]);
        // The sender's next manifest is there before its gz: it is none of what had to leave.
        let (gz, manifest) = alone("D-2");
        depot.put("in/seul.gz.manifest.json", &manifest);
        gateway.restart_with(&[]);
        left(&gateway, &depot, "seul.gz");
        assert_eq!(depot.names("in"), ["seul.gz.manifest.json"]);
        fs::remove_file(depot.inside("receipts/seul.gz.ack.json")).unwrap();
        fs::remove_file(depot.inside("receipts/seul.gz.ack.p7s")).unwrap();
        depot.put("in/seul.gz", &gz);
        depot.put("in/seul.gz.ok", b"");
        assert_eq!(receipt(&depot, "seul.gz")["outcome"], "accepted");
        left(&gateway, &depot, "seul.gz");
        gateway.doctor();
    }

    /// A sender who takes his file away himself leaves no marker behind for his next one.
    async fn a_marker_whose_file_is_gone_leaves(kit) {
        let depot = Depot::start(Make::Folder);
        let settings = depot.settings().replacen("receipts = ", "complete = \"marker\"\nreceipts = ", 1);
        fs::remove_dir(depot.inside("receipts")).unwrap();
        let gateway = kit.with_depot(depot.name(), with_poll(&settings)).start();
        depot.put("in/a.zip", &lot("D-1"));
        depot.put("in/a.zip.ok", b"");
        taken(&gateway, 1);
        fs::remove_file(depot.inside("in/a.zip")).unwrap();
        fs::create_dir(depot.inside("receipts")).unwrap();
        receipt(&depot, "a.zip");
        left(&gateway, &depot, "a.zip");
        assert_eq!(depot.names("in"), [""; 0]);
    }

    /// While the source may not leave its receipt is left once, whoever takes it away; what is the matter has an incident of its own.
    async fn a_receipt_is_left_once_however_long_its_source_stays(kit) {
        let depot = Depot::start(Make::Folder);
        depot.put("in/a.zip", b"no archive at all");
        depot.server.forbid_writing("in");
        let gateway = at(kit, &depot).start();
        let id = exchange(&receipt(&depot, "a.zip")).to_owned();
        for ending in ["json", "p7s"] {
            fs::remove_file(depot.inside(&format!("receipts/a.zip.ack.{ending}"))).unwrap();
        }
        incident(&gateway, "source-stuck", "open");
        let tries = gateway.count("SELECT attempts FROM job WHERE kind = 'depot'");
        wait::until("another try", SOON, || {
            (gateway.count("SELECT attempts FROM job WHERE kind = 'depot'") > tries).then_some(())
        });
        assert_eq!(depot.names("receipts"), [""; 0]);
        assert_eq!(gateway.sql("SELECT state FROM exchange_return"), "delivered");
        let shown = gateway.run(&["archive", "show", &id]).succeeded();
        assert!(shown.contains("source left  -") && !shown.contains("receipt left -"), "{shown}");
        make_writable(&depot.inside("in"));
        left(&gateway, &depot, "a.zip");
        incident(&gateway, "source-stuck", "resolved");
        assert_eq!(depot.names("receipts"), [""; 0]);
        assert_eq!(depot.names("rejected"), ["a.zip"]);
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE kind = 'archive.receipted'"), 1);
        assert_eq!(gateway.count("SELECT count(*) FROM incident WHERE code = 'receipt-undeliverable'"), 0);
        gateway.doctor();
    }

    /// What is another file by now when its turn to leave comes stays, and gets a receipt of its own.
    async fn a_file_that_was_replaced_meanwhile_is_taken_in_its_turn(kit) {
        let depot = Depot::start(Make::Folder);
        fs::remove_dir(depot.inside("receipts")).unwrap();
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &lot("D-1"));
        taken(&gateway, 1);
        depot.put("in/a.zip", &lot("D-2"));
        fs::create_dir(depot.inside("receipts")).unwrap();
        let first = receipt(&depot, "a.zip");
        left(&gateway, &depot, "a.zip");
        let names = depot.names("receipts");
        assert_eq!(names.len(), 4, "{names:?}");
        let other = names.iter().find(|name| name.ends_with(".ack.json") && *name != "a.zip.ack.json");
        let second = receipt_named(&depot, other.unwrap().trim_end_matches(".json"));
        assert_eq!((&first["outcome"], &second["outcome"]), (&"accepted".into(), &"accepted".into()));
        assert_ne!(exchange(&first), exchange(&second));
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 2);
        gateway.doctor();
    }
}

/// Waits until so many archives are here.
#[track_caller]
fn taken(gateway: &Gateway, archives: u64) {
    wait::until("archives", SOON, || {
        (gateway.count("SELECT count(*) FROM exchange") == archives).then_some(())
    });
}
