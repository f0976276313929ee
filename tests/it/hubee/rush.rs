//! Tokens asked for at every call, as some deployed clients do, beside télédossiers that are sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::kit::{
    gateway::{Engine, Kit},
    hubee::{
        build::{self, File},
        caller::Caller,
        hub::Hub,
        referential::{OSL, PROCESS, SI},
        sent::Sent,
    },
};

/// Tokens a second.
const RATE: u32 = 200;
/// How long.
const SECONDS: u32 = 5;
/// After which those clients give up.
const PATIENCE: Duration = Duration::from_secs(2);
/// OSLs that send meanwhile.
const SENDERS: usize = 2;

/// R2, the purpose's 200 a second: each token comes within the clients' two seconds, and the télédossiers go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_tokens_a_second_do_not_hurt() {
    let hub = Hub::open(Kit::new(Engine::Sqlite)).await;
    let credentials = hub.hub_register(SI, "SI", &[PROCESS]);
    let asking = Caller::with_token(&hub, &credentials, "SI").await;
    let stopping = Arc::new(AtomicBool::new(false));
    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        let osl = Caller::register(&hub, OSL, "OSL", &[]).await;
        senders.spawn(send(osl, number, Arc::clone(&stopping)));
    }
    let mut tokens = JoinSet::new();
    let mut tick = tokio::time::interval(Duration::from_secs(1) / RATE);
    for _ in 0..RATE * SECONDS {
        tick.tick().await;
        let (asking, credentials) = (asking.clone(), credentials.clone());
        tokens.spawn(async move {
            let asked = Instant::now();
            asking.ask_token(&credentials, "SI").await.of(200);
            asked.elapsed()
        });
    }
    let mut taken = tokens.join_all().await;
    taken.sort_unstable();
    stopping.store(true, Ordering::SeqCst);
    let sent: usize = senders.join_all().await.into_iter().sum();
    println!(
        "p99 {:?}, slowest {:?}, {sent} folders meanwhile",
        taken[taken.len() * 99 / 100],
        taken.last()
    );
    assert!(
        taken.last().is_some_and(|slowest| *slowest < PATIENCE),
        "{:?}",
        taken.last()
    );
    assert!(sent >= SENDERS, "nothing was sent meanwhile");
    let stored = hub.sql("SELECT count(*) FROM journal WHERE kind LIKE '%token%'");
    assert_eq!(stored, "0", "a token costs no write");
}

async fn send(osl: Caller, number: usize, stopping: Arc<AtomicBool>) -> usize {
    let mut count = 0;
    while !stopping.load(Ordering::SeqCst) {
        let external = format!("DGS-JET{number}-{count:013}");
        let files = [File::pdf(&external)];
        let sent = Sent::create(&osl, &build::folder(&external, &files), &files).await;
        sent.upload(&osl).await;
        sent.complete(&osl).await;
        count += 1;
    }
    count
}
