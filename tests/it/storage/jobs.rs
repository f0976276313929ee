//! Leases of jobs: one holder at a time, and a late one commits nothing.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use navette::{
    kernel::{clock::Clock, fault::Result},
    storage::{
        Store, Tx,
        exchanges::Owner,
        jobs::{self, JobRow, NewJob},
        leases, replay,
    },
};
use uuid::Uuid;

use crate::{
    both_stores,
    inside::{Place, id},
    kit::gateway::Engine,
};

const LANE: &str = "process";
const MINUTE: i64 = 60_000_000;

async fn queued(store: &Store) -> Uuid {
    let job = NewJob {
        id: id(),
        kind: "process".to_owned(),
        lane: LANE.to_owned(),
        subject: id(),
        owner: Owner {
            partner: "asp".to_owned(),
            environment: "essai".to_owned(),
        },
        run_at: Timestamp::UNIX_EPOCH,
    };
    let (sql, values) = jobs::queue(&job, now());
    store
        .write(move |tx| tx.execute(sql, &values))
        .await
        .unwrap();
    job.id
}

fn now() -> Timestamp {
    Clock::system().now()
}

/// Leases for so many microseconds; 0 is a lease that has ended when it begins.
async fn leased(store: &Store, limit: u32, micros: i64) -> (Uuid, Vec<JobRow>) {
    leased_at(now(), store, limit, micros).await
}

/// The same by a program whose clock shows `now`.
async fn leased_at(now: Timestamp, store: &Store, limit: u32, micros: i64) -> (Uuid, Vec<JobRow>) {
    let token = id();
    let jobs = store.write(move |tx| jobs::lease(tx, LANE, limit, token, now, micros));
    (token, jobs.await.unwrap())
}

/// What a settlement writes beside the end of its job.
fn effect(tx: &mut Tx<'_>, job: Uuid) -> Result<()> {
    leases::take(tx, "effect", job, now(), now()).map(drop)
}

async fn effect_stands(store: &Store, job: Uuid) -> bool {
    store
        .read(move |tx| leases::held(tx, "effect", job))
        .await
        .unwrap()
}

