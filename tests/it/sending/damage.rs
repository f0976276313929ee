//! What an inspection tells of a return that lost a part of what it is made of.

use super::{dropped, lot, returned, through, with_status};
use crate::kit::{
    depot::{Depot, Make},
    gateway::{Engine, Kit},
};

/// What is done to a house of one archive whose return was left on its depot, and the codes that tell it.
const DAMAGES: [(&str, &[&str]); 4] = [
    (
        "DELETE FROM return_file RETURNING 1",
        &["delivery-job-missing"],
    ),
    (
        "DELETE FROM job WHERE kind = 'await-acknowledgment' RETURNING 1",
        &["delivery-job-missing"],
    ),
    (
        "DELETE FROM document WHERE role = 'return' RETURNING 1",
        &["content-missing"],
    ),
    (
        "UPDATE archive_piece SET outcome = NULL WHERE ordinal = 0 RETURNING 1",
        &["result-missing"],
    ),
];

#[test]
fn a_return_that_lost_a_part_of_it_is_told() {
    let depot = Depot::start(Make::Folder);
    let mut gateway = through(Kit::new(Engine::Sqlite), &depot).start();
    let id = dropped(&depot, "LOT.zip", &lot().zip());
    returned(&depot);
    with_status(&gateway, &id, "returned");
    crate::kit::wait::until("sent", super::SOON, || {
        (gateway.sql("SELECT state FROM exchange_return") == "sent").then_some(())
    });
    gateway.doctor();
    assert!(gateway.stop().success());
    let file = gateway.dir().join("data/navette.db");
    gateway.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    let whole = std::fs::read(&file).unwrap();
    for (statement, codes) in DAMAGES {
        gateway.sql(statement);
        let told: Vec<_> = gateway
            .differences()
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert_eq!(told, codes, "{statement}");
        for journal in ["data/navette.db-wal", "data/navette.db-shm"] {
            let _ = std::fs::remove_file(gateway.dir().join(journal));
        }
        std::fs::write(&file, &whole).unwrap();
    }
    gateway.doctor();
}
