//! Where the source goes once its receipt lies there.

use std::fs;

use super::{left, receipt, with_poll};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        document,
        lot::Lot,
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
}
