//! A death before and after each durable step.

use std::os::unix::process::ExitStatusExt;

use navette::kernel::failpoint;

use super::{audit, load::insist};
use crate::{both_engines, kit::clamd::Clamd};

both_engines! {
    /// Killed at each named point, the gateway starts again and the client's retry gets the one piece acknowledged.
    async fn a_death_at_any_named_point_loses_nothing_and_doubles_nothing(kit) {
        let clamd = Clamd::start();
        let mut gateway = clamd.looking(kit).set("worker.lease_seconds", 2).start();
        let client = gateway.client().await;
        let mut promises = Vec::new();
        for point in failpoint::ALL {
            gateway.await_idle();
            assert!(gateway.stop().success(), "before {point}");
            gateway.restart_with(&[("NAVETTE_FAILPOINT".to_owned(), (*point).to_owned())]);
            let sender = client.clone();
            let sending = tokio::spawn(async move { insist(&sender, point, 3_000).await });
            let end = tokio::task::block_in_place(|| gateway.ended());
            assert_eq!(end.signal(), Some(9), "{point}: {end:?}");
            gateway.restart_with(&[]);
            promises.push(sending.await.unwrap());
        }
        audit::promises_are_kept(&gateway, &client, &promises).await;
    }
}
