//! Two workers and one depot: nobody takes the same file twice, and who lost the lease commits nothing.

use super::{SOON, at, left, receipt};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        document,
        lot::Lot,
        wait,
    },
};

both_engines! {
    /// Of two workers one takes the files, each once; when it is gone the other goes on.
    async fn two_workers_take_each_file_once(kit) {
        let depot = Depot::start(Make::Folder);
        let kit = at(kit, &depot).set("worker.lease_seconds", 2).without_worker();
        let gateway = kit.start();
        let mut first = gateway.start_worker(&[]);
        let _second = gateway.start_worker(&[]);
        for number in 0..30 {
            let piece = document::small(&number.to_string());
            let lot = Lot::new(&format!("D-{number}")).piece("P", "a.pdf", &piece);
            depot.put(&format!("in/{number}.zip"), &lot.zip());
            if number == 10 {
                first.stop();
            }
        }
        for number in 0..30 {
            assert!(receipt(&depot, &format!("{number}.zip"))["duplicateOf"].is_null());
        }
        left(&gateway, &depot, "29.zip");
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 30);
        assert_eq!(depot.names("receipts").len(), 60);
        gateway.doctor();
    }

    /// A worker whose lease was taken while it stages commits nothing of the archive; the next holder takes it once.
    async fn a_worker_that_lost_its_lease_commits_nothing(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).set("worker.lease_seconds", 3600).start();
        let mut lot = Lot::new("D-1");
        for number in 0..3000 {
            lot = lot.piece(&format!("P-{number}"), &format!("{number}.txt"), format!("texte {number}").as_bytes());
        }
        depot.put("in/a.zip", &lot.zip());
        wait::until("staged pieces", SOON, || {
            (gateway.count("SELECT count(*) FROM archive_piece") > 0).then_some(())
        });
        // It believes in its lease for a third of its life.
        gateway.sql("DELETE FROM lease WHERE name LIKE 'depot:%' RETURNING 1");
        wait::until("taker's defeat", SOON, || gateway.log().contains("the depot's lease was lost").then_some(()));
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM natural_key"), 0);
        let mut gateway = gateway;
        gateway.stop();
        gateway.restart();
        assert_eq!(receipt(&depot, "a.zip")["pieces"]["accepted"], 3000);
        left(&gateway, &depot, "a.zip");
        assert_eq!(gateway.count("SELECT count(*) FROM archive_piece"), 3000);
        gateway.doctor();
    }

    /// A download that holds the only line, and a second file that waits for it, outlast the lease: it is kept all the same, and
    /// the other worker takes nothing away.
    async fn a_long_download_outlasts_its_lease(kit) {
        let depot = Depot::start(Make::Sftp).with("connections = 1");
        let kit = at(kit, &depot).set("worker.lease_seconds", 2).without_worker();
        let gateway = kit.start();
        depot.proxy().slow(SLOW);
        let lot = |name: &str| Lot::new(name).piece("P", "a.pdf", &document::pdf(name, LONG)).zip_stored();
        depot.put("in/a.zip", &lot("D-1"));
        depot.put("in/b.zip", &lot("D-2"));
        let _workers = [gateway.start_worker(&[]), gateway.start_worker(&[])];
        for name in ["a.zip", "b.zip"] {
            assert_eq!(receipt(&depot, name)["outcome"], "accepted");
        }
        left(&gateway, &depot, "b.zip");
        let log = gateway.log();
        for sign in ["lease was lost", "lease of a depot was lost", "is taken anew"] {
            assert!(!log.contains(sign), "{sign}");
        }
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 2);
        gateway.doctor();
    }
}

/// The bytes of a piece, and how many of them a slow line lets pass in a second: four leases long.
const LONG: usize = 8_000_000;
const SLOW: u32 = 1_000_000;
