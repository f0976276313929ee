//! Where the source goes once its receipt lies there.

use std::fs;

use super::{left, receipt, with_poll};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        document,
        lot::{Lot, gz},
    },
};

fn lot(dossier: &str) -> Vec<u8> {
    Lot::new(dossier)
        .piece("P", "a.pdf", &document::small(dossier))
        .zip()
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
}
