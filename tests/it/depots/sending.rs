//! `navette archive send`, as the partner's people run it.

use std::{
    collections::BTreeSet,
    fs,
    sync::atomic::{AtomicBool, Ordering},
};

use super::sent;
use crate::{
    every_depot,
    kit::{
        depot::{Depot, Make, noise},
        scratch,
        tmpfs::Tmpfs,
    },
};

/// A file of some megabytes, `LOT.zip`.
fn lot(depot: &Depot, megabytes: usize) -> Vec<u8> {
    let bytes = noise(megabytes as u64, megabytes * 1_000_000 + 17);
    depot.local("LOT.zip", &bytes);
    bytes
}

every_depot! {
    fn a_file_is_sent_whole_under_its_name_with_its_hash_told(depot) {
        let bytes = lot(&depot, 3);
        let said = sent(&depot, "LOT.zip");
        assert_eq!(said["size"], bytes.len());
        assert_eq!(said["sent"], bytes.len());
        let hash = navette::kernel::digest::hex(&navette::kernel::digest::sha256(&bytes));
        assert_eq!(said["sha256"], hash.as_str());
        assert!(fs::read(depot.inside("in/LOT.zip")).unwrap() == bytes);
        assert_eq!(depot.names("in"), ["LOT.zip"]);
    }

    fn the_same_file_again_is_done_and_another_of_its_name_is_refused(depot) {
        let bytes = lot(&depot, 1);
        sent(&depot, "LOT.zip");
        let again = sent(&depot, "LOT.zip");
        assert_eq!((&again["wasThere"], &again["sent"]), (&true.into(), &0.into()));
        let mut other = bytes.clone();
        other[500_000] ^= 1;
        depot.local("LOT.zip", &other);
        let said = depot.run(&["archive", "send", "LOT.zip", "--depot", depot.name()]);
        assert!(said.failed_with(1).contains("depot-file-exists"));
        assert!(fs::read(depot.inside("in/LOT.zip")).unwrap() == bytes);
        assert_eq!(depot.names("in"), ["LOT.zip"]);
    }

    /// Whoever lists the folder meanwhile sees hidden names, or the file in its full size.
    fn nobody_sees_a_file_before_it_is_whole(depot) {
        let bytes = lot(&depot, 30);
        let (folder, over) = (depot.inside("in"), AtomicBool::new(false));
        let seen = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                let mut seen = BTreeSet::new();
                while !over.load(Ordering::Relaxed) {
                    for entry in fs::read_dir(&folder).unwrap().flatten() {
                        let name = entry.file_name().into_string().unwrap();
                        // Renamed between the two questions: seen again in the next round.
                        if let Ok(metadata) = entry.metadata() {
                            seen.insert((name, metadata.len() == bytes.len() as u64));
                        }
                    }
                }
                seen
            });
            sent(&depot, "LOT.zip");
            over.store(true, Ordering::Relaxed);
            watch.join().unwrap()
        });
        assert!(seen.contains(&(".LOT.zip.part".to_owned(), false)), "{seen:?}");
        assert!(!seen.contains(&("LOT.zip".to_owned(), false)), "{seen:?}");
    }

    fn a_folder_that_may_only_be_read_is_told_as_such(depot) {
        lot(&depot, 1);
        depot.server.forbid_writing("in");
        let said = depot.run(&["archive", "send", "LOT.zip", "--depot", depot.name()]);
        assert!(said.failed_with(4).contains("depot-denied"));
        assert_eq!(depot.names("in"), [""; 0]);
    }

    fn a_name_that_the_flow_does_not_take_is_not_sent(depot) {
        depot.local("LOT.tar", b"x");
        let text = depot.settings().replace("pattern = \"*\"", "pattern = \"*.zip\"");
        depot.write_text(&text);
        let arguments = ["archive", "send", "LOT.tar", "--depot", depot.name()];
        let said = crate::kit::process::run(&depot.command_as_written(&arguments), 60);
        assert!(said.failed_with(2).contains("*.zip"));
        assert_eq!(depot.names("in"), [""; 0]);
    }

    /// Where another archive's receipt has the name, it lies beside it; it is known by the archive's hash.
    fn a_receipt_that_lies_beside_an_earlier_one_is_found(depot) {
        let bytes = lot(&depot, 1);
        let hash = navette::kernel::digest::hex(&navette::kernel::digest::sha256(&bytes));
        let stems = ["LOT.zip.ack", "LOT.zip.0123456789ab.ack", "LOT.zip.ba9876543210.ack"];
        for (stem, hash) in stems.iter().zip(["0".repeat(64), "1".repeat(64), hash]) {
            let text = serde_json::json!({ "outcome": "accepted", "sha256": hash }).to_string();
            depot.put(&format!("receipts/{stem}.json"), text.as_bytes());
            depot.put(&format!("receipts/{stem}.p7s"), stem.as_bytes());
        }
        let said = depot.run(&["archive", "send", "LOT.zip", "--depot", depot.name(), "--wait", "60", "--json"]);
        let said: serde_json::Value = serde_json::from_str(&said.succeeded()).unwrap();
        assert!(said["receipt"]["file"].as_str().unwrap().ends_with(&format!("{}.json", stems[2])), "{said:#}");
        let kept = depot.local("beside", b"").with_file_name(format!("{}.p7s", stems[2]));
        assert_eq!(fs::read(kept).unwrap(), stems[2].as_bytes());
    }

    fn a_flow_that_wants_a_marker_gets_it_after_the_file(depot) {
        let bytes = lot(&depot, 1);
        let text = depot.settings().replace("pattern = \"*\"", "pattern = \"*\"\ncomplete = \"marker\"\nmarker = \".fini\"");
        depot.write_text(&text);
        let arguments = ["archive", "send", "LOT.zip", "--depot", depot.name(), "--as", "LOT42.zip"];
        crate::kit::process::run(&depot.command_as_written(&arguments), 60).succeeded();
        assert_eq!(depot.names("in"), ["LOT42.zip", "LOT42.zip.fini"]);
        assert!(fs::read(depot.inside("in/LOT42.zip")).unwrap() == bytes);
    }
}

