use std::time::Duration;

use jiff::Timestamp;
use navette::kernel::clock::Clock;
use serde_json::{Value, json};

use super::{
    import::imported,
    subscriptions::{one, path},
};
use crate::{
    both_engines,
    kit::{
        hubee::{
            hub::Hub,
            referential::{IDLE_SI, PROCESS, SILENT, subscription},
        },
        wait,
    },
};

/// An instant some hours from now, as a client writes it.
fn in_hours(hours: i64) -> Value {
    let at = Clock::system().now() + jiff::SignedDuration::from_hours(hours);
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

/// A subscription that is inactive until some seconds from now, and that moment: the day's first minute is past.
fn awaited(subscriber: &str, process: &str) -> (Value, Timestamp) {
    let mut said = subscription(subscriber, process);
    let date = Clock::system().now() + jiff::SignedDuration::from_secs(3);
    said["status"] = "Inactif".into();
    said["activateDateTime"] = date.to_string().into();
    (said, date)
}

/// Waits until that moment is past.
fn is_past(date: Timestamp) {
    wait::until("that moment", Duration::from_secs(30), || {
        (Clock::system().now() > date).then_some(())
    });
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
        let soon = Clock::system().now() + jiff::SignedDuration::from_secs(5);
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
        said["activateDateTime"] = (Clock::system().now() + jiff::SignedDuration::from_secs(20)).to_string().into();
        let suspended = hub.datapass.post(&path(""), &said).await.of(201).json();
        let mut changed = suspended.clone();
        changed["status"] = "Suspendu".into();
        hub.admin.put(&one(&suspended), &changed).await.of(200);
        activate(&hub);
        assert_eq!(status(&hub, &past).await, "Inactif", "its date was not to come");
        assert_eq!(status(&hub, &suspended).await, "Suspendu");
    }

    /// R52: the file that says it inactive until its day may be imported again, on that day and after: it stays active.
    async fn a_subscription_that_became_active_stays_so_when_its_file_is_imported_again(kit) {
        let hub = Hub::of(kit.with_hub().without_worker().start()).await;
        let (said, date) = awaited(IDLE_SI, PROCESS);
        let import = || imported(&hub, &json!({ "subscriptions": [said] }));
        assert_eq!(import()["subscriptions"]["created"], 1);
        activate(&hub);
        for moment in ["on its day", "after its date"] {
            assert_eq!(import()["subscriptions"]["unchanged"], 1, "{moment}");
            let active = "SELECT count(*) FROM hub_subscription WHERE subscriber LIKE 'SI-99820003400010-%' AND status = 'Actif'";
            assert_eq!(hub.count(active), 1, "{moment}");
            is_past(date);
        }
        let mut moved = said.clone();
        moved["activateDateTime"] = in_hours(72);
        assert_eq!(imported(&hub, &json!({ "subscriptions": [moved] }))["subscriptions"]["replaced"], 1);
        assert_eq!(hub.count("SELECT count(*) FROM hub_subscription WHERE activation_due_at IS NOT NULL AND status = 'Inactif'"), 1);
    }

    /// R52: its date may be past before the batch has run: who sends back the object with another address takes nothing from it.
    async fn a_subscription_whose_date_is_past_is_still_activated_when_it_is_replaced_meanwhile(kit) {
        let hub = Hub::of(kit.with_hub().without_worker().start()).await;
        let (mut said, date) = awaited(IDLE_SI, PROCESS);
        let known = hub.datapass.post(&path(""), &said).await.of(201).json();
        is_past(date);
        said = hub.admin.get(&one(&known)).await.of(200).json();
        said["email"] = "autre@exemple.fr".into();
        hub.admin.put(&one(&known), &said).await.of(200);
        activate(&hub);
        assert_eq!(status(&hub, &known).await, "Actif");
    }
}
