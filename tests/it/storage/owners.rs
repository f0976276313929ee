//! Whose each row is. Rows say their partner and their environment; the few tables whose rows do not are named here, each
//! with its reason.

use std::collections::{BTreeMap, BTreeSet};

use navette::storage::{Engine, Store};

use crate::both_stores;

/// Narrow tables, which keep a uniqueness, an order or a lease: where a row leads to a large one, that one says whose it is. A
/// project's key is of the project, whoever sends to it.
const NARROW: [&str; 6] = [
    "journal_link",
    "journal_pending",
    "lease",
    "natural_key",
    "project_key",
    "return_once",
];
/// What is of the whole house or of the whole hub, and of nobody in it: its schema, its clock, sums, and the parts of a report
/// that says its environment itself.
const NOBODYS: [&str; 5] = [
    "clock_mark",
    "hub_counter",
    "hub_report_part",
    "hub_subscription_count",
    "schema_migration",
];
/// What says its environment and no partner: the runs of what looks at the whole house; the hub's referential, and its clients,
/// which are organisations of it; a hold, which is of a dossier whoever sent it; a transfer, which says its depot.
const OF_NO_PARTNER: [&str; 7] = [
    "cft_transfer",
    "hub_client",
    "hub_organization",
    "hub_process",
    "hub_report",
    "legal_hold",
    "purge_run",
];

const COLUMNS_SQLITE: &str = "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
const COLUMNS_POSTGRES: &str = "SELECT CAST(table_name AS text), CAST(column_name AS text) \
    FROM information_schema.columns WHERE table_schema = current_schema()";

/// Every table with its columns.
async fn tables(store: &Store) -> BTreeMap<String, BTreeSet<String>> {
    let sql = match store.engine() {
        Engine::Sqlite => COLUMNS_SQLITE,
        Engine::Postgres => COLUMNS_POSTGRES,
    };
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in store.read(move |tx| tx.query(sql, &[])).await.unwrap() {
        let (table, column) = (row.get(0).unwrap(), row.get(1).unwrap());
        tables.entry(table).or_default().insert(column);
    }
    tables
}

/// The tables without a column of that name.
fn without<'t>(tables: &'t BTreeMap<String, BTreeSet<String>>, column: &str) -> BTreeSet<&'t str> {
    let found = tables
        .iter()
        .filter(|(_, columns)| !columns.contains(column));
    found.map(|(table, _)| table.as_str()).collect()
}

both_stores! {
    async fn every_row_says_its_partner_and_its_environment_save_those_named_here(place) {
        let tables = tables(&place.migrated().await).await;
        assert!(tables.len() > 40, "{} tables", tables.len());
        let neither = BTreeSet::from_iter(NARROW.into_iter().chain(NOBODYS));
        assert_eq!(without(&tables, "environment"), neither);
        let no_partner = neither.into_iter().chain(OF_NO_PARTNER);
        assert_eq!(without(&tables, "partner"), no_partner.collect());
    }
}
