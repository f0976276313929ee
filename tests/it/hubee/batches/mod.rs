//! The batches of each day (R60 to R62): what goes, what stays and why, by command and by the clock.
//!
//! | file | what it tries |
//! |---|---|
//! | `purge` | contents that no recipient needs any more (R60) |
//! | `archive` | closed folders (R61) |
//! | `delete` | archived folders, and what is left of them (R61) |
//! | `reports` | what a run says of itself (R62), and the runs by the clock |
//! | `refused` | runs beside a purge or a backup, and by a clock that is not believed |
//! | `deaths` | a batch killed at each of its steps |
//! | `keys` | the keys of days, under which what lives long moves |
//! | `marks` | the bytes that must be gone, looked for in every file |
//! | `restored` | what a backup brings back, and what it must not |

mod archive;
mod deaths;
mod delete;
mod keys;
mod marks;
mod purge;
mod refused;
mod reports;
mod restored;

use serde_json::{Value, json};

use crate::kit::{
    gateway::Gateway,
    hubee::{FOLDERS, caller::Caller, hub::Hub, sent::Sent},
    token::now,
};

const DAY_MICROS: i64 = 86_400_000_000;

/// Runs a batch and gives its report.
#[track_caller]
pub(in crate::hubee) fn run(gateway: &Gateway, batch: &str) -> Value {
    let said = gateway.run(&["hubee", batch, "--json"]).succeeded();
    serde_json::from_str(&said).expect("JSON was asked for")
}

/// What a batch would do now.
#[track_caller]
fn rehearse(gateway: &Gateway, batch: &str) -> Value {
    let said = gateway.run(&["hubee", batch, "--dry-run", "--json"]);
    serde_json::from_str(&said.succeeded()).expect("JSON was asked for")
}

/// Dates a column back by so many days.
pub(in crate::hubee) fn age(gateway: &Gateway, table: &str, column: &str, days: i64) {
    let micros = days * DAY_MICROS;
    gateway.sql(&format!(
        "UPDATE {table} SET {column} = {column} - {micros} WHERE {column} IS NOT NULL; SELECT 1"
    ));
}

/// Somebody holds the lease of purges for an hour, as a backup does while it copies blobs.
pub(in crate::hubee) fn take_lease(gateway: &Gateway) {
    let until = (now() + 3600) * 1_000_000;
    let token = gateway.id("01890a5d-ac96-774b-bcce-b302099a8057");
    gateway.sql(&format!(
        "INSERT INTO lease (name, token, until) VALUES ('purge', {token}, {until}); SELECT 1"
    ));
}

/// Nobody holds it any more.
pub(in crate::hubee) fn give_lease_back(gateway: &Gateway) {
    gateway.sql("DELETE FROM lease WHERE name = 'purge'; SELECT 1");
}

/// Moves a case, as `caller` may.
async fn moved(caller: &Caller, sent: &Sent, case: usize, status: &str) {
    let body = json!({ "status": status });
    caller.patch(&sent.case_path(case), &body).await.of(204);
}

/// A folder that was sent, and is closed with its case.
async fn closed(hub: &Hub, external: &str) -> Sent {
    let sent = hub.send(external).await;
    close(hub, &sent).await;
    sent
}

pub(in crate::hubee) async fn close(hub: &Hub, sent: &Sent) {
    moved(&hub.osl, sent, 0, "CLOSED").await;
    let body = json!({ "globalStatus": "CLOSED" });
    hub.osl.patch(&sent.path(), &body).await.of(204);
}

/// A folder that is archived.
async fn archived(hub: &Hub, external: &str) -> Sent {
    let sent = closed(hub, external).await;
    age(hub, "hub_folder", "closed_at", 2);
    assert_eq!(run(hub, "archive")["folders"], 1);
    sent
}

/// Fails unless nothing is left of the hub's folders but counts.
#[track_caller]
fn nothing_is_left(gateway: &Gateway) {
    for table in [
        "hub_folder",
        "hub_case",
        "hub_attachment",
        "hub_case_attachment",
        "hub_event",
        "hub_notification",
        "hub_mail",
        "exchange",
        "document",
        "blob_removal",
    ] {
        let left = gateway.count(&format!("SELECT count(*) FROM {table}"));
        assert_eq!(left, 0, "{table}");
    }
    assert!(gateway.blobs().is_empty());
}

/// Where the cases of a caller are listed for the portal.
fn at_portal() -> String {
    format!("{FOLDERS}/attachmentsIdsForPurge")
}
