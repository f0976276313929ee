//! The signing certificate's dates: no receipt is given that `openssl cms -verify` would refuse at its own date (TRC-1).

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        document,
        faketime::FakeClock,
        gateway::{Credentials, Engine, Gateway, Kit, REASON},
        pki::{Identity, pki},
        process, wait,
    },
};

const SOON: Duration = Duration::from_secs(60);
/// For a command on a busy machine, in seconds.
const PATIENCE: u32 = 60;

fn signed_by(kit: Kit, signer: &Identity) -> Kit {
    kit.set("receipts.certificate", format!("{:?}", signer.certificate))
        .set("receipts.key_file", format!("{:?}", signer.key))
}

/// How far a clock has to be ahead to stand this many days after the end of the certificate that ends.
fn days_after_the_end(days: i64) -> String {
    let now = navette::kernel::clock::Clock::system().now();
    let left = pki().end.duration_since(now).as_hours() / 24;
    format!("+{}d", left + days)
}

/// The state of the incident of pieces that could not be taken in; nothing where there is none.
fn incident(gateway: &Gateway) -> String {
    gateway.sql("SELECT state FROM incident WHERE code = 'intake-failed'")
}

async fn with_token(gateway: &Gateway, known: &Credentials) -> Client {
    Client::with_token(gateway, &pki().client, known).await
}

both_engines! {
    /// What is there is still read; what comes is asked to come again, and does once the certificate is good.
    async fn nothing_is_taken_in_once_the_certificate_is_over(kit) {
        let (kit, clock) = FakeClock::over(signed_by(kit, &pki().ending_signer));
        let gateway = kit.start();
        let known = gateway.register("application", &["pieces:write", "pieces:read"]);
        let client = with_token(&gateway, &known).await;
        let id = client.push(&metadata("D-1"), document::small("D-1")).await.reconciliation_id();
        clock.set(&days_after_the_end(2));
        let client = with_token(&gateway, &known).await;
        let refused = client.push(&metadata("D-2"), document::small("D-2")).await;
        refused.is_problem(503, "signer-expired");
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0, "{refused:?}");
        assert_eq!(client.get(&format!("/v1/pieces/{id}/receipt")).await.status, 200);
        let (status, told) = gateway.health("/health/ready").unwrap();
        assert_eq!(status, 503, "{told}");
        assert!(told.contains(r#"{"name":"receipts","passed":false}"#), "{told}");
        assert_eq!(incident(&gateway), "open");
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 1);
        clock.set("+0");
        let client = with_token(&gateway, &known).await;
        let taken = client.push(&metadata("D-2"), document::small("D-2")).await;
        assert_eq!(taken.status, 202, "{taken:?}");
        wait::until("the incident's end", SOON, || (incident(&gateway) == "resolved").then_some(()));
        assert_eq!(gateway.health("/health/ready").unwrap().0, 200);
        gateway.await_idle();
    }

    /// Neither half starts, and the settings are told to be wrong; the operator's commands go on.
    async fn a_certificate_that_is_over_starts_nothing(kit) {
        let gateway = signed_by(kit, &pki().expired_signer).stopped();
        for command in ["check-config", "serve", "worker"] {
            let said = gateway.run(&[command]).failed_with(3);
            assert!(said.contains("expired-signer.pem") && said.contains("2021-01-01"), "{said}");
        }
        let copy = gateway.dir().join("copie");
        gateway.run(&["backup", copy.to_str().unwrap()]).succeeded();
        gateway.run(&["purge", "--reason", REASON]).succeeded();
        gateway.doctor();
    }

    async fn the_end_of_the_certificate_is_measured(kit) {
        let gateway = signed_by(kit, &pki().ending_signer).start();
        let (_, text) = gateway.health("/metrics").unwrap();
        let told = format!("navette_receipt_certificate_end_timestamp_seconds {}", pki().end.as_second());
        assert!(text.lines().any(|line| line == told), "{told}\n{text}");
    }
}

#[test]
fn a_certificate_that_ends_within_thirty_days_is_warned_of() {
    let gateway = signed_by(Kit::new(Engine::Sqlite), &pki().ending_signer).stopped();
    let clock = FakeClock::beside(&gateway.dir().join("later"));
    let told = || {
        let mut command = gateway.prepared(&["check-config", "--json"]);
        command.envs(clock.environment());
        let said = process::run(&command, PATIENCE).succeeded();
        serde_json::from_str::<Value>(&said).expect("JSON was asked for")["warnings"].clone()
    };
    assert_eq!(told(), json!([]));
    clock.set(&days_after_the_end(-10));
    let warnings = told();
    let warning = warnings[0].as_str().expect("one warning");
    assert!(
        warning.contains("ending-signer.pem") && warning.contains(&pki().end.to_string()),
        "{warning}"
    );
}
