//! The journal: numbered without gaps, chained from the first entry on, and telling when it was tampered with (TRC-4).

use std::time::{Duration, Instant};

use navette::{
    domain::journal::sequencer::{self, Sequencer},
    kernel::{clock::Clock, fault::Code},
    storage::{
        exchanges::Owner,
        journal::{self as rows, EntryRow},
    },
};

use crate::{
    both_engines, both_stores, inside,
    kit::{
        client::metadata,
        document,
        gateway::{Gateway, Kit},
        wait,
    },
};

const SOON: Duration = Duration::from_secs(30);

/// A stopped gateway whose journal tells of three pieces, each acknowledged by the partner.
async fn three_pieces(kit: Kit) -> Gateway {
    let mut gateway = kit.start();
    let client = gateway.client().await;
    for dossier in ["D-1", "D-2", "D-3"] {
        client
            .push(&metadata(dossier), document::small(dossier))
            .await
            .reconciliation_id();
    }
    let acknowledged = "SELECT count(*) FROM acknowledgment";
    wait::until("acknowledgments", SOON, || {
        (gateway.count(acknowledged) == 3).then_some(())
    });
    assert!(gateway.stop().success());
    gateway
}

/// What the walk over the chain says after `statement` has tampered with it.
async fn after(kit: Kit, statement: &str) -> Option<Code> {
    let gateway = three_pieces(kit).await;
    let store = inside::store(&gateway);
    sequencer::check(&store).await.expect("it was sound");
    gateway.sql(statement);
    sequencer::check(&store)
        .await
        .err()
        .map(|fault| fault.code())
}

both_engines! {
    async fn every_entry_has_its_number_when_the_gateway_has_stopped(kit) {
        let gateway = three_pieces(kit).await;
        let entries = gateway.count("SELECT count(*) FROM journal");
        let (length, _) = sequencer::check(&inside::store(&gateway)).await.unwrap();
        // A client added, and for each piece: received, processed, return created, acknowledged.
        assert_eq!((entries, length), (13, 13));
    }

    async fn an_entry_is_numbered_within_a_second_or_so(kit) {
        let gateway = kit.start();
        let mut entries = 0;
        wait::within(Duration::from_secs(5), || {
            gateway.register("application", &["pieces:read"]);
            entries += 1;
            let since = Instant::now();
            wait::until("number", Duration::from_secs(60), || {
                (gateway.count("SELECT count(*) FROM journal_link") == entries).then_some(())
            });
            since.elapsed()
        });
    }

    async fn a_changed_entry_is_found(kit) {
        let changed = "UPDATE journal SET detail = replace(detail, 'processed', 'partial') WHERE kind = 'piece.processed'";
        assert_eq!(after(kit, changed).await, Some(Code::Corrupt));
    }

    async fn a_changed_date_is_found(kit) {
        let changed = "UPDATE journal SET at = at - 1 WHERE kind = 'return.created'";
        assert_eq!(after(kit, changed).await, Some(Code::Corrupt));
    }

    async fn an_entry_that_was_taken_out_is_found(kit) {
        let removed = "DELETE FROM journal WHERE id IN (SELECT entry_id FROM journal_link WHERE seq = 5)";
        assert_eq!(after(kit, removed).await, Some(Code::Corrupt));
    }

    async fn an_entry_that_was_taken_out_with_its_number_is_found(kit) {
        let removed = "DELETE FROM journal WHERE id IN (SELECT entry_id FROM journal_link WHERE seq = 5); \
            DELETE FROM journal_link WHERE seq = 5";
        assert_eq!(after(kit, removed).await, Some(Code::Corrupt));
    }

    async fn an_entry_that_was_put_in_is_found(kit) {
        let gateway = three_pieces(kit).await;
        let id = gateway.id("019a1ffe-0542-7a41-9c3e-5b0f2a7d6e10");
        gateway.sql(&format!(
            "INSERT INTO journal (id, at, kind, exchange_id, project, partner, environment, detail) \
             SELECT {id}, j.at, j.kind, j.exchange_id, j.project, j.partner, j.environment, j.detail \
             FROM journal j JOIN journal_link l ON l.entry_id = j.id WHERE l.seq = 5"
        ));
        let checked = sequencer::check(&inside::store(&gateway)).await;
        assert_eq!(checked.unwrap_err().code(), Code::Corrupt);
    }

    async fn two_entries_that_changed_places_are_found(kit) {
        let swapped = "UPDATE journal_link SET seq = -seq WHERE seq IN (5, 6); \
            UPDATE journal_link SET seq = 11 + seq WHERE seq < 0";
        assert_eq!(after(kit, swapped).await, Some(Code::Corrupt));
    }

    async fn the_chain_goes_on_over_a_restart(kit) {
        let mut gateway = three_pieces(kit).await;
        gateway.restart();
        gateway.register("autre", &["pieces:read"]);
        assert!(gateway.stop().success());
        let (length, _) = sequencer::check(&inside::store(&gateway)).await.unwrap();
        assert_eq!(length, 14);
    }
}

/// So many entries, of nothing in particular.
fn entries(count: usize) -> Vec<EntryRow> {
    let owner = Owner {
        partner: "asp".to_owned(),
        environment: "production".to_owned(),
    };
    let entry = |_| EntryRow {
        id: inside::id(),
        at: inside::now(),
        kind: "incident.opened".to_owned(),
        exchange_id: None,
        project: None,
        owner: owner.clone(),
        detail: "{}".to_owned(),
    };
    (0..count).map(entry).collect()
}

both_stores! {
    async fn one_look_numbers_all_that_waited_however_many(place) {
        let store = place.migrated().await;
        let all = entries(1_300);
        let append = move |tx: &mut navette::storage::Tx<'_>| rows::append_all(tx, &all.iter().collect::<Vec<_>>());
        store.write(append).await.unwrap();
        let sequencer = Sequencer::new(store.clone(), Clock::system(), inside::id());
        assert_eq!(sequencer.run().await.unwrap(), 1_300);
        assert_eq!(sequencer::check(&store).await.unwrap().0, 1_300);
        assert_eq!(sequencer.run().await.unwrap(), 0);
    }
}
