//! The clients of the API, listed.

use crate::kit::gateway::{Engine, Kit};

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
