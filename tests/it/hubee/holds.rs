//! Legal holds before callers (R14, R17, R36): what would destroy a content is refused until the hold is lifted.

use navette::domain::ged::holds::{self, Signed};
use serde_json::json;

use crate::{
    both_engines, inside,
    kit::{
        document,
        hubee::{
            build::{self, File},
            hub::Hub,
            sent::Sent,
        },
    },
};

const HELD: &str = "Folder is on legal hold: nothing of it can be deleted or replaced";
/// How often a race is run.
const ROUNDS: usize = 8;

/// `navette hold add` or `remove` of a folder.
fn hold(hub: &Hub, verb: &str, external: &str) {
    let of = [external, "--project", "hubee", "--reason", "contentieux"];
    hub.run(&[&["hold", verb][..], &of].concat()).succeeded();
}

both_engines! {
    /// R17: a folder on hold is not withdrawn, whoever asks; once the hold is lifted, it is.
    async fn a_folder_on_hold_is_not_deleted_until_the_hold_is_lifted(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.create("DGS-GEL-1").await;
        sent.upload(&hub.osl).await;
        hold(&hub, "add", "DGS-GEL-1");
        for caller in [&hub.osl, &hub.admin] {
            caller.delete(&sent.path()).await.is_refused(400, HELD);
        }
        hub.other_osl.delete(&sent.path()).await.is_refused(403, "Unauthorized user");
        hub.osl.get(&sent.path()).await.of(200);
        assert_eq!(hub.blobs().len(), 1);
        hold(&hub, "remove", "DGS-GEL-1");
        hub.osl.delete(&sent.path()).await.of(204);
        hub.await_idle();
        hub.doctor();
    }

    /// R14: the file that is there stays, be the next one sound or not; what is still missing may come.
    async fn a_file_of_a_folder_on_hold_is_not_replaced(kit) {
        let hub = Hub::open(kit).await;
        let files = [File::pdf("premier"), File::pdf("attendu")];
        let sent = Sent::create(&hub.osl, &build::folder("DGS-GEL-2", &files), &files).await;
        hub.osl.upload(&sent.file_path(0), files[0].bytes.clone(), None).await.of(204);
        hold(&hub, "add", "DGS-GEL-2");
        hub.osl.upload(&sent.file_path(0), document::small("autre!!"), None).await.is_refused(400, HELD);
        hub.osl.upload(&sent.file_path(0), "trop court", None).await.is_refused(400, HELD);
        hub.osl.upload(&sent.file_path(1), files[1].bytes.clone(), None).await.of(204);
        assert_eq!(hub.blobs().len(), 2, "nothing of a refused upload is kept");
        sent.complete(&hub.osl).await;
        assert_eq!(hub.si.get(&sent.case_file_path(0, 0)).await.of(200).body, files[0].bytes);
        hub.await_idle();
        hub.doctor();
    }

    /// R36, R14: the same of an event that is not sent yet, and of its files.
    async fn a_deposit_on_hold_is_neither_withdrawn_nor_replaced_until_the_hold_is_lifted(kit) {
        let hub = Hub::open(kit).await;
        let sent = hub.send("DGS-GEL-3").await;
        let (events, file) = (format!("{}/events", sent.case_path(0)), File::pdf("complement"));
        let event = hub.si.post(&events, &build::deposit(std::slice::from_ref(&file))).await.of(201).json();
        let path = format!("{events}/{}", event["id"].as_str().unwrap());
        let upload = format!("{path}/attachments/{}", event["attachments"][0]["id"].as_str().unwrap());
        hub.si.upload(&upload, file.bytes.clone(), None).await.of(204);
        hold(&hub, "add", "DGS-GEL-3");
        hub.si.delete(&path).await.is_refused(400, HELD);
        hub.si.upload(&upload, file.bytes.clone(), None).await.is_refused(400, HELD);
        assert_eq!(hub.si.get(&path).await.of(200).json()["attachments"][0]["status"], json!("RECEIVED"));
        hold(&hub, "remove", "DGS-GEL-3");
        hub.si.upload(&upload, file.bytes.clone(), None).await.of(204);
        hub.si.delete(&path).await.of(204);
        assert_eq!(hub.blobs().len(), 1);
        hub.await_idle();
        hub.doctor();
    }

    /// R17: once who adds a hold is answered nothing of the folder goes any more: a withdrawal at the same moment is done before, or not.
    async fn a_hold_and_a_withdrawal_at_once_do_not_meet(kit) {
        let hub = Hub::open(kit).await;
        let house = inside::house(&hub).await;
        for number in 0..ROUNDS {
            let external = format!("DGS-GEL-4-{number}");
            let (sent, signed) = (hub.create(&external).await, Signed { by: "essai".to_owned(), reason: "contentieux".to_owned() });
            let path = sent.path();
            let (held, deleted) = tokio::join!(holds::add(&house.ctx, "hubee", &external, signed), hub.osl.delete(&path));
            match held.unwrap().exchanges {
                0 => drop(deleted.of(204)),
                _ => deleted.is_refused(400, HELD),
            }
        }
        hub.await_idle();
        hub.doctor();
    }
}