/// A disk of ten megabytes is full; the refusal says so, and what was sent of the file does not keep it full. Over FTPS the
/// server's word for it comes on the control connection, and what stands between goes on taking bytes for a while.
fn a_full_disk_is_told_and_left_as_it_was(make: Make) {
    let root = scratch::fresh("small");
    let disk = Tmpfs::mount(&root, 10);
    // The user of a server has to pass through.
    scratch::set_mode(&root, 0o755);
    let depot = Depot::start_in(make, root.clone());
    lot(&depot, 30);
    let said = depot.run(&["archive", "send", "LOT.zip", "--depot", depot.name()]);
    let told = said.failed_with(4);
    assert!(told.contains("depot-full"), "{told}");
    assert_eq!(depot.names("in"), [""; 0]);
    let bytes = lot(&depot, 3);
    sent(&depot, "LOT.zip");
    assert!(fs::read(depot.inside("in/LOT.zip")).unwrap() == bytes);
    drop(depot);
    drop(disk);
}

mod a_full_disk_is_told_and_left_as_it_was {
    use crate::kit::depot::Make;

    #[test]
    fn folder() {
        super::a_full_disk_is_told_and_left_as_it_was(Make::Folder);
    }

    #[test]
    fn sftp() {
        super::a_full_disk_is_told_and_left_as_it_was(Make::Sftp);
    }

    #[test]
    fn vsftpd() {
        super::a_full_disk_is_told_and_left_as_it_was(Make::Vsftpd);
    }

    #[test]
    fn proftpd() {
        super::a_full_disk_is_told_and_left_as_it_was(Make::Proftpd);
    }
}
