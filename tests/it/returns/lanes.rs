//! A slow partner holds only its own deliveries.

use std::time::Duration;

use super::{SOON, with_status};
use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        document,
        gateway::{CALLBACK, PROJECT},
        partner::Answer,
        wait,
    },
};

const SLOW: &str = "marche-lent";
const SLOW_PATH: &str = "/retours-lents";

async fn sent_to(client: &Client, project: &str, dossier: &str) -> String {
    let mut metadata = metadata(dossier);
    metadata["project"] = project.into();
    let answer = client.push(&metadata, document::small(dossier)).await;
    answer.reconciliation_id()
}

both_engines! {
    async fn fifty_returns_arrive_while_another_partner_keeps_silent(kit) {
        let kit = kit.and_project(SLOW, SLOW_PATH).set("worker.deliveries_per_project", 4);
        let gateway = kit.start();
        gateway.partner().script(SLOW_PATH, [Answer::Never]);
        let client = gateway.client().await;
        let mut silent = Vec::new();
        for number in 0..10 {
            silent.push(sent_to(&client, SLOW, &format!("S-{number}")).await);
        }
        gateway.partner().wait_on(SLOW_PATH, 4, SOON).await;
        for number in 0..50 {
            sent_to(&client, PROJECT, &format!("D-{number}")).await;
        }
        // Well below the silent partner's 30 s: none of its calls has ended when the last of these arrives.
        gateway.partner().wait_on(CALLBACK, 50, Duration::from_secs(20)).await;
        assert_eq!(gateway.partner().count_of(SLOW_PATH), 4);
        let status = client.get(&format!("/v1/pieces/{}", silent[0])).await.json()["status"].clone();
        assert_eq!(status, "returned");
        assert_eq!(gateway.count("SELECT count(*) FROM delivery_attempt WHERE failure IS NOT NULL"), 0);
    }

    /// Two calls are held open while six returns wait: no third one comes, though what is sent afterwards to somebody else does.
    async fn a_partner_gets_as_many_calls_at_once_as_the_settings_say(kit) {
        let kit = kit.and_project(SLOW, SLOW_PATH).set("worker.deliveries_per_project", 2);
        let gateway = kit.set_in(SLOW, "callback.timeout_seconds", 120).start();
        gateway.partner().script(SLOW_PATH, [Answer::Held]);
        let client = gateway.client().await;
        let mut ids = Vec::new();
        for number in 0..6 {
            ids.push(sent_to(&client, SLOW, &format!("S-{number}")).await);
        }
        gateway.partner().wait_on(SLOW_PATH, 2, SOON).await;
        for id in &ids {
            with_status(&client, id, "returned").await;
        }
        let other = sent_to(&client, PROJECT, "D-1").await;
        with_status(&client, &other, "acknowledged").await;
        assert_eq!(gateway.partner().open_on(SLOW_PATH), 2);
        gateway.partner().release();
        for id in &ids {
            with_status(&client, id, "acknowledged").await;
        }
        assert_eq!(gateway.partner().peak_on(SLOW_PATH), 2);
        assert_eq!(gateway.partner().count_of(SLOW_PATH), 6);
    }

    async fn a_project_that_is_taken_away_keeps_its_returns_for_its_return(kit) {
        let kit = kit.and_project(SLOW, SLOW_PATH);
        let kit = kit.set_in(SLOW, "callback.over_seconds", 2);
        let mut gateway = kit.set_in(SLOW, "callback.attempts", 2).start();
        gateway.partner().script(SLOW_PATH, [Answer::failure(), Answer::Acknowledge]);
        let client = gateway.client().await;
        let id = sent_to(&client, SLOW, "S-1").await;
        gateway.partner().wait_for(1, SOON).await;
        gateway.stop();
        let file = gateway.dir().join(format!("projects/{SLOW}.toml"));
        let aside = gateway.dir().join("aside.toml");
        std::fs::rename(&file, &aside).unwrap();
        gateway.restart();
        let other = sent_to(&client, PROJECT, "D-1").await;
        with_status(&client, &other, "acknowledged").await;
        gateway.stop();
        std::fs::rename(&aside, &file).unwrap();
        gateway.restart();
        with_status(&client, &id, "acknowledged").await;
        wait::until("empty queue", SOON, || (gateway.count("SELECT count(*) FROM job") == 0).then_some(()));
    }
}
