//! Backups made while the gateway works, and their restoration into a new house.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::{AGED_DAYS, acknowledged, age, await_status, deaths::engine_of, purge, status};
use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        document,
        gateway::{Credentials, Gateway, Kit, REASON, damage},
        pki::pki,
    },
};

/// A folder for a backup, beside the gateway's data.
pub struct Copy(PathBuf);

impl Copy {
    /// One of that name, which is not there yet.
    pub fn at(gateway: &Gateway, name: &str) -> Self {
        Self(gateway.dir().join(name))
    }

    /// Its path, for a command.
    pub fn path(&self) -> &str {
        self.0.to_str().expect("scratch paths are text")
    }

    /// Makes it.
    #[track_caller]
    pub fn made(self, gateway: &Gateway, more: &[&str]) -> (Self, Value) {
        let arguments = [&["backup", self.path(), "--json"], more].concat();
        let said = gateway.run(&arguments).succeeded();
        (
            self,
            serde_json::from_str(&said).expect("JSON was asked for"),
        )
    }

    /// Restores it into a new house of the same engine; the house, not started, and what was said.
    #[track_caller]
    pub fn restored(&self, gateway: &Gateway, more: &[&str]) -> (Gateway, Value) {
        self.restored_as(gateway, |kit| kit, more)
    }

    /// The same into a house that is configured otherwise.
    #[track_caller]
    pub fn restored_as(
        &self,
        gateway: &Gateway,
        configured: impl FnOnce(Kit) -> Kit,
        more: &[&str],
    ) -> (Gateway, Value) {
        let house = configured(Kit::new(engine_of(gateway))).stopped();
        let arguments = ["restore", self.path(), "--reason", REASON, "--json"];
        let said = house.run(&[&arguments, more].concat()).succeeded();
        (
            house,
            serde_json::from_str(&said).expect("JSON was asked for"),
        )
    }
}

/// A gateway with an application whose credentials outlive it.
async fn known(kit: Kit) -> (Gateway, Credentials, Client) {
    let gateway = kit.start();
    let credentials = gateway.register("application", &["pieces:write", "pieces:read"]);
    let client = Client::with_token(&gateway, &pki().client, &credentials).await;
    (gateway, credentials, client)
}

