//! What the metrics tell, so that an alert that asks for it is ever given.

use std::time::Duration;

use super::{SOON, sent};
use crate::{
    both_engines,
    kit::{clamd::Impostor, gateway::Gateway, wait},
    tidy::asked_by_the_alerts,
};

/// How old a job is made, in seconds.
const HOUR: f64 = 3600.0;
/// Several rounds of what measures the queue, on a busy machine.
const ROUNDS: Duration = Duration::from_secs(60);

/// Leaves a nightly purge that died long ago to the next start, which goes on with it.
fn leave_a_purge(gateway: &mut Gateway) {
    wait::until("first look at the clock", SOON, || {
        (gateway.count("SELECT count(*) FROM clock_mark") > 0).then_some(())
    });
    assert!(gateway.stop().success());
    let id = gateway.id("019a1ffe-0542-7a41-9c3e-5b0f2a7d6e10");
    let no = gateway.database().map_or("0", |_| "false");
    gateway.sql(&format!(
        "INSERT INTO purge_run (id, environment, started_at, run_by, confirmed_clock, exchanges, documents, bytes, \
         keys_destroyed, kept_back) VALUES ({id}, 'essai', 0, 'navette', {no}, 0, 0, 0, 0, 0) RETURNING 1"
    ));
}

both_engines! {
    /// After one piece that went the whole way, antivirus included, and a night.
    async fn every_metric_that_an_alert_asks_for_is_told(kit) {
        let antivirus = Impostor::start(Some(b"stream: OK\0"));
        let mut gateway = antivirus.looking(kit).start();
        leave_a_purge(&mut gateway);
        gateway.restart();
        let client = gateway.client().await;
        sent(&client, "D-1").await;
        for name in asked_by_the_alerts() {
            wait::until(&name, ROUNDS, || gateway.measured(&name, &[]));
        }
        for stage in ["stage=\"store\"", "stage=\"commit\""] {
            let counted = gateway.measured("navette_intake_stage_seconds_count", &[stage]);
            assert_eq!(counted, Some(1.0), "{stage}");
            // Seconds, with a bound at which the alert's quantile may stop.
            let bounded = gateway.measured("navette_intake_stage_seconds_bucket", &[stage, "le=\"2.5\""]);
            assert!(bounded.is_some(), "{stage}");
        }
    }

    /// Of a job that waits, since when; of a lane in which none waits, nothing.
    async fn the_age_of_the_oldest_job_of_a_lane_is_told(kit) {
        let busy = Impostor::start(Some(b"stream: busy ERROR\0"));
        let gateway = busy.looking(kit).start();
        let client = gateway.client().await;
        sent(&client, "D-1").await;
        gateway.sql("UPDATE job SET created_at = created_at - 3600000000 RETURNING 1");
        sent(&client, "D-2").await;
        let age = |lane: &str| gateway.measured("navette_jobs_oldest_seconds", &[lane, "state=\"queued\""]);
        let old = wait::until("age of the queue", ROUNDS, || age("lane=\"scan\"").filter(|age| *age >= HOUR));
        assert!(old < 2.0 * HOUR, "{old} s");
        assert_eq!(age("lane=\"process\""), Some(0.0));
        assert_eq!(gateway.measured("navette_jobs", &["lane=\"scan\"", "state=\"queued\""]), Some(2.0));
    }
}
