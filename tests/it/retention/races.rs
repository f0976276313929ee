//! What meets a purge or a sweep half way.

use std::{sync::mpsc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use navette::{
    domain::{
        ged::sweep,
        pieces::content::{or_gone, readable_of},
    },
    kernel::{
        clock::Clock,
        fault::{Code, Result},
    },
    storage::{
        Store, Tx, exchanges,
        redeliveries::{self, RedeliveryRow},
        retention::{self, START},
    },
};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{AGED_DAYS, SOON, acknowledged, age, clock::frozen, purge};
use crate::{
    both_engines, inside,
    kit::{
        gateway::{Engine, Gateway, Kit, PROJECT},
        wait,
    },
};

/// What a purge looks at within its transaction: all that is acknowledged by now.
fn free(tx: &mut Tx<'_>) -> Result<Vec<Uuid>> {
    let last = (Timestamp::MAX, Uuid::max());
    retention::still_free(tx, PROJECT, inside::now(), START, last)
}

/// The redelivery of an exchange's return, as somebody asks for it who has just looked.
async fn redelivery(store: &Store, exchange: Uuid) -> RedeliveryRow {
    let found = store.read(move |tx| redeliveries::of_exchange(tx, exchange));
    let found = found.await.unwrap().expect("a return");
    RedeliveryRow {
        id: inside::id(),
        return_id: found.return_id,
        exchange_id: found.exchange_id,
        owner: found.owner,
        project: found.project,
        requested_at: inside::now(),
        requested_by: "essai".to_owned(),
        reason: None,
    }
}

/// Waits until a transaction waits for another one; SQLite has one writer, and nothing to wait for.
async fn somebody_waits(gateway: &Gateway) {
    if gateway.database().is_none() {
        return;
    }
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'";
    wait::eventually("somebody who waits", SOON, async || {
        (gateway.count(waiting) > 0).then_some(())
    })
    .await;
}

both_engines! {
    /// Its row was read before the purge, its key and its blob are looked for behind it: it is gone, and nothing is damaged.
    async fn a_piece_that_is_purged_while_it_is_read_is_gone_and_not_damaged(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 1).await;
        let ctx = inside::house(&gateway).await.ctx;
        let id = ids[0].parse().unwrap();
        let before = ctx.store.read(move |tx| exchanges::find(tx, id)).await.unwrap().unwrap();
        assert!(readable_of(&ctx, &before, None).await.is_ok());
        age(&gateway, AGED_DAYS, &[]);
        purge(&gateway);
        let late = readable_of(&ctx, &before, None).await;
        assert_ne!(late.as_ref().err().map(|fault| fault.code()), Some(Code::Purged));
        let told = or_gone(&ctx, id, late).await.err().unwrap();
        assert_eq!(told.code(), Code::Purged);
    }

    /// Between a purge's last look and its end a return may be asked for again: that waits, and finds it purged.
    async fn a_return_that_is_asked_for_while_it_is_purged_is_not_sent_again(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 1).await;
        let id: Uuid = ids[0].parse().unwrap();
        let (purge, other) = (inside::store(&gateway), inside::store(&gateway));
        let row = redelivery(&other, id).await;
        let (looked, seen) = oneshot::channel();
        let (release, gate) = mpsc::channel::<()>();
        let mut looked = Some(looked);
        let purging = tokio::spawn(async move {
            let written = purge.write(move |tx| {
                let free = free(tx)?;
                looked.take().map(|looked| looked.send(free));
                let _ = gate.recv_timeout(Duration::from_secs(20));
                tx.execute("UPDATE exchange_return SET purged_at = 1", &[])
            });
            written.await
        });
        assert_eq!(seen.await.unwrap(), [id]);
        let mut asking = Box::pin(other.write(move |tx| redeliveries::begin(tx, &row)));
        tokio::select! {
            taken = &mut asking => panic!("taken while its return is purged: {taken:?}"),
            () = somebody_waits(&gateway) => drop(release),
        }
        purging.await.unwrap().unwrap();
        assert!(!asking.await.unwrap());
    }

    /// By a clock that jumped, every blob looks old, those too whose rows are about to be written.
    async fn a_sweep_by_a_clock_that_jumped_spares_what_gets_its_row_meanwhile(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        let now = Clock::system().now();
        let (ctx, clock) = frozen(&gateway, now).await;
        clock.set(now + SignedDuration::from_hours(24 * 3650));
        let rows = "UPDATE document SET purged_at";
        let first = format!("WHERE exchange_id = {}", gateway.id(&ids[0]));
        gateway.sql(&format!("{rows} = 1 {first}; SELECT 1"));
        // The first look finds it without a row; the second one does not.
        let row = async {
            gateway.sql(&format!("{rows} = NULL {first}; SELECT 1"));
        };
        let swept = sweep::sweep_around(&ctx, row).await.unwrap();
        assert_eq!(swept.orphans, 0);
        assert_eq!(gateway.blobs().len(), 2);
        gateway.sql(&format!("{rows} = 1 {first}; SELECT 1"));
        let swept = sweep::sweep(&ctx, Duration::from_millis(1)).await.unwrap();
        assert_eq!((swept.orphans, gateway.blobs().len()), (1, 1));
    }
}

/// The other way about: what is being asked for again is passed over by the purge, which does not wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_return_that_is_being_asked_for_is_passed_over_by_a_purge() {
    let gateway = Kit::new(Engine::Postgres).start();
    let client = gateway.client().await;
    let ids = acknowledged(&gateway, &client, 2).await;
    let id: Uuid = ids[0].parse().unwrap();
    let (asks, purges) = (inside::store(&gateway), inside::store(&gateway));
    let row = redelivery(&asks, id).await;
    let (asked, seen) = oneshot::channel();
    let (release, gate) = mpsc::channel::<()>();
    let mut asked = Some(asked);
    let asking = tokio::spawn(async move {
        let written = asks.write(move |tx| {
            let taken = redeliveries::begin(tx, &row)?;
            asked.take().map(|asked| asked.send(taken));
            let _ = gate.recv_timeout(Duration::from_secs(20));
            Ok(())
        });
        written.await
    });
    assert!(seen.await.unwrap());
    assert_eq!(
        purges.write(free).await.unwrap(),
        [ids[1].parse::<Uuid>().unwrap()]
    );
    drop(release);
    asking.await.unwrap().unwrap();
}
