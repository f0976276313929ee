//! Units of work: each is durable or gone as a whole, whatever its neighbours do.

use std::{fs, path::Path, sync::mpsc};

use futures_util::future::join_all;
use navette::{
    kernel::{
        clock::Clock,
        fault::{Fault, Result},
    },
    params,
    storage::{Engine, Store, Tx, leases},
};
use uuid::Uuid;

use crate::{
    both_stores,
    inside::{Place, id},
    kit::scratch,
};

const TOKEN: Uuid = Uuid::from_u128(7);

/// A row that a unit writes: a lease of this name.
fn mark(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    let now = Clock::system().now();
    leases::take(tx, name, TOKEN, now, now).map(drop)
}

async fn marked(store: &Store, name: &str) -> bool {
    let name = name.to_owned();
    store
        .read(move |tx| leases::held(tx, &name, TOKEN))
        .await
        .unwrap()
}

/// Has units wait together behind one that holds the writer; how each ended, in order.
async fn behind_a_held_writer(
    store: &Store,
    units: impl Iterator<Item = impl Future<Output = Result<()>>>,
) -> Vec<Result<()>> {
    let (release, gate) = mpsc::channel::<()>();
    let holding = store.write(move |_| {
        let _ = gate.recv_timeout(std::time::Duration::from_secs(5));
        Ok(())
    });
    let (held, outcomes, ()) = tokio::join!(holding, join_all(units), async { drop(release) });
    held.unwrap();
    outcomes
}

/// How many commits an embedded database has in its log: the frames that tell how long the file is then. Those of before the
/// log last began again bear another salt.
fn commits(database: &Path) -> usize {
    let log = fs::read(format!("{}-wal", database.display())).unwrap();
    let page = u32::from_be_bytes(log[8..12].try_into().unwrap()) as usize;
    let (salt, frames) = (&log[16..24], log[32..].chunks_exact(24 + page));
    let committed = frames.filter(|frame| frame[8..16] == *salt && frame[4..8] != [0; 4]);
    committed.count()
}

/// One unit in four does what `fails` does after it has written; all wait together behind a unit that holds the writer.
async fn a_group_with(store: &Store, fails: fn(&mut Tx<'_>) -> Result<()>) {
    let units = (0..32).map(|number| {
        store.write(move |tx| {
            mark(tx, &format!("unit-{number}"))?;
            match number % 4 {
                3 => fails(tx),
                _ => Ok(()),
            }
        })
    });
    let outcomes = behind_a_held_writer(store, units).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let stays = number % 4 != 3;
        assert_eq!(outcome.is_ok(), stays, "unit {number}");
        assert_eq!(
            marked(store, &format!("unit-{number}")).await,
            stays,
            "row of unit {number}"
        );
    }
}

