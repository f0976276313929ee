//! R62: each run leaves a report; and the runs by the clock.

use jiff::Timestamp;
use navette::{
    domain::hubee::batches::{self, Batch, daily},
    kernel::term::last_time_of_day,
};
use serde_json::{Value, json};

use super::{age, closed, rehearse, run};
use crate::{
    both_engines,
    kit::{
        gateway::Gateway,
        hubee::{
            hub::Hub,
            referential::{IDLE_SI, PROCESS, subscription},
        },
    },
    retention::clock::{frozen, hours},
};

/// Where subscriptions are.
const SUBSCRIPTIONS: &str = "/referential/v1/subscriptions";

fn listed(gateway: &Gateway, more: &[&str]) -> Vec<Value> {
    let list = [&["hubee", "report", "list", "--json"], more].concat();
    let said = gateway.run(&list).succeeded();
    serde_json::from_str(&said).expect("JSON was asked for")
}

/// How many runs of each batch there were.
fn runs(gateway: &Gateway) -> Vec<String> {
    let counted =
        gateway.sql("SELECT batch, count(*) FROM hub_report GROUP BY batch ORDER BY batch");
    counted.lines().map(str::to_owned).collect()
}

/// A subscription that is inactive until then.
async fn inactive_until(hub: &Hub, date: &str) -> Value {
    let mut wanted = subscription(IDLE_SI, PROCESS);
    wanted["status"] = "Inactif".into();
    wanted["activateDateTime"] = date.into();
    let made = hub.datapass.post(SUBSCRIPTIONS, &wanted).await;
    made.of(201).json()
}

async fn status(hub: &Hub, subscription: &Value) -> Value {
    let id = subscription["id"].as_str().expect("an id");
    let read = hub.admin.get(&format!("{SUBSCRIPTIONS}/{id}")).await;
    read.of(200).json()["status"].clone()
}

