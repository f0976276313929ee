//! The keys of days: what lives longer than a month moves under a later day's, so that its own day's can be destroyed for all
//! that was deleted meanwhile.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    both_engines,
    kit::{
        document,
        faketime::FakeClock,
        gateway::{Gateway, REASON},
        hubee::hub::Hub,
        process,
    },
    retention::marks::files,
};

/// The files of the days' keys.
fn day_keys(gateway: &Gateway) -> BTreeSet<std::path::PathBuf> {
    files(&gateway.dir().join("data/keys"))
        .into_iter()
        .collect()
}

/// The nightly purge, as it runs when its clock shows so much later.
#[track_caller]
fn purged(gateway: &Gateway, later: &str) -> Value {
    let clock = FakeClock::beside(&gateway.dir().join("later"));
    clock.set(later);
    let order = ["purge", "--reason", REASON, "--confirm-clock", "--json"];
    let mut command = gateway.prepared(&order);
    command.envs(clock.environment());
    let said = process::run(&command, 60).succeeded();
    serde_json::from_str(&said).expect("JSON was asked for")
}

both_engines! {
    /// A folder that its process keeps for longer than a month is wrapped anew by a night's purge, under that day's key; the old
    /// key is destroyed, which opens no backup's copy of what is gone any more; nothing of the folder is lost.
    async fn what_lives_longer_than_a_month_moves_under_a_later_days_key(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-CLE-1").await;
        hub.await_idle();
        let before = day_keys(&hub);
        assert_eq!(before.len(), 1, "{before:?}");
        let keys = "SELECT DISTINCT key_id FROM exchange UNION SELECT DISTINCT key_id FROM document";
        let under = hub.sql(keys);
        assert_eq!(purged(&hub, "+25d")["keysDestroyed"], 0, "it is not a month old");
        assert_eq!(hub.sql(keys), under);
        assert_eq!(purged(&hub, "+34d")["keysDestroyed"], 1);
        let after = day_keys(&hub);
        assert!(after.is_disjoint(&before) && !after.is_empty(), "{after:?}");
        let moved = hub.sql(keys);
        assert!(moved != under && moved.lines().count() == 1, "{moved}");
        let case = hub.si.get(&sent.case_path(0)).await.of(200).json();
        assert_eq!((&case["applicant"]["lastName"], &case["attachments"][0]["status"]), (&json!("Essai"), &json!("RECEIVED")));
        let file = hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        assert!(file.body == document::small("DGS-CLE-1"), "other bytes");
        assert_eq!(purged(&hub, "+35d")["keysDestroyed"], 0, "nothing is left to move");
        hub.doctor();
    }
}
