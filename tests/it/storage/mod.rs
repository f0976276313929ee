//! The two engines behind one door: statements, migrations, units of work, leases, whose each row is.

mod durability;
mod encrypted;
mod jobs;
mod owners;
mod units;

use futures_util::future::join_all;
use navette::{
    kernel::{clock::Clock, fault::Code},
    storage::{
        self,
        listing::{self, Filter},
        migrate,
    },
};

use crate::{
    both_engines, both_stores,
    kit::{client::metadata, document},
};

/// Notes a migration that this program does not know.
fn later(name: &str) -> String {
    format!(
        "INSERT INTO schema_migration (version, name, digest, applied_at) \
         SELECT 99, '{name}', digest, applied_at FROM schema_migration WHERE version = 1"
    )
}

both_engines! {
    /// An upgrade may be taken back: the release before runs on what the later one has added, and says so.
    async fn a_gateway_runs_on_the_schema_of_a_later_release(kit) {
        let mut gateway = kit.start();
        assert!(gateway.stop().success());
        let number = "ALTER TABLE exchange ADD COLUMN number bigint";
        gateway.sql(&format!("{number}; {}; SELECT 1", later("0099_number")));
        gateway.restart();
        let told = gateway.log().lines().any(|line| line.contains("later release") && line.contains("0099_number"));
        assert!(told, "the log names what it does not know");
        let client = gateway.client().await;
        let answer = client.push(&metadata("D-1"), document::small("D-1")).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        gateway.await_idle();
        gateway.doctor();
    }
}

both_stores! {
    async fn every_statement_is_prepared_by_the_engine(place) {
        let store = place.migrated().await;
        let statements = storage::statements(store.engine());
        assert!(statements.len() > 50, "{} statements", statements.len());
        for (name, sql) in statements {
            let told = format!("{name}: {sql}");
            let prepared = store.read(move |tx| tx.prepare(&sql)).await;
            prepared.unwrap_or_else(|fault| panic!("{told}\n{fault}"));
        }
    }

    async fn a_list_among_no_dossiers_is_empty(place) {
        let store = place.migrated().await;
        let filter = Filter { dossier_hashes: Some(Vec::new()), ..Filter::default() };
        let listed = store.read(move |tx| listing::list(tx, &filter, 10)).await.unwrap();
        assert!(listed.is_empty(), "{listed:?}");
    }

    async fn eight_processes_that_start_at_once_migrate_once(place) {
        let opened = (0..8).map(|_| {
            let place = place.clone();
            tokio::task::spawn_blocking(move || place.open())
        });
        let stores = join_all(opened).await;
        let stores: Vec<_> = stores.into_iter().map(|store| store.unwrap().unwrap()).collect();
        let clock = Clock::system();
        let applied = join_all(stores.iter().map(|store| migrate::migrate(store, &clock))).await;
        let applied: Vec<_> = applied.into_iter().flat_map(|names| names.unwrap()).collect();
        let once: std::collections::BTreeSet<_> = applied.iter().collect();
        assert_eq!((once.len(), applied[0]), (applied.len(), "0001_foundation"), "{applied:?}");
    }

    async fn a_database_from_which_a_later_release_has_taken_something_away_is_refused(place) {
        let store = place.migrated().await;
        store.write(|tx| tx.execute(&later("0099_narrower_contract"), &[])).await.unwrap();
        let refusals = [
            migrate::migrate(&store, &Clock::system()).await.map(drop),
            migrate::check_current(&store).await,
        ];
        for refusal in refusals {
            let fault = refusal.unwrap_err();
            assert_eq!(fault.code(), Code::Configuration);
            let told = fault.to_string();
            assert!(told.contains("newer") && told.contains("0099_narrower_contract"), "{told}");
        }
    }

    async fn a_database_to_which_a_later_release_has_added_something_is_left_as_it_is(place) {
        let store = place.migrated().await;
        store.write(|tx| tx.execute(&later("0099_contract_number"), &[])).await.unwrap();
        let before = store.read(migrate::applied_to).await.unwrap();
        assert_eq!(migrate::migrate(&store, &Clock::system()).await.unwrap(), [""; 0]);
        migrate::check_current(&store).await.unwrap();
        assert_eq!(store.read(migrate::applied_to).await.unwrap(), before);
    }

    async fn a_migration_that_was_changed_since_is_refused(place) {
        let store = place.migrated().await;
        let changed = "UPDATE schema_migration SET name = name, digest = substr(digest, 2)";
        store.write(move |tx| tx.execute(changed, &[])).await.unwrap();
        assert!(migrate::migrate(&store, &Clock::system()).await.is_err());
    }
}
