//! The clients of the API: listed, and changed by somebody for a reason.

use serde_json::Value;

use crate::{
    both_engines,
    kit::gateway::{Engine, Kit, PROJECT},
};

both_engines! {
    /// Who may call is what an auditor asks about: each change is kept with who made it and why, and none is made without.
    async fn each_change_of_a_client_is_journalled_with_who_made_it_and_why(kit) {
        let gateway = kit.start();
        let changes: [(&str, &[&str]); 3] = [
            ("added", &["client", "add", "isis", "--projects", PROJECT, "--applications", "isis"]),
            ("rotated", &["client", "rotate", "isis"]),
            ("revoked", &["client", "revoke", "isis"]),
        ];
        for (change, command) in changes {
            gateway.run(command).failed_with(2);
            gateway.run(&[command, &["--reason", " "]].concat()).failed_with(2);
            gateway.run(&[command, &["--reason", &format!("essai {change}")]].concat()).succeeded();
        }
        let entries = gateway.sql("SELECT detail FROM journal WHERE kind = 'client.changed' ORDER BY id");
        let entries: Vec<Value> = entries.lines().map(|entry| serde_json::from_str(entry).unwrap()).collect();
        assert_eq!(entries.len(), 3, "{entries:?}");
        for (entry, (change, _)) in entries.iter().zip(changes) {
            assert_eq!((&entry["clientId"], &entry["change"]), (&"isis".into(), &change.into()));
            assert_eq!(entry["reason"], format!("essai {change}"));
            assert!(entry["operator"].as_str().is_some_and(|name| !name.is_empty()), "{entry}");
        }
    }
}

/// A look makes no database, and says what is missing as the other lists do.
#[test]
fn listing_clients_of_a_house_without_a_database_makes_none() {
    let kit = Kit::new(Engine::Sqlite);
    kit.write();
    let said = kit.run(&["client", "list"]).failed_with(3);
    assert!(said.contains("navette migrate"), "{said}");
    assert!(!kit.dir().join("data/navette.db").exists());
    assert_eq!(said, kit.run(&["job", "list"]).failed_with(3));
}

/// Once there is one, its clients are shown, and the look leaves it as it is.
#[test]
fn clients_are_listed_from_a_database_that_is_there() {
    let kit = Kit::new(Engine::Sqlite);
    kit.write();
    let reason = ["--reason", "essai"];
    let add = [
        "client",
        "add",
        "isis",
        "--projects",
        "marche-1",
        "--applications",
        "isis",
    ];
    kit.run(&[&add[..], &reason[..]].concat()).succeeded();
    let shown = kit.run(&["client", "list", "--json"]).succeeded();
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON was asked for");
    assert_eq!(shown[0]["clientId"], "isis", "{shown}");
}
