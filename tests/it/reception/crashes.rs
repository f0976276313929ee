//! A death at each named point of an archive's way: nothing is half accepted, and its receipt comes all the same.

use std::os::unix::process::ExitStatusExt;

use navette::kernel::failpoint;

use super::{at, left, receipt};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        document,
        lot::Lot,
    },
};

both_engines! {
    /// Killed at each point, the worker starts again and every archive is here once, or refused once.
    async fn a_death_at_any_point_of_an_archives_way_leaves_nothing_half_accepted(kit) {
        let depot = Depot::start(Make::Folder);
        let mut gateway = at(kit, &depot).set("worker.lease_seconds", 1).start();
        for (number, point) in failpoint::ARCHIVES.iter().enumerate() {
            gateway.stop();
            let name = format!("{number}.zip");
            let mut lot = Lot::new(&format!("D-{number}")).piece("P", "a.pdf", &document::small(point));
            let refused = point.contains("refusal");
            if refused {
                lot.files[0].1.push(b'x');
            }
            depot.put(&format!("in/{name}"), &lot.zip());
            gateway.launch(&[("NAVETTE_FAILPOINT".to_owned(), (*point).to_owned())]);
            let end = gateway.ended();
            assert_eq!(end.signal(), Some(9), "{point}: {end:?}");
            let visible = gateway.count("SELECT count(*) FROM exchange e WHERE NOT EXISTS \
                (SELECT 1 FROM receipt r WHERE r.exchange_id = e.id)");
            assert_eq!(visible, 0, "{point}");
            gateway.restart_with(&[]);
            let receipt = receipt(&depot, &name);
            assert_eq!(receipt["outcome"], if refused { "rejected" } else { "accepted" }, "{point}: {receipt:#}");
            assert!(receipt["duplicateOf"].is_null(), "{point}");
            left(&gateway, &depot, &name);
            assert_eq!(gateway.count("SELECT count(*) FROM exchange"), number as u64 + 1, "{point}");
        }
        assert_eq!(gateway.count("SELECT count(*) FROM archive WHERE state IN ('spooling', 'staging')"), 0);
        assert_eq!(depot.names("receipts").len(), failpoint::ARCHIVES.len() * 2);
        gateway.doctor();
    }

    /// Killed at thirty moments, the worker starts again and the archives that were dropped meanwhile are here once each.
    async fn thirty_kills_at_any_moment_lose_and_double_no_archive(kit) {
        let depot = Depot::start(Make::Folder);
        let mut chance = crate::kit::chance::Chance::new();
        let mut gateway = at(kit, &depot).set("worker.lease_seconds", 1).start();
        for number in 0..30 {
            let mut lot = Lot::new(&format!("D-{number}"));
            for piece in 0..40 {
                let name = format!("{piece}.pdf");
                lot = lot.piece(&format!("P-{piece}"), &name, &document::small(&format!("{number}/{piece}")));
            }
            depot.put(&format!("in/{number}.zip"), &lot.zip());
            tokio::time::sleep(std::time::Duration::from_millis(chance.below(400))).await;
            gateway.kill();
            gateway.restart();
        }
        for number in 0..30 {
            let receipt = receipt(&depot, &format!("{number}.zip"));
            assert_eq!(receipt["pieces"]["accepted"], 40, "{receipt:#}");
        }
        left(&gateway, &depot, "29.zip");
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 30);
        assert_eq!(gateway.count("SELECT count(*) FROM archive_piece"), 30 * 40);
        gateway.doctor();
    }
}
