//! What meets a purge or a sweep half way.

use std::time::Duration;

use jiff::SignedDuration;
use navette::{
    domain::{
        ged::sweep,
        pieces::content::{or_gone, readable_of},
    },
    kernel::{clock::Clock, fault::Code},
    storage::exchanges,
};

use super::{AGED_DAYS, acknowledged, age, clock::frozen, purge};
use crate::{both_engines, inside};

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