both_engines! {
    /// R62: what was removed, archived and deleted, with ids, kept and shown; a rehearsal leaves none.
    async fn each_run_leaves_a_report_with_its_ids_and_a_rehearsal_none(kit) {
        let hub = Hub::open(kit).await;
        let sent = closed(&hub, "DGS-R62-1").await;
        age(&hub, "hub_folder", "closed_at", 2);
        rehearse(&hub, "archive");
        assert_eq!(listed(&hub, &[]), [json!(null); 0]);
        let done = run(&hub, "archive");
        run(&hub, "purge");
        let all = listed(&hub, &[]);
        let batches: Vec<_> = all.iter().map(|report| report["batch"].as_str().unwrap()).collect();
        assert_eq!(batches, ["purge", "archive"], "the newest first");
        let only = listed(&hub, &["--batch", "archive"]);
        assert_eq!(only.len(), 1);
        let id = done["runId"].as_str().unwrap();
        assert_eq!((&only[0]["runId"], &only[0]["folders"]), (&json!(id), &json!(1)));
        let shown = hub.run(&["hubee", "report", "show", id, "--json"]).succeeded();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["items"], json!([{ "folderId": sent.id() }]), "{shown}");
        assert!(shown["endedAt"].is_string() && shown["fault"].is_null(), "{shown}");
        let text = hub.run(&["hubee", "report", "show", id]).succeeded();
        assert!(text.contains(sent.id()), "{text}");
        let unknown = "019abcde-0000-7000-8000-000000000000";
        hub.run(&["hubee", "report", "show", unknown]).failed_with(2);
        hub.run(&["hubee", "report", "list", "--batch", "autre"]).failed_with(2);
        let entry = hub.sql("SELECT detail FROM journal WHERE kind = 'hub.batch' AND detail LIKE '%archive%'");
        assert!(entry.contains(id), "the journal names who ran it: {entry}");
    }

    /// R52, R62: a subscription whose day has come becomes active by command; the report names it.
    async fn a_subscription_becomes_active_on_its_day_and_the_report_names_it(kit) {
        // A worker would activate it within a minute.
        let hub = Hub::open(kit.without_worker()).await;
        let made = inactive_until(&hub, "2036-05-01T12:00:00+02:00").await;
        assert_eq!(run(&hub, "activate")["subscriptions"], 0);
        age(&hub, "hub_subscription", "activation_due_at", 3650);
        let would = rehearse(&hub, "activate");
        assert_eq!((&would["subscriptions"], &would["runId"]), (&json!(1), &Value::Null), "{would}");
        assert_eq!(status(&hub, &made).await, "Inactif");
        let report = run(&hub, "activate");
        assert_eq!(report["items"], json!([{ "subscriptionId": made["id"] }]), "{report}");
        assert_eq!(status(&hub, &made).await, "Actif");
    }

    /// R52: one that is made today for today does not wait for the next 00:01; what was activated is not reported again.
    async fn a_subscription_that_is_made_today_for_today_becomes_active_by_the_next_look(kit) {
        let hub = Hub::open(kit.without_worker()).await;
        run(&hub, "activate");
        let this_evening = last_time_of_day(crate::inside::now() + hours(24), 23, 59);
        let made = inactive_until(&hub, &this_evening.to_string()).await;
        assert_eq!(made["status"], "Inactif");
        let (ctx, _) = frozen(&hub, crate::inside::now()).await;
        for look in ["first", "second"] {
            daily::look(&ctx).await.unwrap();
            assert_eq!(runs(&hub), ["activate|2"], "{look} look");
            assert_eq!(status(&hub, &made).await, "Actif", "{look} look");
        }
        assert_eq!(listed(&hub, &[])[0]["subscriptions"], 1);
    }

    /// R60, R61: every batch runs once a day, at its hour of legal time, whoever looks how often.
    async fn every_batch_runs_once_a_day_at_its_hour(kit) {
        let gateway = kit.with_hub().set("hubee.batches_at", "\"03:30\"").set("hubee.digest_at", "\"07:00\"").stopped();
        let begin: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let (ctx, clock) = frozen(&gateway, begin).await;
        daily::look(&ctx).await.unwrap();
        assert_eq!(runs(&gateway), [""; 0], "it has seen no night yet");
        batches::run(&ctx, Batch::Activate, "essai").await.unwrap();
        let sequencer = crate::inside::id();
        navette::domain::journal::sequencer::Sequencer::new(ctx.store.clone(), clock.clone(), sequencer).run().await.unwrap();
        // 00:01, 03:30 and 07:00 of legal time, an hour ahead of UTC.
        let looks: [(i64, &[&str]); 5] = [
            (10, &["activate|1"]),
            (11, &["activate|1"]),
            (12, &["activate|2"]),
            (15, &["activate|2", "archive|1", "delete|1", "purge|1"]),
            (19, &["activate|2", "archive|1", "delete|1", "digest|1", "purge|1"]),
        ];
        for (after, expected) in looks {
            clock.set(begin + hours(after));
            for _ in 0..2 {
                daily::look(&ctx).await.unwrap();
            }
            assert_eq!(runs(&gateway), expected, "{after} hours after");
        }
        clock.set(begin + hours(43));
        daily::look(&ctx).await.unwrap();
        let twice = ["activate|3", "archive|2", "delete|2", "digest|2", "purge|2"];
        assert_eq!(runs(&gateway), twice);
    }

    /// A run that died is gone on with by the next look after its lease.
    async fn a_run_that_died_is_gone_on_with(kit) {
        let hub = Hub::open(kit).await;
        closed(&hub, "DGS-R62-2").await;
        age(&hub, "hub_folder", "closed_at", 2);
        let Hub { mut gateway, .. } = hub;
        assert!(gateway.stop().success());
        let (ctx, clock) = frozen(&gateway, crate::inside::now() + hours(1)).await;
        let id = gateway.id(&crate::inside::id().to_string());
        let no = if gateway.database().is_some() { "false" } else { "0" };
        gateway.sql(&format!(
            "INSERT INTO hub_report (id, environment, batch, dry_run, run_by, started_at, body) \
             VALUES ({id}, 'essai', 'archive', {no}, 'navette', {}, '{{}}'); SELECT 1",
            clock.now_micros()
        ));
        daily::look(&ctx).await.unwrap();
        let archived = "SELECT count(*) FROM hub_folder WHERE status = 'ARCHIVED'";
        assert_eq!(gateway.count(archived), 1);
    }
}
