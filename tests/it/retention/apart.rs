//! Daily keys that are kept apart: what was purged is unreadable in every backup, whoever has the master key.

use std::fs;

use jiff::SignedDuration;
use navette::{
    domain::ged::Keyring,
    kernel::{clock::Clock, fault::Code},
};
use serde_json::{Value, json};

use super::{
    AGED_DAYS, acknowledged, age, backup::Copy, deaths::engine_of, holds::hold, purge, status,
};
use crate::{
    both_engines,
    kit::{
        client::Client,
        gateway::{Gateway, Kit, PROJECT, REASON},
        pki::pki,
    },
};

/// Makes the day of everything so far another: its keys may be destroyed with its last exchange.
fn end_the_day(gateway: &Gateway, days_ago: u32) {
    let today =
        gateway.sql("SELECT substr(purpose, 5) FROM project_key WHERE purpose LIKE 'day/2%'");
    let then = today.parse::<u32>().expect("a day's number") - days_ago;
    gateway.sql(&format!(
        "UPDATE project_key SET purpose = 'day/{then}' WHERE purpose = 'day/{today}'; SELECT 1"
    ));
}

fn keys(folder: &std::path::Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// A gateway that is stopped, with two acknowledged pieces of two days: one long over its term, one of today.
async fn two_days(kit: Kit) -> (Gateway, String, String) {
    let mut gateway = kit.start();
    let credentials = gateway.register("application", &["pieces:write", "pieces:read"]);
    let client = Client::with_token(&gateway, &pki().client, &credentials).await;
    let old = acknowledged(&gateway, &client, 1).await.remove(0);
    assert!(gateway.stop().success());
    end_the_day(&gateway, 10);
    gateway.restart();
    let client = Client::with_token(&gateway, &pki().client, &credentials).await;
    let new = super::sent(&client, "D-neuf").await;
    super::await_status(&gateway, "acknowledged", 2);
    gateway.await_idle();
    age(&gateway, AGED_DAYS, &[&old]);
    (gateway, old, new)
}

/// A restoration that does not find this key says so, and purges nothing.
#[track_caller]
fn is_missed(gateway: &Gateway, key: &str) {
    let apart = gateway.dir().join("cles");
    let name = apart.to_str().unwrap();
    let (copy, _) = Copy::at(gateway, "copie").made(gateway, &["--keys", name]);
    fs::remove_file(apart.join("keys").join(key)).unwrap();
    let house = Kit::new(engine_of(gateway)).stopped();
    let restore = ["restore", copy.path(), "--keys", name, "--reason", REASON];
    let said = house.run(&restore).failed_with(2);
    assert!(said.contains(key), "{said}");
    let purged = "SELECT count(*) FROM exchange WHERE purged_at IS NOT NULL";
    assert_eq!(house.count(purged), 0);
}

/// The name of the file of the key that an exchange's own is wrapped under.
fn key_of(gateway: &Gateway, id: &str) -> String {
    let id = gateway.id(id);
    let key = gateway.sql(&format!("SELECT key_id FROM exchange WHERE id = {id}"));
    format!("{}.key", key.to_lowercase().replace('-', ""))
}

/// Names and bytes of a folder's files, in order.
fn files(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let read = entries.map(|entry| {
        let name = entry.file_name().into_string().expect("an id");
        (name, fs::read(entry.path()).unwrap())
    });
    let mut files: Vec<_> = read.collect();
    files.sort();
    files
}

both_engines! {
    /// The key of a day goes with the last exchange of the day, not before, in the house and where it is kept apart.
    async fn the_key_of_a_day_goes_with_its_last_exchange(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        assert!(gateway.stop().success());
        let apart = gateway.dir().join("cles");
        let name = apart.to_str().unwrap();
        let (_, made) = Copy::at(&gateway, "copie-1").made(&gateway, &["--keys", name]);
        assert_eq!(made["keysInside"], false, "{made}");
        assert!(!gateway.dir().join("copie-1/keys").exists());
        let ours = gateway.dir().join("data/keys");
        assert_eq!((keys(&ours), keys(&apart.join("keys"))), (1, 1));
        end_the_day(&gateway, 10);
        age(&gateway, AGED_DAYS, &[&ids[0]]);
        assert_eq!(purge(&gateway)["keysDestroyed"], 0, "another exchange needs it");
        age(&gateway, AGED_DAYS, &[&ids[1]]);
        assert_eq!(purge(&gateway)["keysDestroyed"], 1);
        assert_eq!(keys(&ours), 0);
        Copy::at(&gateway, "copie-2").made(&gateway, &["--keys", name]);
        assert_eq!(keys(&apart.join("keys")), 0);
        gateway.doctor();
    }

    /// An older backup without the destroyed key restores what was kept, and nothing of what was purged: not even with the
    /// master key, and without any ledger.
    async fn an_older_backup_restores_nothing_that_was_purged(kit) {
        let mut gateway = kit.start();
        let credentials = gateway.register("application", &["pieces:write", "pieces:read"]);
        let client = Client::with_token(&gateway, &pki().client, &credentials).await;
        let gone = acknowledged(&gateway, &client, 2).await;
        assert!(gateway.stop().success());
        end_the_day(&gateway, 10);
        gateway.restart();
        let client = Client::with_token(&gateway, &pki().client, &credentials).await;
        let kept = super::sent(&client, "D-neuf").await;
        super::await_status(&gateway, "acknowledged", 3);
        gateway.await_idle();
        let apart = gateway.dir().join("cles");
        let name = apart.to_str().unwrap();
        age(&gateway, AGED_DAYS, &[&gone[0], &gone[1]]);
        let (copy, _) = Copy::at(&gateway, "copie").made(&gateway, &["--keys", name]);
        assert_eq!(keys(&apart.join("keys")), 2);
        let report = purge(&gateway);
        assert_eq!((&report["exchanges"], &report["keysDestroyed"]), (&2.into(), &1.into()), "{report}");
        Copy::at(&gateway, "copie-2").made(&gateway, &["--keys", name]);
        fs::remove_dir_all(apart.join("purges")).unwrap();
        let (mut house, said) = copy.restored(&gateway, &["--keys", name]);
        assert_eq!(said["purgedAgain"], 2, "{said}");
        house.doctor();
        house.restart();
        let again = Client::with_token(&house, &pki().client, &credentials).await;
        assert_eq!(status(&again, &gone[0]).await, "purged");
        assert_eq!(again.get(&format!("/v1/pieces/{kept}/content")).await.status, 200);
    }

    /// What is held long after its term does not keep the key of its day: it moves under another, stays readable, and goes
    /// once it may.
    async fn what_is_held_for_long_does_not_keep_the_key_of_its_day(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let ids = acknowledged(&gateway, &client, 2).await;
        assert!(gateway.stop().success());
        end_the_day(&gateway, 200);
        age(&gateway, AGED_DAYS, &[]);
        hold(&gateway, "add", "D-0");
        let report = purge(&gateway);
        assert_eq!((&report["exchanges"], &report["keysDestroyed"]), (&1.into(), &1.into()), "{report}");
        gateway.doctor();
        gateway.restart();
        let content = client.get(&format!("/v1/pieces/{}/content", ids[0])).await;
        assert!(content.body == crate::kit::document::small("D-0"));
        hold(&gateway, "remove", "D-0");
        assert_eq!(purge(&gateway)["exchanges"], 1);
        gateway.doctor();
    }

    /// A file that went astray is no key that a purge destroyed: what it opens is told, and nothing is purged, unless its term is
    /// over and nobody holds it.
    async fn a_key_that_went_astray_is_told_before_anything_is_purged(kit) {
        let (gateway, old, new) = two_days(kit).await;
        hold(&gateway, "add", "D-0");
        let apart = gateway.dir().join("cles");
        let name = apart.to_str().unwrap();
        let (copy, _) = Copy::at(&gateway, "copie").made(&gateway, &["--keys", name]);
        let restore = ["restore", copy.path(), "--keys", name, "--reason", REASON, "--json"];
        for id in [&old, &new] {
            let house = Kit::new(engine_of(&gateway)).stopped();
            let key = apart.join("keys").join(key_of(&gateway, id));
            let bytes = fs::read(&key).unwrap();
            fs::remove_file(&key).unwrap();
            let said = house.run(&restore).failed_with(2);
            let file = key_of(&gateway, id);
            assert!(said.contains(&file) && said.contains("--without-missing-keys"), "{said}");
            assert_eq!(house.count("SELECT count(*) FROM exchange WHERE purged_at IS NOT NULL"), 0);
            house.run(&["serve"]).failed_with(3);
            fs::write(&key, bytes).unwrap();
            let said: Value = serde_json::from_str(&house.run(&restore).succeeded()).unwrap();
            assert_eq!(said["purgedAgain"], 0, "{said}");
            house.doctor();
        }
        fs::remove_file(apart.join("keys").join(key_of(&gateway, &new))).unwrap();
        let (house, said) = copy.restored(&gateway, &["--keys", name, "--without-missing-keys"]);
        assert_eq!(said["purgedAgain"], 1, "{said}");
        let entry = house.sql("SELECT detail FROM journal WHERE kind = 'backup.restored'");
        let entry: Value = serde_json::from_str(&entry).unwrap();
        assert_eq!(entry["withoutMissingKeys"], true, "{entry}");
        house.doctor();
    }

    /// A key may open no exchange, and a file of one all the same: it came on another day.
    async fn a_key_that_opens_files_alone_is_missed(kit) {
        let (gateway, old, new) = two_days(kit).await;
        let (astray, old, new) = (key_of(&gateway, &new), gateway.id(&old), gateway.id(&new));
        let other = format!("(SELECT key_id FROM exchange WHERE id = {old})");
        gateway.sql(&format!("UPDATE exchange SET key_id = {other} WHERE id = {new}; SELECT 1"));
        is_missed(&gateway, &astray);
    }

    /// What is over its term and works still wait for is not what a purge would have taken.
    async fn the_key_of_what_a_purge_would_have_kept_is_missed(kit) {
        let (gateway, old, _) = two_days(kit).await;
        gateway.sql("UPDATE exchange_return SET state = 'pending'; SELECT 1");
        is_missed(&gateway, &key_of(&gateway, &old));
    }

    /// A house that was not filled from the backups yet, or another one, has none of the keys: its own nightly backup leaves
    /// them, and says which.
    async fn a_backup_of_another_house_leaves_the_keys_that_it_does_not_know(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        let apart = gateway.dir().join("cles");
        let name = apart.to_str().unwrap();
        let (copy, made) = Copy::at(&gateway, "copie").made(&gateway, &["--keys", name]);
        assert_eq!(made["unknownKeys"], json!([]), "{made}");
        let kept = files(&apart.join("keys"));
        let stranger = Kit::new(engine_of(&gateway)).stopped();
        let (_, made) = Copy::at(&stranger, "copie").made(&stranger, &["--keys", name]);
        assert_eq!(files(&apart.join("keys")), kept);
        let file = kept[0].0.as_str();
        assert_eq!((&made["keys"], &made["unknownKeys"]), (&json!(0), &json!([file])), "{made}");
        let again = stranger.dir().join("copie-2");
        let said = stranger.run(&["backup", again.to_str().unwrap(), "--keys", name]).succeeded();
        assert!(said.contains(file) && said.contains("left alone"), "{said}");
        let (house, _) = copy.restored(&gateway, &["--keys", name]);
        house.doctor();
    }

    /// A key that was lost in the house, and not destroyed by it, is not taken from where it is kept.
    async fn a_key_that_the_house_has_lost_is_kept_apart(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        let apart = gateway.dir().join("cles");
        let name = apart.to_str().unwrap();
        Copy::at(&gateway, "copie-1").made(&gateway, &["--keys", name]);
        let kept = files(&apart.join("keys"));
        fs::remove_dir_all(gateway.dir().join("data/keys")).unwrap();
        let (_, made) = Copy::at(&gateway, "copie-2").made(&gateway, &["--keys", name]);
        assert_eq!(files(&apart.join("keys")), kept);
        assert_eq!(made["unknownKeys"], json!([kept[0].0]), "{made}");
    }

    /// A process that only serves hears nothing of a key that another one destroys: it forgets with each new day.
    async fn what_was_opened_is_forgotten_with_each_new_day(kit) {
        let gateway = kit.stopped();
        let ctx = crate::inside::house(&gateway).await.ctx;
        let clock = Clock::frozen(ctx.clock.now());
        let data = gateway.dir().join("data");
        let (store, entropy) = (ctx.store.clone(), ctx.entropy);
        let keyring = Keyring::open(&pki().master_key, &data, store, clock.clone(), entropy).unwrap();
        let yesterdays = keyring.project(PROJECT).await.unwrap().id;
        fs::remove_dir_all(data.join("keys")).unwrap();
        assert!(keyring.epochs().open(yesterdays).is_ok(), "it is in memory");
        clock.set(clock.now() + SignedDuration::from_hours(24));
        keyring.held(PROJECT).await.unwrap().unwrap();
        let gone = keyring.epochs().open(yesterdays).err().map(|fault| fault.code());
        assert_eq!(gone, Some(Code::Corrupt));
        assert_ne!(keyring.project(PROJECT).await.unwrap().id, yesterdays);
    }

    /// Without its keys a backup is of no use, and that is told before anything is served.
    async fn a_backup_whose_keys_are_apart_asks_for_them(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        acknowledged(&gateway, &client, 1).await;
        let apart = gateway.dir().join("cles");
        let (copy, _) = Copy::at(&gateway, "copie").made(&gateway, &["--keys", apart.to_str().unwrap()]);
        let house = Kit::new(engine_of(&gateway)).stopped();
        let said = house.run(&["restore", copy.path(), "--reason", REASON]).failed_with(2);
        assert!(said.contains("--keys"), "{said}");
        house.run(&["serve"]).failed_with(3);
        house.run(&["restore", copy.path(), "--keys", apart.to_str().unwrap(), "--reason", REASON]).succeeded();
        house.doctor();
    }
}
