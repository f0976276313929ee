//! A purge, a backup and a restoration killed at each of their steps.

use std::fs;

use serde_json::{Value, json};

use super::{
    AGED_DAYS, SOON, acknowledged, age, await_status, backup::Copy, marks::files, purge, sent,
};
use crate::{
    both_engines,
    kit::{
        gateway::{Gateway, Kit, REASON},
        wait,
    },
};

/// The points of a purge, in their order.
const PURGE: [&str; 5] = [
    "purge.before-commit",
    "purge.after-commit",
    "purge.after-unlink",
    "purge.before-key",
    "purge.after-key",
];

/// What a dead process holds would come back by itself, in a minute.
pub fn take_lease_away(gateway: &Gateway) {
    gateway.sql("DELETE FROM lease WHERE name = 'purge'; SELECT 1");
}

/// Makes today's key that of a day long gone, so that the next purge may destroy it.
fn age_day_key(gateway: &Gateway, number: usize) {
    gateway.sql(&format!(
        "UPDATE project_key SET purpose = 'day/1900{number}' WHERE purpose LIKE 'day/2%'; SELECT 1"
    ));
}

both_engines! {
    /// Whole exchanges are purged or not, nothing is left behind, and the next purge does the rest.
    async fn a_purge_that_is_killed_leaves_nothing_half_done(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 3).await;
        for (number, point) in PURGE.into_iter().enumerate() {
            sent(&client, &format!("D-mort-{number}")).await;
            let left = "SELECT count(*) FROM exchange WHERE status IN ('received', 'returned')";
            wait::until("acknowledgment", SOON, || (gateway.count(left) == 0).then_some(()));
            gateway.await_idle();
            assert!(gateway.stop().success(), "before {point}");
            age(&gateway, AGED_DAYS, &[]);
            age_day_key(&gateway, number);
            gateway.run_until_death(&["purge", "--reason", REASON], point);
            take_lease_away(&gateway);
            gateway.restart();
            let queued = "SELECT count(*) FROM blob_removal";
            wait::until("removal of blobs", SOON, || (gateway.count(queued) == 0).then_some(()));
            gateway.await_idle();
            gateway.doctor();
            let kept = gateway.count("SELECT count(*) FROM exchange WHERE status <> 'purged'");
            assert_eq!(gateway.blobs().len() as u64, kept, "{point}");
            assert_eq!(purge(&gateway)["exchanges"], json!(kept), "{point}");
            gateway.await_idle();
            gateway.doctor();
        }
        let exchanges = gateway.count("SELECT count(*) FROM exchange");
        await_status(&gateway, "purged", exchanges);
        let entries = gateway.count("SELECT count(*) FROM journal WHERE kind = 'exchange.purged'");
        assert_eq!(entries, exchanges, "each exactly once");
        assert!(gateway.blobs().is_empty());
    }

    /// The next purge gives it its end, and the journal who ordered it and why.
    async fn a_purge_that_was_killed_has_its_end_once_the_next_one_begins(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        gateway.await_idle();
        assert!(gateway.stop().success());
        age(&gateway, AGED_DAYS, &[]);
        gateway.run_until_death(&["purge", "--reason", "la première"], "purge.before-commit");
        take_lease_away(&gateway);
        gateway.run(&["purge", "--reason", "la seconde"]).succeeded();
        let runs = gateway.sql("SELECT reason, fault FROM purge_run WHERE ended_at IS NOT NULL ORDER BY started_at");
        assert_eq!(runs, "la première|interrupted\nla seconde|");
        let entries = gateway.sql("SELECT detail FROM journal WHERE kind = 'purge.run' ORDER BY id");
        let entries: Vec<Value> = entries.lines().map(|entry| serde_json::from_str(entry).unwrap()).collect();
        let told = |entry: &Value| (entry["reason"].clone(), entry["fault"].clone(), entry["operator"].is_string());
        let all: Vec<_> = entries.iter().map(told).collect();
        let interrupted = ("la première".into(), "interrupted".into(), true);
        assert_eq!(all, [interrupted, ("la seconde".into(), Value::Null, true)]);
    }

    /// A backup that died is none; the next one is.
    async fn a_backup_that_is_killed_is_no_backup(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        for (number, point) in ["backup.after-rows", "backup.before-seal"].into_iter().enumerate() {
            let copy = Copy::at(&gateway, &format!("copie-{number}"));
            gateway.run_until_death(&["backup", copy.path()], point);
            take_lease_away(&gateway);
            let empty = Kit::new(engine_of(&gateway)).stopped();
            empty.run(&["restore", copy.path(), "--reason", REASON]).failed_with(2);
            gateway.run(&["backup", copy.path()]).failed_with(2);
        }
        let copy = Copy::at(&gateway, "copie");
        gateway.run(&["backup", copy.path()]).succeeded();
        gateway.doctor();
    }

    /// A restoration that died serves nothing, and begins again.
    async fn a_restoration_that_is_killed_serves_nothing_until_it_was_done_again(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        let copy = Copy::at(&gateway, "copie");
        gateway.run(&["backup", copy.path()]).succeeded();
        let restored = Kit::new(engine_of(&gateway)).stopped();
        for point in ["restore.after-rows", "restore.before-replay"] {
            restored.run_until_death(&["restore", copy.path(), "--reason", REASON], point);
            let said = restored.run(&["serve"]).failed_with(3);
            assert!(said.contains("navette restore"), "{said}");
        }
        restored.run(&["restore", copy.path(), "--reason", REASON]).succeeded();
        restored.doctor();
        assert_eq!(restored.count("SELECT count(*) FROM exchange"), ids.len() as u64);
    }

    /// Half a key, as a machine that dies leaves it, is no key: the second try puts it right.
    async fn a_key_of_which_a_restoration_left_half_is_whole_after_the_next(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        let copy = Copy::at(&gateway, "copie");
        gateway.run(&["backup", copy.path()]).succeeded();
        let restored = Kit::new(engine_of(&gateway)).stopped();
        restored.run_until_death(&["restore", copy.path(), "--reason", REASON], "restore.before-replay");
        let keys = files(&restored.dir().join("data/keys"));
        let [key] = &keys[..] else { panic!("one day, one key: {keys:?}") };
        let whole = fs::read(key).unwrap();
        fs::write(key, &whole[..whole.len() / 2]).unwrap();
        fs::write(key.with_extension("part"), &whole[..1]).unwrap();
        restored.run(&["restore", copy.path(), "--reason", REASON]).succeeded();
        assert_eq!(fs::read(key).unwrap(), whole);
        assert_eq!(files(&restored.dir().join("data/keys")), keys, "nothing half is left");
        restored.doctor();
    }
}

/// The engine of a gateway.
pub fn engine_of(gateway: &Gateway) -> crate::kit::gateway::Engine {
    match gateway.database() {
        Some(_) => crate::kit::gateway::Engine::Postgres,
        None => crate::kit::gateway::Engine::Sqlite,
    }
}
