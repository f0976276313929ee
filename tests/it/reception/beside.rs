//! A single gz and the manifest beside it, in whatever order they come.

use std::fs;

use navette::{domain::archives::reception::Round, kernel::clock::Clock};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    SOON, at,
    formats::{POLL, rounds},
    left, receipt, with_poll,
};
use crate::{
    both_engines, everywhere,
    kit::{
        depot::{Depot, Make},
        document,
        lot::{Lot, gz},
        wait,
    },
};

/// A gz, and its manifest.
fn alone() -> (Vec<u8>, Vec<u8>) {
    let content = document::pdf("seul", 200_000);
    let lot = Lot::new("D-1").piece("P-1", "seul.pdf", &content);
    (gz(&content), lot.manifest.to_string().into_bytes())
}

both_engines! {
    /// A single gz has its manifest beside it, which leaves with it.
    async fn a_gz_has_its_manifest_beside_it(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let (gz, manifest) = alone();
        depot.put("in/seul.gz.manifest.json", &manifest);
        depot.put("in/seul.gz", &gz);
        let receipt = receipt(&depot, "seul.gz");
        assert_eq!((&receipt["outcome"], &receipt["format"]), (&"accepted".into(), &"gz".into()), "{receipt:#}");
        left(&gateway, &depot, "seul.gz");
        assert_eq!(depot.names("in"), [""; 0]);
        gateway.doctor();
    }

    /// What never comes is not awaited for ever: the receipt says what is missing.
    async fn a_gz_whose_manifest_never_comes_is_refused(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        depot.put("in/seul.gz", &alone().0);
        let receipt = receipt(&depot, "seul.gz");
        assert_eq!(receipt["outcome"], "rejected", "{receipt:#}");
        assert_eq!(receipt["findings"][0]["code"], "manifest-missing", "{receipt:#}");
        left(&gateway, &depot, "seul.gz");
        assert!(gateway.log().contains("a gz waits for the manifest beside it"));
        gateway.doctor();
    }

    /// A gz that stands still is left alone while its manifest grows. The looks and their clock are our own.
    async fn a_gz_is_left_alone_until_its_manifest_stands_still(kit) {
        let depot = Depot::start(Make::Folder);
        let settings = depot.settings().replacen("receipts = ", "complete = \"stable\"\nreceipts = ", 1);
        let mut gateway = kit.with_depot(depot.name(), with_poll(&settings)).stopped();
        let clock = Clock::frozen(Clock::system().now() - POLL * 20);
        let mut rounds = rounds(&gateway, &depot, &clock).await;
        let ((gz, manifest), stop) = (alone(), CancellationToken::new());
        depot.put("in/seul.gz", &gz);
        for size in (1..=8).map(|eighth| manifest.len() * eighth / 8) {
            fs::write(depot.inside("in/seul.gz.manifest.json"), &manifest[..size]).unwrap();
            assert_eq!(rounds.look(&stop).await.unwrap(), Round::Taking(0));
            clock.set(clock.now() + POLL);
        }
        assert_eq!(rounds.look(&stop).await.unwrap(), Round::Taking(1));
        rounds.end(SOON).await;
        gateway.restart();
        assert_eq!(receipt(&depot, "seul.gz")["outcome"], "accepted");
        left(&gateway, &depot, "seul.gz");
    }

    /// Who sends a gz by command has its manifest sent too, beside the name that the gz gets.
    async fn a_gz_that_is_sent_by_command_has_its_manifest_sent_with_it(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let (gz, manifest) = alone();
        depot.local("seul.gz", &gz);
        depot.local("seul.gz.manifest.json", &manifest);
        let sending = ["archive", "send", "seul.gz", "--depot", depot.name(), "--as", "LOT7.gz", "--wait", "120", "--json"];
        let said: Value = serde_json::from_str(&depot.run(&sending).succeeded()).unwrap();
        assert_eq!(said["receipt"]["document"]["outcome"], "accepted", "{said:#}");
        left(&gateway, &depot, "LOT7.gz");
        assert_eq!(depot.names("in"), [""; 0]);
        assert!(!gateway.log().contains("a gz waits for the manifest beside it"));
    }
}

everywhere! {
    /// The gz is not fetched again for its manifest, which comes after it.
    fn a_gz_is_given_time_for_its_manifest(kit, depot) {
        let gateway = at(kit, &depot).start();
        let (gz, manifest) = alone();
        depot.put("in/seul.gz", &gz);
        wait::until("patience", SOON, || {
            gateway.log().contains("a gz waits for the manifest beside it").then_some(())
        });
        depot.put("in/seul.gz.manifest.json", &manifest);
        assert_eq!(receipt(&depot, "seul.gz")["outcome"], "accepted");
        left(&gateway, &depot, "seul.gz");
        assert_eq!(depot.names("in"), [""; 0]);
        gateway.doctor();
    }
}
