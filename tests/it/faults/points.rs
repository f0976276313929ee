//! A death before and after each durable step.

use std::os::unix::process::ExitStatusExt;

use navette::kernel::failpoint;

use super::{audit, load::insist};
use crate::{both_engines, kit::clamd::Clamd};

/// Written over its sender's time, under a name for that time.
const LONG: usize = 300_000;
/// Written at once, under its own name.
const SHORT: usize = 3_000;

/// Every point that a long piece meets, and what a short one meets otherwise.
fn deaths() -> impl Iterator<Item = (&'static str, usize)> {
    let all = failpoint::ALL.iter().map(|point| (*point, LONG));
    let written = [
        "vault.before-sync",
        "vault.before-dirsync",
        "vault.after-dirsync",
    ];
    all.chain(written.map(|point| (point, SHORT)))
}

both_engines! {
    /// Killed at each named point, the gateway starts again and the client's retry gets the one piece acknowledged.
    async fn a_death_at_any_named_point_loses_nothing_and_doubles_nothing(kit) {
        let clamd = Clamd::start();
        let mut gateway = clamd.looking(kit).set("worker.lease_seconds", 2).start();
        let client = gateway.client().await;
        let mut promises = Vec::new();
        for (point, size) in deaths() {
            gateway.await_idle();
            assert!(gateway.stop().success(), "before {point}");
            gateway.restart_with(&[("NAVETTE_FAILPOINT".to_owned(), point.to_owned())]);
            let sender = client.clone();
            let dossier = format!("{point}-{size}");
            let sending = tokio::spawn(async move { insist(&sender, &dossier, size).await });
            let end = tokio::task::block_in_place(|| gateway.ended());
            assert_eq!(end.signal(), Some(9), "{point}: {end:?}");
            gateway.restart_with(&[]);
            promises.push(sending.await.unwrap());
        }
        audit::promises_are_kept(&gateway, &client, &promises).await;
    }
}
