//! The run of each night, by a clock that the test moves from night to night.

use std::fs;

use jiff::Timestamp;
use navette::{
    domain::ged::purge::{Order, Report, Run, account, daily, ledger},
    kernel::{clock::Clock, fault::Fault},
};

use super::{
    AGED_DAYS, acknowledged, age,
    clock::{frozen, hours},
};
use crate::{both_engines, inside, kit::gateway::REASON};

/// How many runs there were, and what they purged.
fn runs(gateway: &crate::kit::gateway::Gateway) -> String {
    gateway.sql(
        "SELECT count(*), COALESCE(sum(exchanges), 0) FROM purge_run WHERE ended_at IS NOT NULL",
    )
}

both_engines! {
    /// Once a night, from the hour of the settings on; each exchange goes in the night after its term's last day.
    async fn the_purge_runs_once_a_night_and_takes_what_is_due_that_night(kit) {
        let mut gateway = kit.set("purge.at", "\"03:00\"").start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        assert!(gateway.stop().success());
        let begin: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        gateway.sql(&format!("UPDATE journal SET at = {0}; UPDATE exchange_return SET acknowledged_at = {0}; \
            DELETE FROM clock_mark; DELETE FROM purge_run; SELECT 1", begin.as_microsecond()));
        let (ctx, clock) = frozen(&gateway, begin).await;
        daily::look(&ctx).await.unwrap();
        assert_eq!(runs(&gateway), "0|0", "it has not been night yet");
        // Legal time is an hour ahead until 29 March, then two.
        let nights = [(13, "0|0"), (14, "1|0"), (15, "1|0"), (37, "1|0"), (38, "2|0")];
        for (after, expected) in nights {
            clock.set(begin + hours(after));
            daily::look(&ctx).await.unwrap();
            assert_eq!(runs(&gateway), expected, "{after} hours after");
        }
        let mut passed = 2;
        for day in 2..=92 {
            clock.set(begin + hours(24 * day + 14));
            daily::look(&ctx).await.unwrap();
            passed += 1;
            let gone = u32::from(day == 92);
            assert_eq!(runs(&gateway), format!("{passed}|{gone}"), "night {day}");
        }
        let entries = "SELECT count(*) FROM journal WHERE kind = 'purge.run'";
        assert_eq!(gateway.count(entries), 1, "a run that finds nothing is not worth an entry");
    }

    /// A run that fails is an incident until one goes well, by whoever ordered it.
    async fn a_nightly_run_that_failed_is_an_incident_until_one_goes_well(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        assert!(gateway.stop().success());
        age(&gateway, AGED_DAYS, &[]);
        gateway.sql("DELETE FROM clock_mark; SELECT 1");
        let ledger = gateway.dir().join("data/purges");
        fs::write(&ledger, b"no folder").unwrap();
        let (ctx, clock) = frozen(&gateway, Clock::system().now()).await;
        daily::look(&ctx).await.unwrap();
        clock.set(ctx.clock.now() + hours(24));
        assert!(daily::look(&ctx).await.is_err());
        let state = || gateway.sql("SELECT state FROM incident WHERE code = 'purge-failed'");
        assert_eq!(state(), "open");
        fs::remove_file(&ledger).unwrap();
        gateway.run(&["purge", "--reason", REASON, "--confirm-clock"]).succeeded();
        assert_eq!(state(), "resolved");
        let named = ledger::read(&ledger).unwrap().exchanges.len();
        assert_eq!(named, 1, "what the first one destroyed is in the ledger after the second");
    }

    /// An operator's run that was given up with its lease has an end all the same; the night's own is left to the next look.
    async fn a_run_that_was_given_up_with_its_lease_has_an_end_where_somebody_ordered_it(kit) {
        let gateway = kit.stopped();
        let ctx = inside::house(&gateway).await.ctx;
        for reason in [Some(REASON.to_owned()), None] {
            let order = Order { by: "essai".to_owned(), reason, confirm_clock: false, rewrite: false };
            let run = Run { id: inside::id(), at: inside::now() };
            account::begin(&ctx, &order, run).await.unwrap();
            let report = Report::new(Some(run.id), run.at);
            account::cut_short(&ctx, &order, run, &report, &Fault::unavailable("another purge")).await;
        }
        let ended = "SELECT reason, fault FROM purge_run WHERE ended_at IS NOT NULL";
        assert_eq!(gateway.sql(ended), format!("{REASON}|unavailable"));
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE kind = 'purge.run'"), 1);
    }

    /// One that comes back after the next has begun writes no second end.
    async fn a_run_that_the_next_one_gave_its_end_keeps_it(kit) {
        let gateway = kit.stopped();
        let ctx = inside::house(&gateway).await.ctx;
        let order = Order { by: "essai".to_owned(), reason: Some(REASON.to_owned()), confirm_clock: false, rewrite: false };
        let [late, next] = [0; 2].map(|_| Run { id: inside::id(), at: inside::now() });
        account::begin(&ctx, &order, late).await.unwrap();
        account::begin(&ctx, &order, next).await.unwrap();
        let report = Report::new(Some(late.id), late.at);
        account::cut_short(&ctx, &order, late, &report, &Fault::unavailable("another purge")).await;
        assert_eq!(gateway.sql("SELECT fault FROM purge_run WHERE ended_at IS NOT NULL"), "interrupted");
        assert_eq!(gateway.count("SELECT count(*) FROM journal WHERE kind = 'purge.run'"), 1);
    }

    /// A run that died is gone on with the same night, by the next look after its lease.
    async fn a_nightly_run_that_died_is_gone_on_with(kit) {
        let gateway = kit.stopped();
        let begin: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let (ctx, clock) = frozen(&gateway, begin).await;
        daily::look(&ctx).await.unwrap();
        let died = begin + hours(14);
        let (id, token) = (crate::inside::id(), crate::inside::id());
        let (id, token) = (gateway.id(&id.to_string()), gateway.id(&token.to_string()));
        gateway.sql(&format!(
            "INSERT INTO purge_run (id, environment, started_at, run_by, confirmed_clock, exchanges, documents, bytes, \
             keys_destroyed, kept_back) VALUES ({id}, 'essai', {0}, 'navette', {truth}, 0, 0, 0, 0, 0); \
             INSERT INTO lease (name, token, until) VALUES ('purge', {token}, {0} + 60000000); SELECT 1",
            died.as_microsecond(), truth = if gateway.database().is_some() { "false" } else { "0" },
        ));
        clock.set(died + jiff::SignedDuration::from_secs(30));
        assert!(daily::look(&ctx).await.is_err(), "its lease is still held");
        clock.set(died + jiff::SignedDuration::from_secs(61));
        daily::look(&ctx).await.unwrap();
        let ends = "SELECT COALESCE(fault, 'done') FROM purge_run WHERE ended_at IS NOT NULL ORDER BY started_at";
        assert_eq!(gateway.sql(ends), "interrupted\ndone");
    }
}
