//! What destroys for good runs beside no purge and no backup, and by no clock that cannot be believed.

use navette::{
    domain::hubee::batches::{self, Batch},
    kernel::fault::Code,
};
use serde_json::{Value, json};

use super::{age, archived, closed, give_lease_back, moved, rehearse, run, take_lease};
use crate::{
    both_engines, inside,
    kit::hubee::{hub::Hub, sent::Sent},
    retention::clock::{frozen, hours},
};

/// The batches that destroy, each with what it counts.
const DESTROYING: [(Batch, &str); 3] = [
    (Batch::Purge, "attachments"),
    (Batch::Archive, "folders"),
    (Batch::Delete, "folders"),
];

/// One folder that is due for each of them.
async fn due(hub: &Hub) -> [Sent; 3] {
    let old = archived(hub, "DGS-DELETE").await;
    let over = closed(hub, "DGS-ARCHIVE").await;
    let read = hub.send("DGS-PURGE").await;
    moved(&hub.si, &read, 0, "DONE").await;
    age(hub, "hub_folder", "closed_at", 2);
    age(hub, "hub_folder", "archived_at", 31);
    age(hub, "hub_case_attachment", "delete_at", 3);
    [read, over, old]
}

/// Fails unless each of them is as it was.
async fn all_is_there(hub: &Hub, [read, over, old]: &[Sent; 3]) {
    hub.si.get(&read.case_file_path(0, 0)).await.of(200);
    hub.si.get(&over.case_file_path(0, 0)).await.of(200);
    let over = hub.osl.get(&over.path()).await.of(200).json();
    assert_eq!(over["globalStatus"], "CLOSED");
    hub.osl.get(&old.path()).await.of(200);
    for (batch, counted) in DESTROYING {
        assert_eq!(rehearse(hub, batch.as_str())[counted], 1, "{batch:?}");
    }
    hub.doctor();
}

/// Fails unless each batch does now what it was kept from.
fn all_goes(hub: &Hub) {
    for (batch, counted) in DESTROYING {
        assert_eq!(run(hub, batch.as_str())[counted], 1, "{batch:?}");
    }
    assert!(hub.blobs().is_empty());
    hub.doctor();
}

/// The reports that are kept.
fn reports(hub: &Hub) -> Value {
    let said = hub.run(&["hubee", "report", "list", "--json"]);
    serde_json::from_str(&said.succeeded()).expect("JSON was asked for")
}

both_engines! {
    /// R60, R61: while a purge runs or a backup is made, nothing is destroyed; the operator is told why, and no run is reported.
    async fn nothing_is_destroyed_while_another_holds_the_lease_of_purges(kit) {
        let hub = Hub::open(kit.without_worker()).await;
        let all = due(&hub).await;
        let before = reports(&hub);
        take_lease(&hub);
        for (batch, _) in DESTROYING {
            let said = hub.run(&["hubee", batch.as_str()]).failed_with(4);
            assert!(said.contains("another purge, or a backup, is running"), "{said}");
        }
        assert_eq!(reports(&hub), before);
        all_is_there(&hub, &all).await;
        give_lease_back(&hub);
        all_goes(&hub);
    }

    /// R60, R61: nor by a clock that went two days ahead since the house last saw it.
    async fn nothing_is_destroyed_by_a_clock_that_is_not_believed(kit) {
        let hub = Hub::open(kit.without_worker()).await;
        let all = due(&hub).await;
        let before = reports(&hub);
        let (ctx, _) = frozen(&hub, inside::now() + hours(48)).await;
        for (batch, _) in DESTROYING {
            let refused = batches::run(&ctx, batch, "essai").await.unwrap_err();
            assert_eq!(refused.code(), Code::ClockUntrusted, "{batch:?}");
        }
        assert_eq!(reports(&hub), before);
        assert_eq!(hub.count("SELECT count(*) FROM hub_folder WHERE status = 'ARCHIVED'"), 1);
        assert_ne!(before, json!([]), "the house has seen the clock");
        all_is_there(&hub, &all).await;
        all_goes(&hub);
    }
}