both_stores! {
    async fn a_worker_that_lost_its_lease_commits_neither_end_nor_effects(place) {
        let store = place.migrated().await;
        let job = queued(&store).await;
        let (late, _) = leased(&store, 1, 0).await;
        let (heir, taken) = leased(&store, 1, MINUTE).await;
        assert_eq!(taken[0].id, job);
        for end in [jobs::done, |tx: &mut Tx<'_>, job, token| jobs::fail(tx, job, token, "x")] {
            let settled = store.write(move |tx| {
                effect(tx, job)?;
                end(tx, job, late)
            });
            settled.await.unwrap_err();
            assert!(!effect_stands(&store, job).await);
        }
        store.write(move |tx| jobs::done(tx, job, heir)).await.unwrap();
    }

    async fn a_lease_that_ended_and_that_nobody_took_still_settles(place) {
        let store = place.migrated().await;
        let job = queued(&store).await;
        let (token, _) = leased(&store, 1, 0).await;
        store.write(move |tx| jobs::done(tx, job, token)).await.unwrap();
        assert!(store.read(move |tx| jobs::find(tx, job)).await.unwrap().is_none());
    }

    async fn a_job_is_leased_to_one_worker_until_its_lease_ends(place) {
        let store = place.migrated().await;
        queued(&store).await;
        assert_eq!(leased(&store, 5, MINUTE).await.1.len(), 1);
        assert!(leased(&store, 5, MINUTE).await.1.is_empty());
    }

    async fn workers_that_lease_at_once_share_the_jobs(place) {
        let store = place.migrated().await;
        let all = join_all((0..100).map(|_| queued(&store))).await;
        let workers: Vec<_> = (0..4).map(|_| place.open().unwrap()).collect();
        let rounds = (0..40).map(|round| leased(&workers[round % 4], 5, MINUTE));
        let taken: Vec<_> = join_all(rounds).await.into_iter().flat_map(|(_, jobs)| jobs).collect();
        let ids: BTreeSet<_> = taken.iter().map(|job| job.id).collect();
        assert_eq!(taken.len(), ids.len(), "no job twice");
        let rest = leased(&store, 100, MINUTE).await.1;
        assert_eq!(ids.len() + rest.len(), all.len(), "no job lost");
    }

    async fn a_lease_that_is_handed_back_is_taken_at_once(place) {
        let store = place.migrated().await;
        let job = queued(&store).await;
        let (token, _) = leased(&store, 1, MINUTE).await;
        store.write(move |tx| jobs::hand_back(tx, job, token, now())).await.unwrap();
        let (_, again) = leased(&store, 1, MINUTE).await;
        assert_eq!((again[0].id, again[0].attempts), (job, 0));
    }

    async fn a_lease_that_was_lost_cannot_be_handed_back(place) {
        let store = place.migrated().await;
        let job = queued(&store).await;
        let (late, _) = leased(&store, 1, 0).await;
        leased(&store, 1, MINUTE).await;
        store.write(move |tx| jobs::hand_back(tx, job, late, now())).await.unwrap();
        assert!(leased(&store, 1, MINUTE).await.1.is_empty());
    }

    async fn a_renewed_lease_keeps_others_out(place) {
        let store = place.migrated().await;
        let job = queued(&store).await;
        let (token, _) = leased(&store, 1, 0).await;
        store.write(move |tx| jobs::renew(tx, &[(job, token)], now(), MINUTE)).await.unwrap();
        assert!(leased(&store, 1, MINUTE).await.1.is_empty());
    }

    async fn a_lease_that_was_lost_is_not_renewed(place) {
        let store = place.migrated().await;
        let job = queued(&store).await;
        let (late, _) = leased(&store, 1, 0).await;
        leased(&store, 1, 0).await;
        store.write(move |tx| jobs::renew(tx, &[(job, late)], now(), MINUTE)).await.unwrap();
        assert_eq!(leased(&store, 1, MINUTE).await.1.len(), 1);
    }

    async fn a_failed_job_is_taken_by_nobody_until_it_is_revived(place) {
        let store = place.migrated().await;
        let job = queued(&store).await;
        let (token, _) = leased(&store, 1, MINUTE).await;
        store.write(move |tx| jobs::fail(tx, job, token, "status-500")).await.unwrap();
        assert!(leased(&store, 1, MINUTE).await.1.is_empty());
        assert!(store.write(move |tx| replay::revive(tx, job, now())).await.unwrap());
        assert_eq!(leased(&store, 1, MINUTE).await.1[0].id, job);
    }
}

/// Machines that share a server share its clock: whoever's own stands an hour off, ahead or behind, neither ends the lease of
/// another nor has one that ends at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_programs_own_clock_ends_a_lease_that_a_server_times() {
    let (hour, today) = (SignedDuration::from_hours(1), now());
    for (holder, other) in [(today, today + hour), (today - hour, today)] {
        let store = Place::new(Engine::Postgres).migrated().await;
        let job = queued(&store).await;
        let (token, held) = leased_at(holder, &store, 1, MINUTE).await;
        assert_eq!(held.len(), 1);
        let lanes = [LANE.to_owned()];
        let ready = store.read(move |tx| jobs::ready(tx, &lanes, other));
        assert!(ready.await.unwrap().is_empty(), "{holder} {other}");
        assert!(leased_at(other, &store, 1, MINUTE).await.1.is_empty());
        let renewed = store.write(move |tx| jobs::renew(tx, &[(job, token)], holder, MINUTE));
        renewed.await.unwrap();
        assert!(leased_at(other, &store, 1, MINUTE).await.1.is_empty());
    }
}
