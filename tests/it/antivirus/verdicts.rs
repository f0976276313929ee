//! Clean, and infected.

use super::{SOON, control, incidents, kinds, sent, with_status};
use crate::{
    both_engines,
    kit::{
        clamd::{Clamd, SIGNATURE, eicar},
        client::metadata,
        document,
    },
};

both_engines! {
    /// A clean piece is looked at, goes its way, and its return says so.
    async fn a_clean_piece_goes_its_way_and_its_return_says_so(kit) {
        let clamd = Clamd::start();
        let gateway = clamd.looking(kit).start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1", "propre").await;
        let piece = with_status(&client, &id, "acknowledged").await;
        assert_eq!(control(&piece).unwrap().0, "passed", "{piece}");
        assert_eq!(piece["return"]["outcome"], "processed");
        let whole = ["piece.received", "piece.scanned", "piece.processed", "return.created", "return.acknowledged"];
        assert_eq!(kinds(&client, &id).await, whole);
        assert_eq!(client.get(&format!("/v1/pieces/{id}/content")).await.status, 200);
        gateway.await_idle();
        gateway.doctor();
    }

    /// An infected piece is in quarantine: its return is unprocessable and names the signature, its content goes nowhere.
    async fn an_infected_piece_is_in_quarantine_and_its_return_names_the_signature(kit) {
        let clamd = Clamd::start();
        let gateway = clamd.looking(kit).start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1", &eicar()).await;
        let piece = with_status(&client, &id, "acknowledged").await;
        assert_eq!(piece["return"]["outcome"], "unprocessable");
        let (outcome, detail) = control(&piece).unwrap();
        assert_eq!(outcome, "failed");
        assert!(detail.contains(SIGNATURE), "{detail}");
        let told = gateway.partner().wait_for(1, SOON).await.remove(0).json();
        assert_eq!((&told["outcome"], &told["results"]), (&"unprocessable".into(), &serde_json::json!([])));
        let controls = told["controls"].to_string();
        assert!(controls.contains(SIGNATURE), "{controls}");
        let content = client.get(&format!("/v1/pieces/{id}/content")).await;
        content.is_problem(409, "content-held");
        assert_eq!(incidents(&gateway, "infected", "open"), 1);
        assert!(kinds(&client, &id).await.contains(&"piece.quarantined".to_owned()));
        gateway.await_idle();
        gateway.doctor();
    }

    /// The same over the machine's own socket, and with a content of many chunks.
    async fn a_signature_at_the_end_of_a_long_content_is_found_by_the_socket_too(kit) {
        let clamd = Clamd::start();
        let gateway = clamd.looking_by_socket(kit).start();
        let client = gateway.client().await;
        let mut long = document::pdf("long", 3_000_000);
        long.extend_from_slice(eicar().as_bytes());
        let id = client.push(&metadata("D-1"), long).await.reconciliation_id();
        let piece = with_status(&client, &id, "acknowledged").await;
        assert_eq!(control(&piece).unwrap().0, "failed", "{piece}");
    }

    /// A project that does not demand it has its pieces looked at by nobody.
    async fn a_project_that_demands_no_scan_has_none(kit) {
        let clamd = Clamd::start();
        let gateway = clamd.looking(kit).set_project("antivirus", "\"off\"").start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1", &eicar()).await;
        let piece = with_status(&client, &id, "acknowledged").await;
        assert_eq!(control(&piece), None);
        assert_eq!(gateway.count("SELECT count(*) FROM scan"), 0);
    }

    /// A piece that came before its project demanded a scan is looked at before anything opens it.
    async fn a_piece_from_before_the_demand_is_looked_at_too(kit) {
        let clamd = Clamd::start();
        let kit = clamd.looking(kit).set_project("antivirus", "\"off\"").without_worker();
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1", &eicar()).await;
        gateway.stop();
        for file in std::fs::read_dir(gateway.dir().join("projects")).unwrap() {
            let file = file.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, text.replace("antivirus = \"off\"", "antivirus = \"required\"")).unwrap();
        }
        gateway.restart();
        client.get(&format!("/v1/pieces/{id}/content")).await.is_problem(409, "content-held");
        let _worker = gateway.start_worker(&[]);
        let piece = with_status(&client, &id, "acknowledged").await;
        assert_eq!(control(&piece).unwrap().0, "failed", "{piece}");
    }
}
