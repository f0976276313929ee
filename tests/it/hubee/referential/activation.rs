use serde_json::{Value, json};

use super::subscriptions::{one, path};
use crate::{
    both_engines,
    kit::hubee::{
        hub::Hub,
        referential::{IDLE_SI, PROCESS, SILENT, subscription},
    },
};

/// An instant some hours from now, as a client writes it.
fn in_hours(hours: i64) -> Value {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
    at.to_string().into()
}

async fn status(hub: &Hub, subscription: &Value) -> Value {
    let read = hub.admin.get(&one(subscription)).await.of(200);
    read.json()["status"].clone()
}

/// What `navette hubee activate` did.
fn activate(hub: &Hub) {
    hub.run(&["hubee", "activate"]).succeeded();
}

both_engines! {
    /// R52: inactive with a date to come, a subscription is active from 00:01 of that day in Paris on; one of another day waits.
    async fn a_subscription_becomes_active_on_its_day(kit) {
        let hub = Hub::open(kit).await;
        let said = |process: &str, at: Value| {
            let mut said = subscription(IDLE_SI, process);
            said["status"] = "Inactif".into();
            said["activateDateTime"] = at;
            said
        };
        // Within the next seconds it is the same day, whose first minute is past.
        let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(5);
        let soon = hub.datapass.post(&path(""), &said(PROCESS, soon.to_string().into())).await.of(201).json();
        let later = hub.datapass.post(&path(""), &said(SILENT, in_hours(72))).await.of(201).json();
        assert_eq!((&soon["status"], &later["status"]), (&json!("Inactif"), &json!("Inactif")));
        activate(&hub);
        assert_eq!(status(&hub, &soon).await, "Actif");
        assert_eq!(status(&hub, &later).await, "Inactif");
        let entry = format!("SELECT count(*) FROM journal WHERE detail LIKE '%{}%activated%'", soon["id"].as_str().unwrap());
        let other = format!("SELECT count(*) FROM journal WHERE detail LIKE '%activated%{}%'", soon["id"].as_str().unwrap());
        assert_eq!(hub.count(&entry) + hub.count(&other), 1);
        let counted = hub.admin.get(&path("?status=Inactif")).await.of(200);
        assert_eq!(counted.headers["content-range"], "Subscriptions 0-0/1");
    }

    /// R52: what was suspended meanwhile, or made inactive after its day, is not activated again.
    async fn a_subscription_that_was_taken_back_stays_so(kit) {
        let hub = Hub::open(kit).await;
        let mut said = subscription(IDLE_SI, PROCESS);
        said["status"] = "Inactif".into();
        said["activateDateTime"] = in_hours(0);
        let past = hub.datapass.post(&path(""), &said).await.of(201).json();
        said = subscription(IDLE_SI, SILENT);
        said["status"] = "Inactif".into();
        said["activateDateTime"] = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(20)).to_string().into();
        let suspended = hub.datapass.post(&path(""), &said).await.of(201).json();
        let mut changed = suspended.clone();
        changed["status"] = "Suspendu".into();
        hub.admin.put(&one(&suspended), &changed).await.of(200);
        activate(&hub);
        assert_eq!(status(&hub, &past).await, "Inactif", "its date was not to come");
        assert_eq!(status(&hub, &suspended).await, "Suspendu");
    }
}
