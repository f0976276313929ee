//! A death at each named point of a return's way: a restart goes on where it was, and there is one return.

use std::os::unix::process::ExitStatusExt;

use navette::kernel::failpoint;

use super::{acknowledge, dropped, return_json, returned, through, with_status};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        gateway::{Engine, Kit},
        lot::Lot,
        wait,
    },
};

/// More pieces than a slice holds.
fn long_lot(dossier: &str) -> Lot {
    let mut lot = Lot::new(dossier);
    for number in 0..250 {
        let name = format!("{number}.txt");
        lot = lot.piece(&format!("{dossier}-{number}"), &name, name.as_bytes());
    }
    lot
}

both_engines! {
    async fn a_death_at_any_point_of_a_returns_way_leaves_one_return_which_is_acknowledged(kit) {
        let depot = Depot::start(Make::Folder);
        let mut gateway = through(kit, &depot).set("worker.lease_seconds", 1).start();
        for (number, point) in failpoint::RETURNS.iter().enumerate() {
            gateway.await_idle();
            gateway.stop();
            let name = format!("LOT{number}.zip");
            depot.put(&format!("in/{name}"), &long_lot(&format!("D{number}")).zip());
            gateway.launch(&[("NAVETTE_FAILPOINT".to_owned(), (*point).to_owned())]);
            if point.starts_with("acknowledgment") {
                acknowledge(&depot, &returned(&depot));
            }
            let end = gateway.ended();
            assert_eq!(end.signal(), Some(9), "{point}: {end:?}");
            gateway.restart_with(&[]);
            let id = crate::reception::exchange(&crate::reception::receipt(&depot, &name)).to_owned();
            let file = returned(&depot);
            assert_eq!(return_json(&depot, &file)["pieces"].as_array().unwrap().len(), 250, "{point}");
            if !point.starts_with("acknowledgment") {
                acknowledge(&depot, &file);
            }
            with_status(&gateway, &id, "acknowledged");
            wait::until("folder of acknowledgments emptied", super::SOON, || depot.names("acks").is_empty().then_some(()));
            std::fs::remove_file(depot.inside(&format!("out/{file}"))).unwrap();
        }
        let returns = "SELECT count(*) FROM exchange_return";
        assert_eq!(gateway.count(returns), failpoint::RETURNS.len() as u64);
        gateway.await_idle();
        gateway.doctor();
    }
}

/// Slices that were settled before a death are not worked on again.
#[test]
fn what_was_processed_before_a_death_is_not_processed_again() {
    let depot = Depot::start(Make::Folder);
    let mut gateway = through(Kit::new(Engine::Sqlite), &depot)
        .set("worker.lease_seconds", 1)
        .env("NAVETTE_FAILPOINT", "slice.after-settle")
        .start();
    let id = dropped(&depot, "LOT.zip", &long_lot("D").zip());
    gateway.ended();
    let done = "SELECT count(*) FROM archive_piece WHERE outcome IS NOT NULL";
    let before = gateway.count(done);
    assert!((1..250).contains(&before), "{before}");
    let marked =
        "UPDATE archive_piece SET outcome = 'partial' WHERE outcome IS NOT NULL RETURNING 1";
    gateway.sql(marked);
    gateway.restart_with(&[]);
    with_status(&gateway, &id, "returned");
    let kept = "SELECT count(*) FROM archive_piece WHERE outcome = 'partial'";
    assert_eq!(gateway.count(kept), before);
    gateway.doctor();
}
