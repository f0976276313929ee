//! Clocks that jump under a running gateway: by a day, by ten years, and back. Nobody is kept waiting for a time that will
//! not come again, nothing is lost, and what was dated meanwhile holds.

use std::time::Duration;

use serde_json::json;

use super::{
    audit,
    load::{Promise, insist},
};
use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        document,
        faketime::FakeClock,
        gateway::{CALLBACK, Credentials, Gateway},
        mail::{MailServer, Speech},
        partner::Answer,
        pki::pki,
        token::now,
        wait,
    },
};

const BOTH: [&str; 2] = ["pieces:write", "pieces:read"];
/// Long enough for leases to end and for waiting jobs to be called back.
const SOON: Duration = Duration::from_secs(60);

/// A piece sent with a token of this very moment, and acknowledged by the partner.
async fn goes_through(gateway: &Gateway, known: &Credentials, dossier: &str) -> Promise {
    let client = Client::with_token(gateway, &pki().client, known).await;
    let promise = insist(&client, dossier, 2_000).await;
    acknowledged(gateway, &client, &promise).await;
    promise
}

/// A piece that is not what its sender announces: each opens the same incident, or is counted in it.
async fn arrives_altered(gateway: &Gateway, known: &Credentials) {
    let client = Client::with_token(gateway, &pki().client, known).await;
    let mut altered = metadata("D-1");
    altered["hash"] = json!({ "algorithm": "SHA-256", "value": "00".repeat(32) });
    let answer = client.push(&altered, document::small("x")).await;
    answer.is_problem(422, "hash-mismatch");
}

async fn acknowledged(gateway: &Gateway, client: &Client, promise: &Promise) {
    let path = format!("/v1/pieces/{}", promise.id);
    wait::eventually("acknowledgment", SOON, async || {
        let piece = client.get(&path).await.json();
        (piece["status"] == "acknowledged").then_some(())
    })
    .await;
    gateway.await_idle();
}

both_engines! {
    /// Intake, jobs, journal and returns go on at each of them; the house agrees with itself by the true time.
    async fn a_clock_that_jumps_holds_up_nothing_and_loses_nothing(kit) {
        let (kit, clock) = FakeClock::over(kit.set("worker.lease_seconds", 3));
        let gateway = kit.start();
        let known = gateway.register("application", &BOTH);
        let mut promises = Vec::new();
        for (number, offset) in ["+0", "+1d", "+3650d", "+3649d", "-1d", "+0"].iter().enumerate() {
            clock.set(offset);
            promises.push(goes_through(&gateway, &known, &format!("D-{number}")).await);
        }
        let client = Client::with_token(&gateway, &pki().client, &known).await;
        audit::promises_are_kept(&gateway, &client, &promises).await;
    }

    /// A token ends by the clock, and one that a clock has dated ahead is worth nothing once it is set right.
    async fn a_token_holds_for_its_day_and_not_before_it(kit) {
        let (kit, clock) = FakeClock::over(kit);
        let gateway = kit.start();
        let known = gateway.register("application", &BOTH);
        let today = Client::with_token(&gateway, &pki().client, &known).await;
        assert_eq!(today.get("/v1/pieces").await.status, 200);
        clock.set("+2d");
        assert_eq!(today.get("/v1/pieces").await.status, 401);
        let ahead = Client::with_token(&gateway, &pki().client, &known).await;
        assert_eq!(ahead.get("/v1/pieces").await.status, 200);
        clock.set("+0");
        assert_eq!(ahead.get("/v1/pieces").await.status, 401);
        assert_eq!(today.get("/v1/pieces").await.status, 200);
    }

    /// What waits for its next attempt, and what a process held that died there, does not wait ten years.
    async fn what_was_dated_ten_years_ahead_is_done_once_the_clock_is_right_again(kit) {
        let (kit, clock) = FakeClock::over(kit.set("worker.lease_seconds", 3));
        kit.partner.script(CALLBACK, [Answer::failure()]);
        let mut gateway = kit.start();
        let known = gateway.register("application", &BOTH);
        clock.set("+3650d");
        let client = Client::with_token(&gateway, &pki().client, &known).await;
        let promise = insist(&client, "D-1", 2_000).await;
        gateway.partner().wait_for(1, SOON).await;
        let tried = "SELECT count(*) FROM job WHERE kind = 'deliver' AND attempts > 0";
        wait::until("an attempt", SOON, || (gateway.count(tried) == 1).then_some(()));
        gateway.kill();
        clock.set("+0");
        gateway.partner().script(CALLBACK, [Answer::Acknowledge]);
        gateway.restart();
        let client = Client::with_token(&gateway, &pki().client, &known).await;
        acknowledged(&gateway, &client, &promise).await;
        audit::promises_are_kept(&gateway, &client, &[promise]).await;
    }

    /// A mail keeps the next one about its cause for an hour, and not for ten years where its clock stood ahead.
    async fn an_incident_that_was_mailed_ten_years_ahead_is_mailed_again_within_the_hour(kit) {
        let server = MailServer::start(Speech::StartTls);
        let (kit, clock) = FakeClock::over(server.serving(kit, &["exploitation@asp.example"]));
        let mut gateway = kit.start();
        let known = gateway.register("application", &BOTH);
        clock.set("+3650d");
        arrives_altered(&gateway, &known).await;
        server.wait_for(1, SOON);
        gateway.await_idle();
        // A process that begins looks at what was written before it.
        gateway.stop();
        clock.set("+0");
        gateway.restart();
        wait::until("a look at the clock", SOON, || {
            gateway.log().contains("the clock was set back").then_some(())
        });
        arrives_altered(&gateway, &known).await;
        let waits = "SELECT count(*) FROM job WHERE kind = 'mail'";
        wait::until("a mail that waits", SOON, || (gateway.count(waits) == 1).then_some(()));
        let run_at = gateway.count("SELECT run_at FROM job WHERE kind = 'mail'") / 1_000_000;
        let pause = run_at.saturating_sub(now().unsigned_abs());
        assert!((3500..=3600).contains(&pause), "it waits {pause} seconds");
    }
}
