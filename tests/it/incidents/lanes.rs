//! What waits for a project or a depot that was taken from the settings: nobody takes it, and everybody is told.

use std::fs;

use super::{SOON, wait_for_incident};
use crate::{
    both_engines,
    kit::{
        client::metadata,
        depot::{Depot, Make},
        document,
        gateway::Gateway,
        lot::Lot,
        partner::Answer,
        wait,
    },
    reception,
};

const OTHER: &str = "marche-voisin";
const OTHER_PATH: &str = "/retours-voisins";

/// How many jobs the metrics show to wait in a lane.
fn waiting(gateway: &Gateway, lane: &str) -> Option<f64> {
    let lane = format!("lane=\"{lane}\"");
    gateway.measured("navette_jobs", &[&lane, "state=\"queued\""])
}

/// Takes a file of the settings away while the gateway does not run, and starts it again; what brings the file back.
fn without(gateway: &mut Gateway, file: &str) -> impl Fn() + use<> {
    let (there, aside) = (gateway.dir().join(file), gateway.dir().join("aside"));
    gateway.stop();
    fs::rename(&there, &aside).unwrap();
    gateway.restart();
    move || fs::rename(&aside, &there).unwrap()
}

/// Waits until what waits in that lane is told, by the metrics and by an incident.
fn is_told(gateway: &Gateway, lane: &str) {
    let incident = wait_for_incident(gateway, "lane-unserved", "open");
    assert_eq!(incident["detail"]["lane"], lane, "{incident}");
    assert_eq!(waiting(gateway, lane), Some(1.0));
}

both_engines! {
    async fn what_waits_for_a_project_that_was_taken_away_is_an_incident_until_it_is_back(kit) {
        let kit = kit.and_project(OTHER, OTHER_PATH).set_in(OTHER, "callback.attempts", 6);
        let mut gateway = kit.set_in(OTHER, "callback.over_seconds", 30).start();
        gateway.partner().script(OTHER_PATH, [Answer::failure(), Answer::Acknowledge]);
        let client = gateway.client().await;
        let mut metadata = metadata("D-1");
        metadata["project"] = OTHER.into();
        client.push(&metadata, document::small("D-1")).await.reconciliation_id();
        gateway.partner().wait_for(1, SOON).await;
        let bring_back = without(&mut gateway, &format!("projects/{OTHER}.toml"));
        is_told(&gateway, &format!("deliver:{OTHER}"));
        gateway.stop();
        bring_back();
        gateway.restart();
        wait_for_incident(&gateway, "lane-unserved", "resolved");
        gateway.partner().wait_for(2, SOON).await;
        gateway.await_idle();
    }

    async fn what_waits_for_a_depot_that_was_taken_away_is_an_incident_until_it_is_back(kit) {
        let depot = Depot::start(Make::Folder);
        fs::remove_dir(depot.inside("receipts")).unwrap();
        let mut gateway = reception::at(kit, &depot).start();
        depot.put("in/a.zip", &Lot::new("D-1").piece("P", "a.pdf", &document::small("a")).zip());
        wait_for_incident(&gateway, "receipt-undeliverable", "open");
        let bring_back = without(&mut gateway, &format!("depots/{}.toml", depot.name()));
        is_told(&gateway, &format!("depot:{}", depot.name()));
        gateway.stop();
        bring_back();
        fs::create_dir(depot.inside("receipts")).unwrap();
        gateway.restart();
        assert_eq!(reception::receipt(&depot, "a.zip")["outcome"], "accepted");
        wait_for_incident(&gateway, "lane-unserved", "resolved");
        reception::left(&gateway, &depot, "a.zip");
    }

    /// Work that an operator moves on by hand, or that a purge takes, leaves nothing to tell.
    async fn a_lane_that_nobody_serves_is_told_no_more_once_it_is_empty(kit) {
        let kit = kit.and_project(OTHER, OTHER_PATH).set_in(OTHER, "callback.attempts", 6);
        let mut gateway = kit.set_in(OTHER, "callback.over_seconds", 30).start();
        gateway.partner().script(OTHER_PATH, [Answer::failure()]);
        let client = gateway.client().await;
        let mut metadata = metadata("D-1");
        metadata["project"] = OTHER.into();
        client.push(&metadata, document::small("D-1")).await.reconciliation_id();
        gateway.partner().wait_for(1, SOON).await;
        let lane = format!("deliver:{OTHER}");
        drop(without(&mut gateway, &format!("projects/{OTHER}.toml")));
        is_told(&gateway, &lane);
        gateway.sql("DELETE FROM job WHERE kind = 'deliver' RETURNING 1");
        wait_for_incident(&gateway, "lane-unserved", "resolved");
        wait::until("an empty lane", SOON, || {
            (waiting(&gateway, &lane) == Some(0.0)).then_some(())
        });
    }
}
