//! Tokens asked for at every call, as some deployed clients do: how long each takes at 200 a second, beside folders sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, task::JoinSet};

use super::{
    folders,
    office::{self, Office},
};
use crate::{
    driver,
    figures::Figures,
    kit::{
        document,
        gateway::{Engine, Kit},
        hubee::{
            build::File,
            caller::Caller,
            hub::Hub,
            referential::{PROCESS, SI},
        },
    },
};

/// Tokens a second.
const RATE: u32 = 200;
/// How long.
const SECONDS: u32 = 10;
/// OSLs that send meanwhile.
const SENDERS: usize = 4;

/// Measures on the embedded engine. Deployed clients give up after two seconds.
pub fn measure(figures: &mut Figures) {
    let runtime = Runtime::new().expect("threads can be started");
    let mut taken = runtime.block_on(async {
        let hub = Hub::open(Kit::new(Engine::Sqlite)).await;
        let stopping = Arc::new(AtomicBool::new(false));
        let senders = senders(&hub, &stopping).await;
        let taken = ask(&hub).await;
        stopping.store(true, Ordering::SeqCst);
        senders.join_all().await;
        taken
    });
    taken.sort_unstable();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let p99 = milliseconds(driver::p99(&taken));
    let worst = taken.last().copied().map_or(0.0, milliseconds);
    figures.line("p99 of a token at 200 a second, beside folders", p99, "ms");
    figures.line("the slowest of them", worst, "ms");
}

async fn senders(hub: &Hub, stopping: &Arc<AtomicBool>) -> JoinSet<()> {
    let bytes = document::pdf("jetons", 100_000);
    let files = ["un.pdf", "deux.pdf"];
    let files: Arc<[File]> = files
        .map(|name| File::of(name, "application/pdf", bytes.clone()))
        .into();
    let connector = office::connector();
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        let (files, stopping) = (Arc::clone(&files), Arc::clone(stopping));
        let mut office = Office::open(hub.hub_address(), &connector, &hub.osl).await;
        senders.spawn(async move {
            while !stopping.load(Ordering::SeqCst) {
                folders::folder(&mut office, &files).await;
            }
        });
    }
    senders
}

/// Asks at an even pace, whatever the answers take.
async fn ask(hub: &Hub) -> Vec<Duration> {
    let credentials = hub.hub_register(SI, "SI", &[PROCESS]);
    let asking = Caller::with_token(hub, &credentials, "SI").await;
    let mut tick = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut tokens = JoinSet::new();
    for _ in 0..RATE * SECONDS {
        tick.tick().await;
        let (asking, credentials) = (asking.clone(), credentials.clone());
        tokens.spawn(async move {
            let asked = Instant::now();
            asking.ask_token(&credentials, "SI").await.of(200);
            asked.elapsed()
        });
    }
    tokens.join_all().await
}