both_engines! {
    /// The journal names who made it, and why.
    async fn a_backup_is_journalled_with_its_reason(kit) {
        let gateway = kit.start();
        Copy::at(&gateway, "copie").made(&gateway, &["--reason", "avant migration"]);
        let detail = gateway.sql("SELECT detail FROM journal WHERE kind = 'backup.made'");
        let detail: Value = serde_json::from_str(&detail).unwrap();
        assert_eq!(detail["reason"], "avant migration", "{detail}");
    }

    /// Every piece of the backup is in the restored house: content, metadata, receipt, return, trace, client; and it works on.
    async fn what_was_backed_up_is_served_again_by_a_new_house(kit) {
        let (gateway, credentials, client) = known(kit).await;
        let ids = acknowledged(&gateway, &client, 3).await;
        let (copy, made) = Copy::at(&gateway, "copie").made(&gateway, &[]);
        assert_eq!((&made["blobs"], &made["keysInside"], &made["missing"]), (&json!(3), &json!(true), &json!([])), "{made}");
        let (mut house, said) = copy.restored(&gateway, &[]);
        assert_eq!((&said["rows"], &said["purgedAgain"]), (&made["rows"], &json!(0)), "{said}");
        house.doctor();
        house.restart();
        let again = Client::with_token(&house, &pki().client, &credentials).await;
        for (number, id) in ids.iter().enumerate() {
            let path = format!("/v1/pieces/{id}");
            assert_eq!(again.get(&path).await.json(), client.get(&path).await.json());
            let content = again.get(&format!("{path}/content")).await;
            assert!(content.body == document::small(&format!("D-{number}")), "{id}: other bytes");
            for part in ["receipt", "return"] {
                let path = format!("{path}/{part}");
                assert_eq!(again.get(&path).await.json(), client.get(&path).await.json(), "{part}");
            }
        }
        let twice = again.push(&metadata("D-0"), document::small("D-0")).await;
        assert_eq!((twice.status, twice.reconciliation_id()), (200, ids[0].clone()));
        again.push(&metadata("D-9"), document::small("D-9")).await.reconciliation_id();
        await_status(&house, "acknowledged", 4);
        house.await_idle();
        house.doctor();
        let entry = house.sql("SELECT detail FROM journal WHERE kind = 'backup.restored'");
        let entry: Value = serde_json::from_str(&entry).unwrap();
        assert_eq!((&entry["reason"], &entry["sumsSha256"]), (&json!(REASON), &made["sumsSha256"]));
    }

    /// Taken in the middle of everything, a backup is one instant: the restored house agrees with itself, and brings every
    /// piece of that instant to its end.
    async fn a_backup_under_load_is_of_one_instant(kit) {
        let (gateway, _, client) = known(kit).await;
        let sending = tokio::spawn(async move {
            for number in 0..60 {
                let dossier = format!("D-{number}");
                client.push(&metadata(&dossier), document::small(&dossier)).await.reconciliation_id();
            }
        });
        crate::kit::wait::until("some pieces", super::SOON, || {
            (gateway.count("SELECT count(*) FROM exchange") > 10).then_some(())
        });
        let mut copies = Vec::new();
        for number in 0..3 {
            copies.push(Copy::at(&gateway, &format!("copie-{number}")).made(&gateway, &[]));
        }
        sending.await.unwrap();
        for (copy, made) in copies {
            let (mut house, _) = copy.restored(&gateway, &[]);
            house.doctor();
            house.restart();
            let all = house.count("SELECT count(*) FROM exchange");
            assert_eq!(made["blobs"], json!(all));
            await_status(&house, "acknowledged", all);
            house.await_idle();
            house.doctor();
        }
    }

    /// What was purged since the backup is purged again, by the ledger, before anything is served; the rest is there.
    async fn what_was_purged_since_the_backup_is_purged_again(kit) {
        let (gateway, credentials, client) = known(kit).await;
        let ids = acknowledged(&gateway, &client, 3).await;
        let (copy, _) = Copy::at(&gateway, "copie").made(&gateway, &[]);
        age(&gateway, AGED_DAYS, &[&ids[0], &ids[2]]);
        assert_eq!(purge(&gateway)["exchanges"], 2);
        let ledger = gateway.dir().join("data/purges");
        let (mut house, said) = copy.restored(&gateway, &["--purges", ledger.to_str().unwrap()]);
        assert_eq!(said["purgedAgain"], 2, "{said}");
        assert_eq!(house.blobs().len(), 1);
        house.doctor();
        house.restart();
        let again = Client::with_token(&house, &pki().client, &credentials).await;
        assert_eq!(status(&again, &ids[0]).await, "purged");
        again.get(&format!("/v1/pieces/{}/content", ids[2])).await.is_problem(410, "purged");
        assert_eq!(again.get(&format!("/v1/pieces/{}/content", ids[1])).await.status, 200);
        let anew = again.push(&metadata("D-0"), document::small("D-0")).await;
        assert_eq!(anew.status, 202, "its natural key went again, too");
    }

    /// One bit, one byte less, one file less: nothing is put back.
    async fn a_damaged_backup_is_refused_whole(kit) {
        let (gateway, _, client) = known(kit).await;
        acknowledged(&gateway, &client, 1).await;
        let (copy, _) = Copy::at(&gateway, "copie").made(&gateway, &[]);
        let folder = gateway.dir().join("copie");
        let listed = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
        let house = Kit::new(engine_of(&gateway)).stopped();
        for name in listed.lines().map(|line| &line[66..]) {
            let file = folder.join(name);
            let bytes = fs::read(&file).unwrap();
            if !bytes.is_empty() {
                damage(&file);
                let said = house.run(&["restore", copy.path(), "--reason", REASON]).failed_with(5);
                assert!(said.contains(name), "{said}");
            }
            fs::remove_file(&file).unwrap();
            house.run(&["restore", copy.path(), "--reason", REASON]).failed_with(5);
            fs::write(&file, bytes).unwrap();
        }
        assert!(!house.dir().join("data").exists(), "nothing was begun");
        house.run(&["restore", copy.path(), "--reason", REASON]).succeeded();
        house.doctor();
    }

    /// A list that was emptied or cut short still agrees with every file that it names: it is refused all the same.
    async fn a_hash_list_that_was_emptied_or_cut_short_is_refused(kit) {
        let (gateway, _, client) = known(kit).await;
        acknowledged(&gateway, &client, 1).await;
        let (copy, _) = Copy::at(&gateway, "copie").made(&gateway, &[]);
        let list = gateway.dir().join("copie/SHA256SUMS");
        let whole = fs::read_to_string(&list).unwrap();
        let house = Kit::new(engine_of(&gateway)).stopped();
        let without = |left_out: &str| {
            let kept = whole.lines().filter(|line| !line.contains(left_out));
            kept.map(|line| format!("{line}\n")).collect::<String>()
        };
        let last = whole.lines().last().unwrap().to_owned();
        let of_exchanges = without("rows/exchange.jsonl");
        for shortened in [String::new(), without(&last), without("blobs/"), without("keys/"), of_exchanges] {
            assert_ne!(shortened, whole);
            fs::write(&list, shortened).unwrap();
            let said = house.run(&["restore", copy.path(), "--reason", REASON]).failed_with(5);
            assert!(said.contains("SHA256SUMS"), "{said}");
        }
        fs::write(&list, whole).unwrap();
        house.run(&["restore", copy.path(), "--reason", REASON]).succeeded();
        house.doctor();
    }

    /// Of a house that was lost with its database, files may be left: what the backup has takes their place, whatever they hold.
    async fn a_blob_that_lies_there_already_is_that_of_the_backup_afterwards(kit) {
        let (gateway, _, client) = known(kit).await;
        acknowledged(&gateway, &client, 1).await;
        let (copy, _) = Copy::at(&gateway, "copie").made(&gateway, &[]);
        let blob = &gateway.blobs()[0];
        let house = Kit::new(engine_of(&gateway)).stopped();
        let left = house.dir().join(blob.strip_prefix(gateway.dir()).unwrap());
        fs::create_dir_all(left.parent().unwrap()).unwrap();
        fs::copy(blob, &left).unwrap();
        damage(&left);
        house.run(&["restore", copy.path(), "--reason", REASON]).succeeded();
        assert_eq!(fs::read(&left).unwrap(), fs::read(blob).unwrap());
        house.doctor();
    }

    /// A house that holds anything is not written over, and a backup takes an empty folder.
    async fn nothing_is_written_over(kit) {
        let (gateway, _, client) = known(kit).await;
        acknowledged(&gateway, &client, 1).await;
        let (copy, _) = Copy::at(&gateway, "copie").made(&gateway, &[]);
        let said = gateway.run(&["restore", copy.path(), "--reason", REASON]).failed_with(2);
        assert!(said.contains("not empty"), "{said}");
        gateway.run(&["backup", copy.path()]).failed_with(2);
        gateway.doctor();
        let said = gateway.run(&["restore", copy.path()]).failed_with(2);
        assert!(said.contains("--reason"), "{said}");
    }

    /// A blob that the store has lost is told; the rest is backed up all the same.
    async fn a_blob_that_is_missing_is_told_and_the_rest_is_kept(kit) {
        let (gateway, _, client) = known(kit).await;
        acknowledged(&gateway, &client, 2).await;
        fs::remove_file(&gateway.blobs()[0]).unwrap();
        let copy = Copy::at(&gateway, "copie");
        let said = gateway.run(&["backup", copy.path(), "--json"]);
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        let made: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!((made["missing"].as_array().unwrap().len(), &made["blobs"]), (1, &json!(1)), "{made}");
    }
}
