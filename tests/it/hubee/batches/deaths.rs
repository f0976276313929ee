//! A batch killed at each of its steps: whole folders are done or not, and the next run does the rest. No worker runs beside:
//! it would remove within a minute what a dead run has queued.

use super::{age, closed, give_lease_back, moved, nothing_is_left, run};
use crate::{
    both_engines,
    kit::{gateway::Gateway, hubee::hub::Hub},
};

#[track_caller]
fn killed(gateway: &Gateway, batch: &str, point: &str) {
    gateway.run_until_death(&["hubee", batch], point);
    // What a dead process holds would come back by itself, in a minute.
    give_lease_back(gateway);
    gateway.doctor();
}

both_engines! {
    /// R60: contents are destroyed or not, and their rows say which.
    async fn a_purge_that_is_killed_leaves_nothing_half_done(kit) {
        let hub = Hub::open(kit.without_worker()).await;
        for point in ["hub-purge.before-commit", "hub-purge.after-commit"] {
            let sent = hub.send(&format!("DGS-{point}")).await;
            moved(&hub.si, &sent, 0, "DONE").await;
            age(&hub, "hub_case_attachment", "delete_at", 3);
            killed(&hub, "purge", point);
            run(&hub, "purge");
            let left = "SELECT count(*) FROM hub_attachment WHERE status <> 'DELETED'";
            assert_eq!(hub.count(left), 0, "{point}");
        }
        assert!(hub.blobs().is_empty());
        hub.doctor();
    }

    /// R61: a folder is closed or archived, and its contents there or queued to go.
    async fn an_archiving_that_is_killed_leaves_nothing_half_done(kit) {
        let hub = Hub::open(kit.without_worker()).await;
        for point in ["hub-archive.before-commit", "hub-archive.after-commit"] {
            closed(&hub, &format!("DGS-{point}")).await;
            age(&hub, "hub_folder", "closed_at", 2);
            killed(&hub, "archive", point);
            run(&hub, "archive");
            let left = "SELECT count(*) FROM hub_folder WHERE status <> 'ARCHIVED'";
            assert_eq!(hub.count(left), 0, "{point}");
        }
        assert!(hub.blobs().is_empty());
        hub.doctor();
    }

    /// R61: a folder is there or gone; what a deletion that died has left goes with the next.
    async fn a_deletion_that_is_killed_leaves_nothing_half_done(kit) {
        let hub = Hub::open(kit.without_worker()).await;
        let points = ["hub-delete.before-commit", "hub-delete.after-commit", "purge.after-unlink", "hub-delete.before-burial"];
        for (number, point) in points.into_iter().enumerate() {
            closed(&hub, &format!("DGS-{number}")).await;
            age(&hub, "hub_folder", "closed_at", 2);
            // Killed here, archiving leaves its contents to the deletion.
            killed(&hub, "archive", "hub-archive.after-commit");
            age(&hub, "hub_folder", "archived_at", 31);
            killed(&hub, "delete", point);
            run(&hub, "delete");
            nothing_is_left(&hub);
        }
        assert_eq!(hub.count("SELECT sum(folders) FROM hub_counter"), points.len() as u64, "each counted once");
        hub.doctor();
    }
}
