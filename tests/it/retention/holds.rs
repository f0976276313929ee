//! Dossiers on legal hold.

use serde_json::{Value, json};

use super::{AGED_DAYS, SOON, acknowledged, age, multiply, purge};
use crate::{
    both_engines,
    kit::{
        gateway::{Gateway, PROJECT, REASON},
        wait,
    },
};

/// Adds or removes a hold; what the command says.
pub fn hold(gateway: &Gateway, verb: &str, dossier: &str) -> Vec<Value> {
    let arguments = [
        "hold",
        verb,
        dossier,
        "--project",
        PROJECT,
        "--reason",
        REASON,
        "--json",
    ];
    let said = gateway.run(&arguments).succeeded();
    serde_json::from_str(&said).expect("JSON was asked for")
}

fn listed(gateway: &Gateway, more: &[&str]) -> Vec<Value> {
    let said = gateway
        .run(&[&["hold", "list", "--json"], more].concat())
        .succeeded();
    serde_json::from_str(&said).expect("JSON was asked for")
}

both_engines! {
    /// What is on hold outlives its term; once the hold is lifted, the next purge takes it.
    async fn a_dossier_on_hold_is_not_purged_until_the_hold_is_lifted(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        age(&gateway, AGED_DAYS, &[]);
        let held = hold(&gateway, "add", "D-0");
        assert_eq!((&held[0]["dossierId"], &held[0]["exchanges"]), (&json!("D-0"), &json!(1)), "{held:?}");
        let report = purge(&gateway);
        assert_eq!(report["exchanges"], 1, "{report}");
        assert_eq!(report["keptBack"][0]["reconciliationId"], ids[0].as_str());
        assert_eq!(report["keptBack"][0]["reasons"], json!(["hold"]));
        assert_eq!(client.get(&format!("/v1/pieces/{}/content", ids[0])).await.status, 200);
        hold(&gateway, "remove", "D-0");
        assert_eq!(purge(&gateway)["exchanges"], 1);
        gateway.doctor();
    }

    /// The list shows who, when and why, and the lifted ones on demand; the journal keeps both steps without the dossier.
    async fn who_held_and_who_lifted_is_kept_without_the_dossiers_id(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        hold(&gateway, "add", "D-0");
        let held = listed(&gateway, &[]);
        assert_eq!((&held[0]["reason"], &held[0]["liftedAt"]), (&json!(REASON), &Value::Null));
        assert!(held[0]["addedBy"].is_string() && held[0]["addedAt"].is_string(), "{held:?}");
        hold(&gateway, "remove", "D-0");
        assert!(listed(&gateway, &[]).is_empty());
        assert_eq!(listed(&gateway, &["--all"])[0]["liftedReason"], REASON);
        for kind in ["hold.added", "hold.lifted"] {
            let detail = gateway.sql(&format!("SELECT detail FROM journal WHERE kind = '{kind}'"));
            let told: Value = serde_json::from_str(&detail).unwrap();
            assert!(told["operator"].is_string() && told["reason"] == REASON, "{detail}");
            assert!(!detail.contains("D-0"), "{detail}");
        }
    }

    /// Whatever a purge is about to do: once the command has answered, nothing of the dossier is purged any more.
    async fn a_hold_holds_from_the_moment_its_command_answers(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 1).await;
        multiply(&gateway, &ids[0], 9000);
        age(&gateway, AGED_DAYS, &[]);
        let purged = "SELECT count(*) FROM exchange WHERE status = 'purged'";
        let (then, report) = std::thread::scope(|scope| {
            let purging = scope.spawn(|| purge(&gateway));
            wait::until("some purged", SOON, || (gateway.count(purged) > 0).then_some(()));
            hold(&gateway, "add", "D-0");
            let then = gateway.count(purged);
            (then, purging.join().unwrap())
        });
        assert_eq!(gateway.count(purged), then, "{report}");
        assert!(then < 9001, "the purge was over before the hold: nothing was tried");
        assert_eq!(report["exchanges"], then, "{report}");
    }

    /// A hold may come before the dossier's first piece, and counts for it.
    async fn a_dossier_that_has_no_piece_yet_may_be_held(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let held = hold(&gateway, "add", "D-0");
        assert_eq!((&held[0]["exchanges"], &held[0]["dossierId"]), (&json!(0), &Value::Null));
        acknowledged(&gateway, &client, 1).await;
        age(&gateway, AGED_DAYS, &[]);
        assert_eq!(purge(&gateway)["exchanges"], 0);
    }

    /// An exchange that does not open hides no hold: its dossier is shown by its keyed hash.
    async fn a_held_exchange_that_does_not_open_hides_no_hold(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        hold(&gateway, "add", "D-0");
        gateway.sql(&format!("UPDATE exchange SET wrapped_key = metadata WHERE id = {}; SELECT 1", gateway.id(&ids[0])));
        hold(&gateway, "add", "D-1");
        let held = listed(&gateway, &[]);
        let dossiers: Vec<_> = held.iter().map(|hold| hold["dossierId"].clone()).collect();
        assert_eq!(dossiers, [Value::Null, json!("D-1")], "{held:?}");
        assert_eq!(held[0]["dossierIdHash"].as_str().unwrap().len(), 64);
        assert_eq!(held[0]["exchanges"], 1);
        let lifted = hold(&gateway, "remove", "D-0");
        assert_eq!((&lifted[0]["dossierId"], &lifted[0]["liftedReason"]), (&Value::Null, &json!(REASON)));
        hold(&gateway, "add", "D-0");
        let shown = gateway.run(&["hold", "list"]).succeeded();
        assert!(shown.contains(held[0]["dossierIdHash"].as_str().unwrap()) && shown.contains("D-1"), "{shown}");
    }

    /// Twice held, never held, an unknown project, no reason: each is told as wrong use.
    async fn a_hold_that_makes_no_sense_is_refused(kit) {
        let gateway = kit.start();
        hold(&gateway, "add", "D-0");
        let wrong: [&[&str]; 5] = [
            &["hold", "add", "D-0", "--project", PROJECT, "--reason", REASON],
            &["hold", "remove", "D-1", "--project", PROJECT, "--reason", REASON],
            &["hold", "add", "D-1", "--project", "inconnu", "--reason", REASON],
            &["hold", "add", "D-1", "--project", PROJECT],
            &["hold", "add", "D-1", "--project", PROJECT, "--reason", " "],
        ];
        for arguments in wrong {
            gateway.run(arguments).failed_with(2);
        }
        assert_eq!(listed(&gateway, &["--all"]).len(), 1);
    }
}
