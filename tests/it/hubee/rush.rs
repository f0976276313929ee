//! Tokens asked for at every call, as some deployed clients do, beside télédossiers that are sent. How long each takes is a
//! figure of the benchmark.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::task::JoinSet;

use crate::kit::{
    gateway::{Engine, Kit},
    hubee::{
        build::{self, File},
        caller::Caller,
        hub::Hub,
        referential::{PROCESS, SI},
        sent::Sent,
    },
    wait,
};

/// Tokens asked for.
const TOKENS: usize = 1000;
/// Clients that ask at the same time.
const ASKING: usize = 20;
/// OSLs that send meanwhile.
const SENDERS: usize = 2;

/// R2: a thousand tokens are given while télédossiers go on, each to its end; not one of them is written down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_tokens_hold_up_no_teledossier() {
    let hub = Hub::open(Kit::new(Engine::Sqlite)).await;
    let credentials = hub.hub_register(SI, "SI", &[PROCESS]);
    let asking = Caller::with_token(&hub, &credentials, "SI").await;
    let (stopping, sent) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        let (osl, stopping, sent) = (hub.osl.clone(), Arc::clone(&stopping), Arc::clone(&sent));
        senders.spawn(send(osl, number, stopping, sent));
    }
    let mut tokens = JoinSet::new();
    for _ in 0..ASKING {
        let (asking, credentials) = (asking.clone(), credentials.clone());
        tokens.spawn(async move {
            for _ in 0..TOKENS / ASKING {
                asking.ask_token(&credentials, "SI").await.of(200);
            }
        });
    }
    tokens.join_all().await;
    let before = sent.load(Ordering::SeqCst);
    while sent.load(Ordering::SeqCst) < before + SENDERS {
        wait::pause().await;
    }
    stopping.store(true, Ordering::SeqCst);
    senders.join_all().await;
    hub.await_idle();
    let kinds = hub.sql("SELECT DISTINCT kind FROM journal ORDER BY kind");
    assert!(!kinds.contains("token"), "{kinds}");
    hub.doctor();
}

async fn send(osl: Caller, number: usize, stopping: Arc<AtomicBool>, done: Arc<AtomicUsize>) {
    let mut count = 0;
    while !stopping.load(Ordering::SeqCst) {
        count += 1;
        let external = format!("DGS-JET{number}-{count:013}");
        let files = [File::pdf(&external)];
        let sent = Sent::create(&osl, &build::folder(&external, &files), &files).await;
        sent.upload(&osl).await;
        sent.complete(&osl).await;
        done.fetch_add(1, Ordering::SeqCst);
    }
}
