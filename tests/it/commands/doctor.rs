//! The inspection itself: what it says of a sound house, and that it changes nothing.

use std::{collections::BTreeMap, fs, path::Path};

use super::{sent, wait_for_status};
use crate::{both_engines, kit::pki::pki};

/// Every file below a folder and its digest, but for what SQLite keeps beside its file while it is open.
fn photograph(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut seen = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.path().display().to_string());
        if path.is_dir() {
            seen.insert(name, Vec::new());
            seen.extend(photograph(&path));
        } else if !name.ends_with("-wal") && !name.ends_with("-shm") {
            let bytes = fs::read(&path).expect("a file");
            seen.insert(
                name,
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes)
                    .as_ref()
                    .to_vec(),
            );
        }
    }
    seen
}

both_engines! {
    /// A house in which pieces came in and went out agrees with itself, while it runs and when it is stopped.
    async fn a_sound_house_shows_no_difference_running_or_stopped(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        for dossier in ["D-1", "D-2", "D-3"] {
            sent(&client, dossier).await;
        }
        gateway.doctor();
        wait_for_status(&gateway, "acknowledged", 3);
        gateway.stop();
        let report = gateway.run(&["doctor", "--json"]).succeeded();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!((&report["exchanges"], &report["documents"]), (&3.into(), &3.into()), "{report}");
        assert!(report["entries"].as_u64() >= Some(12), "{report}");
    }

    /// The inspection leaves every file as it is.
    async fn an_inspection_changes_nothing(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        sent(&client, "D-1").await;
        wait_for_status(&gateway, "acknowledged", 1);
        gateway.stop();
        let data = gateway.dir().join("data");
        let before = photograph(&data);
        gateway.doctor();
        assert_eq!(photograph(&data), before);
    }

    /// A gateway that was never started has no database: the inspection says so, and makes none.
    async fn an_inspection_makes_no_database(kit) {
        kit.write();
        let said = kit.run(&["doctor"]).failed_with(3);
        assert!(said.contains("navette migrate"), "{said}");
        assert!(!fs::exists(kit.dir().join("data")).unwrap());
    }

    /// With another master key nothing opens, and the inspection says which.
    async fn a_wrong_master_key_is_told(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let id = sent(&client, "D-1").await;
        wait_for_status(&gateway, "acknowledged", 1);
        gateway.stop();
        let settings = gateway.dir().join("navette.toml");
        let other = gateway.dir().join("other.key");
        fs::write(&other, "5a".repeat(32)).unwrap();
        let text = fs::read_to_string(&settings).unwrap();
        let (old, new) = (pki().master_key.display().to_string(), other.display().to_string());
        fs::write(&settings, text.replace(&old, &new)).unwrap();
        let differences = gateway.differences();
        assert!(differences.contains(&("key-lost".to_owned(), id)), "{differences:?}");
    }
}
