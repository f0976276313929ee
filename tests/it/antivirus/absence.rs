//! An antivirus that is away: pieces are taken in and wait, and go on by themselves when it is back.

use std::collections::BTreeSet;

use super::{SOON, incidents, kinds, sent, with_status};
use crate::{
    both_engines,
    kit::{
        clamd::{Clamd, Impostor, eicar},
        client::{Client, metadata},
        document,
        gateway::APPLICATION,
        pki::pki,
        wait,
    },
};

both_engines! {
    /// While clamd is away pieces wait, nothing is passed on, and readiness says so; then all goes on by itself.
    async fn pieces_wait_while_the_antivirus_is_away_and_go_on_when_it_is_back(kit) {
        let mut clamd = Clamd::start();
        let gateway = clamd.looking(kit).start();
        let client = gateway.client().await;
        clamd.vanish();
        let clean = sent(&client, "D-1", "propre").await;
        let infected = sent(&client, "D-2", &eicar()).await;
        let piece = with_status(&client, &clean, "awaiting-scan").await;
        with_status(&client, &infected, "awaiting-scan").await;
        assert_eq!(piece["controls"], serde_json::json!([]));
        client.get(&format!("/v1/pieces/{clean}/content")).await.is_problem(409, "content-held");
        let refusals = "SELECT count(*) FROM journal WHERE kind = 'piece.refused'";
        assert_eq!(gateway.count(refusals), 0, "what is only not there yet is no refusal");
        let listed = client.get("/v1/pieces?status=awaiting-scan").await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 2);
        let (status, said) = gateway.health("/health/ready").unwrap();
        assert_eq!(status, 503);
        assert!(said.contains(r#"{"name":"antivirus","passed":false}"#), "{said}");
        // One cause: the antivirus is away. Not one for each piece.
        assert_eq!(incidents(&gateway, "scan-unavailable", "open"), 1);
        assert_eq!(gateway.partner().count(), 0);
        gateway.doctor();
        clamd.appear();
        assert_eq!(with_status(&client, &clean, "acknowledged").await["return"]["outcome"], "processed");
        assert_eq!(with_status(&client, &infected, "acknowledged").await["return"]["outcome"], "unprocessable");
        assert_eq!(incidents(&gateway, "scan-unavailable", "resolved"), 1);
        assert_eq!(gateway.health("/health/ready").unwrap().0, 200);
        assert_eq!(kinds(&client, &clean).await[..3], ["piece.received", "piece.awaits-scan", "piece.scanned"]);
        gateway.await_idle();
        gateway.doctor();
    }

    /// clamd killed and started again under load: every piece has its one verdict and its one return.
    async fn an_antivirus_killed_under_load_loses_no_piece(kit) {
        let mut clamd = Clamd::start();
        let gateway = clamd.looking(kit).start();
        let client = gateway.client().await;
        let mut pieces = BTreeSet::new();
        for n in 0..40 {
            let label = if n % 10 == 0 { eicar() } else { format!("D-{n}") };
            pieces.insert(sent(&client, &format!("D-{n}"), &label).await);
            match n {
                10 => clamd.vanish(),
                25 => clamd.appear(),
                _ => {}
            }
        }
        let done = "SELECT count(*) FROM exchange WHERE status = 'acknowledged'";
        wait::until("end of all pieces", SOON, || (gateway.count(done) == 40).then_some(()));
        gateway.await_idle();
        assert_eq!(gateway.count("SELECT count(*) FROM scan"), 40);
        assert_eq!(gateway.count("SELECT count(*) FROM scan WHERE verdict = 'infected'"), 4);
        let returned: Vec<_> = gateway.partner().received().iter().map(|call| {
            call.json()["reconciliationId"].as_str().unwrap().to_owned()
        }).collect();
        assert_eq!(returned.iter().cloned().collect::<BTreeSet<_>>(), pieces);
        assert_eq!(returned.len(), 40);
        gateway.doctor();
    }

    /// An antivirus that hangs holds up the projects that demand it, and no other.
    async fn an_antivirus_that_hangs_holds_up_no_other_project(kit) {
        let silent = Impostor::start(None);
        let gateway = silent.looking(kit).and_project("autre", "/autre").start();
        let client = gateway.client().await;
        for n in 0..12 {
            sent(&client, &format!("D-{n}"), "x").await;
        }
        let credentials = gateway.register_within("ailleurs", &["pieces:write", "pieces:read"], "autre", APPLICATION, &[]);
        let other = Client::with_token(&gateway, &pki().client, &credentials).await;
        let mut elsewhere = metadata("D-1");
        elsewhere["project"] = "autre".into();
        let id = other.push(&elsewhere, document::small("x")).await.reconciliation_id();
        with_status(&other, &id, "acknowledged").await;
        let passed_on = gateway.partner().received().into_iter().filter(|call| call.path != "/autre");
        assert_eq!(passed_on.count(), 0);
    }
}
