//! The two engines behind one door: statements, migrations, units of work, leases, whose each row is.

mod encrypted;
mod jobs;
mod owners;
mod units;

use futures_util::future::join_all;
use navette::{
    kernel::clock::Clock,
    storage::{
        self,
        listing::{self, Filter},
        migrate,
    },
};

use crate::both_stores;

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

    async fn a_database_of_a_newer_release_is_refused(place) {
        let store = place.migrated().await;
        let newer = "INSERT INTO schema_migration (version, name, digest, applied_at) \
            SELECT 99, 'newer', digest, applied_at FROM schema_migration WHERE version = 1";
        store.write(move |tx| tx.execute(newer, &[])).await.unwrap();
        let fault = migrate::migrate(&store, &Clock::system()).await.unwrap_err();
        assert!(fault.to_string().contains("newer"), "{fault}");
    }

    async fn a_migration_that_was_changed_since_is_refused(place) {
        let store = place.migrated().await;
        let changed = "UPDATE schema_migration SET name = name, digest = substr(digest, 2)";
        store.write(move |tx| tx.execute(changed, &[])).await.unwrap();
        assert!(migrate::migrate(&store, &Clock::system()).await.is_err());
    }
}
