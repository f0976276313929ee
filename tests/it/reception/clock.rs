//! A clock that is set back while files wait.

use jiff::SignedDuration;
use navette::{domain::archives::reception::Round, kernel::clock::Clock};
use tokio_util::sync::CancellationToken;

use super::{
    SOON,
    formats::{POLL, rounds},
    left, receipt, with_poll,
};
use crate::{
    both_engines,
    kit::{
        depot::{Depot, Make},
        document,
        lot::Lot,
    },
};

both_engines! {
    /// What was seen by a clock that stood ten years ahead stands still by the clock as it is, two looks later. The looks and their
    /// clock are our own.
    async fn a_file_does_not_wait_for_a_clock_that_was_set_back(kit) {
        let depot = Depot::start(Make::Folder);
        let settings = depot.settings().replacen("receipts = ", "complete = \"stable\"\nreceipts = ", 1);
        let mut gateway = kit.with_depot(depot.name(), with_poll(&settings)).stopped();
        let now = Clock::system().now();
        let clock = Clock::frozen(now + SignedDuration::from_hours(10 * 365 * 24));
        let mut rounds = rounds(&gateway, &depot, &clock).await;
        let stop = CancellationToken::new();
        depot.put("in/a.zip", &Lot::new("D-1").piece("P", "a.pdf", &document::small("a")).zip());
        assert_eq!(rounds.look(&stop).await.unwrap(), Round::Taking(0));
        clock.set(now);
        assert_eq!(rounds.look(&stop).await.unwrap(), Round::Taking(0));
        clock.set(now + POLL);
        assert_eq!(rounds.look(&stop).await.unwrap(), Round::Taking(1));
        rounds.end(SOON).await;
        gateway.restart();
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
    }
}