both_stores! {
    async fn a_unit_that_says_no_takes_back_its_own_writes_only(place) {
        let store = place.migrated().await;
        a_group_with(&store, |_| Err(Fault::unavailable("no"))).await;
    }

    async fn a_unit_whose_statement_fails_takes_back_its_own_writes_only(place) {
        let store = place.migrated().await;
        a_group_with(&store, |tx| {
            let twice = "INSERT INTO lease (name, token, until) VALUES ('two', $1, 0), ('two', $1, 0)";
            tx.execute(twice, &params![TOKEN]).map(drop)
        })
        .await;
    }

    // They need not answer each other: on PostgreSQL too, those that wait stand under one commit. A name that is taken
    // undoes the unit that wants it, and no other.
    async fn units_that_run_together_share_a_commit_and_fail_alone(place) {
        let store = place.migrated().await;
        let new = "INSERT INTO lease (name, token, until) VALUES ($1, $2, 0)";
        let insert = move |tx: &mut Tx<'_>, number: u32| tx.batch(&[(new, &params![format!("unit-{number}"), TOKEN])]);
        store.write_together(move |tx| insert(tx, 7)).await.unwrap();
        let (release, gates) = crossbeam_channel::bounded::<()>(0);
        let holding = (0..2).map(|_| {
            let gate = gates.clone();
            store.write_together(move |_| {
                let _ = gate.recv_timeout(std::time::Duration::from_secs(5));
                Ok(())
            })
        });
        let units = (0..40).map(|number| store.write_together(move |tx| insert(tx, number)));
        let (_, outcomes, ()) = tokio::join!(join_all(holding), join_all(units), async { drop(release) });
        for (number, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(outcome.is_ok(), number != 7, "unit {number}: {outcome:?}");
            assert!(marked(&store, &format!("unit-{number}")).await, "row of unit {number}");
        }
        if store.engine() == Engine::Postgres {
            let commits = "SELECT count(DISTINCT CAST(xmin AS text)) FROM lease";
            let commits = store.read(|tx| tx.first(commits, &[])?.unwrap().get::<u64>(0)).await.unwrap();
            assert!(commits < 41, "{commits} commits for as many units");
        }
    }

    async fn a_unit_whose_caller_is_gone_is_done_all_the_same(place) {
        let store = place.migrated().await;
        let (entered, seen) = tokio::sync::oneshot::channel();
        let mut entered = Some(entered);
        let (release, gate) = mpsc::channel::<()>();
        let mut unit = Box::pin(store.write(move |tx| {
            entered.take().map(|entered| entered.send(()));
            let _ = gate.recv_timeout(std::time::Duration::from_secs(5));
            mark(tx, "left-alone")
        }));
        tokio::select! {
            _ = &mut unit => panic!("it waits for its release"),
            reached = seen => reached.unwrap(),
        }
        drop(unit);
        drop(release);
        store.write(|_| Ok(())).await.unwrap();
        crate::kit::wait::eventually("row", std::time::Duration::from_secs(60), async || {
            marked(&store, "left-alone").await.then_some(())
        })
        .await;
    }

    async fn one_of_many_takes_a_named_lease(place) {
        place.migrated().await;
        let stores: Vec<_> = (0..4).map(|_| place.open().unwrap()).collect();
        let takers = (0..32).map(|number| {
            stores[number % 4].write(|tx| {
                let now = Clock::system().now();
                let until = now.saturating_add(jiff::SignedDuration::from_secs(60));
                leases::take(tx, "only-one", id(), now, until.unwrap())
            })
        });
        let taken = join_all(takers).await;
        assert_eq!(taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
    }

    // Whoever asks whether a lease is his, and goes on, has it until he commits, however late that is.
    async fn a_lease_that_was_asked_for_is_nobody_elses_before_the_commit(place) {
        let (store, other) = (place.migrated().await, place.open().unwrap());
        store.write(|tx| mark(tx, "asked")).await.unwrap();
        let (asked, seen) = tokio::sync::oneshot::channel();
        let (taken, elsewhere) = mpsc::channel::<()>();
        let mut asked = Some(asked);
        let paused = store.write(move |tx| {
            assert!(leases::kept(tx, "asked", TOKEN)?);
            asked.take().map(|asked| asked.send(()));
            let was_taken = elsewhere.recv_timeout(std::time::Duration::from_secs(2)).is_ok();
            Ok(was_taken)
        });
        let taking = async {
            seen.await.unwrap();
            let now = Clock::system().now();
            let mine = other.write(move |tx| leases::take(tx, "asked", id(), now, now)).await;
            // Nobody listens any more where it had to wait.
            taken.send(()).ok();
            mine
        };
        let (was_taken, mine) = tokio::join!(paused, taking);
        assert!(!was_taken.unwrap(), "it was taken between the question and the commit");
        assert!(mine.unwrap(), "it is free after that");
    }
}

/// What pays for a sync at each commit: those that wait for the embedded writer stand under one, or under two where some came
/// just before it was held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_that_wait_for_the_embedded_writer_share_a_commit() {
    let file = scratch::fresh("store").join("navette.db");
    let store = Place::Sqlite(file.clone()).migrated().await;
    let before = commits(&file);
    let units =
        (0..64).map(|number| store.write_together(move |tx| mark(tx, &format!("unit-{number}"))));
    for outcome in behind_a_held_writer(&store, units).await {
        outcome.unwrap();
    }
    let took = commits(&file) - before;
    assert!((1..=2).contains(&took), "{took} commits for 64 units");
}
