//! Clocks that are not believed.

use jiff::{SignedDuration, Timestamp};
use navette::{
    domain::{
        Context,
        ged::purge::{self as purging, Order, Report, guard},
    },
    kernel::{
        clock::Clock,
        fault::{Code, Result},
    },
};

use serde_json::json;

use super::{acknowledged, age, dry_run, kept, purge};
use crate::{
    both_engines, inside,
    kit::gateway::{Gateway, REASON},
};

/// The house of a gateway, whose clock stands until it is set.
pub async fn frozen(gateway: &Gateway, at: Timestamp) -> (Context, Clock) {
    let clock = Clock::frozen(at);
    let mut ctx = inside::house(gateway).await.ctx;
    ctx.clock = clock.clone();
    (ctx, clock)
}

pub fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

async fn run(ctx: &Context, confirm_clock: bool) -> Result<Report> {
    let order = Order {
        by: "essai".to_owned(),
        reason: None,
        confirm_clock,
        rewrite: false,
    };
    purging::run(ctx, &order).await
}

#[track_caller]
fn is_refused(outcome: Result<Report>) {
    assert_eq!(outcome.unwrap_err().code(), Code::ClockUntrusted);
}

both_engines! {
    /// More than a day since the last run: an operator has to vouch, once.
    async fn a_clock_that_jumped_by_more_than_a_day_since_the_last_run_is_not_believed(kit) {
        let gateway = kit.stopped();
        let begin: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let (ctx, clock) = frozen(&gateway, begin).await;
        run(&ctx, false).await.unwrap();
        clock.set(begin + hours(24));
        run(&ctx, false).await.unwrap();
        clock.set(begin + hours(49));
        is_refused(run(&ctx, false).await);
        run(&ctx, true).await.unwrap();
        clock.set(begin + hours(50));
        run(&ctx, false).await.unwrap();
        clock.set(begin + hours(24 * 3653));
        is_refused(run(&ctx, false).await);
    }

    /// More than an hour before the journal's last entry: the same.
    async fn a_clock_that_stands_before_the_journals_last_entry_is_not_believed(kit) {
        let mut gateway = kit.start();
        gateway.register("application", &["pieces:read"]);
        assert!(gateway.stop().success());
        let written = gateway.count("SELECT max(at) FROM journal");
        let written = Timestamp::from_microsecond(i64::try_from(written).unwrap()).unwrap();
        let (ctx, clock) = frozen(&gateway, written - hours(1)).await;
        gateway.sql("DELETE FROM clock_mark; SELECT 1");
        run(&ctx, false).await.unwrap();
        clock.set(written - hours(1) - SignedDuration::from_secs(1));
        is_refused(run(&ctx, false).await);
        run(&ctx, true).await.unwrap();
    }

    /// The house looks at the clock all the time: a jump opens an incident, keeps the mark, and an operator's word ends both.
    async fn a_jump_between_two_looks_opens_an_incident_until_somebody_vouches(kit) {
        let gateway = kit.stopped();
        let begin: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let (ctx, clock) = frozen(&gateway, begin).await;
        assert!(guard::watch(&ctx).await.unwrap());
        clock.set(begin + hours(23));
        assert!(guard::watch(&ctx).await.unwrap());
        clock.set(begin + hours(48));
        for _ in 0..2 {
            assert!(!guard::watch(&ctx).await.unwrap());
        }
        let open = "SELECT count(*) FROM incident WHERE code = 'clock-jump' AND state = 'open'";
        assert_eq!(gateway.count(open), 1);
        is_refused(run(&ctx, false).await);
        run(&ctx, true).await.unwrap();
        assert_eq!(gateway.count(open), 0);
        assert!(guard::watch(&ctx).await.unwrap());
    }

    /// A clock set back behind the mark is not believed either, and nothing is destroyed meanwhile.
    async fn nothing_is_destroyed_by_a_clock_that_is_not_believed(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        age(&gateway, 100, &[]);
        let day = 86_400_000_000_i64 + 60_000_000;
        let now = gateway.count("SELECT max(at) FROM journal").cast_signed();
        gateway.sql(&format!("DELETE FROM clock_mark; INSERT INTO clock_mark (name, at) VALUES ('house', {}); SELECT 1", now - day));
        let said = gateway.run(&["purge", "--reason", REASON]).failed_with(1);
        assert!(said.contains("--confirm-clock"), "{said}");
        assert_eq!(gateway.count("SELECT count(*) FROM exchange WHERE status = 'purged'"), 0);
        assert_eq!(gateway.count("SELECT count(*) FROM purge_run"), 0);
        gateway.run(&["purge", "--reason", REASON, "--confirm-clock"]).succeeded();
        assert_eq!(gateway.count("SELECT count(*) FROM exchange WHERE status = 'purged'"), 1);
    }

    /// What a clock that stood ten years ahead has dated would be due in ten years: it is told until then.
    async fn what_was_acknowledged_by_a_clock_that_stood_ahead_is_told(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        age(&gateway, -3650, &[&ids[0]]);
        for report in [dry_run(&gateway), purge(&gateway)] {
            assert_eq!(kept(&report, &ids[0]), Some(&json!(["dated-ahead"])), "{report}");
            assert_eq!((&report["exchanges"], &report["keptBackCount"]), (&json!(0), &json!(1)), "{report}");
        }
    }
}
