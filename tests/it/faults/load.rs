//! Applications that send without pause, through every death of the gateway, and never forget what they were promised.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::kit::{
    chance::Chance,
    client::{Answer, Client, metadata},
    document,
    gateway::Gateway,
    partner::Partner,
    wait,
};

/// How long an application insists on one piece.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many pieces may be on their way before the applications wait for returns.
const BACKLOG: usize = 100;

/// How many small pieces fill any disk of these tests.
const MOST: usize = 400;

/// An acknowledged piece, as its sender remembers it.
#[derive(Clone, Debug)]
pub struct Promise {
    /// The reconciliation id.
    pub id: String,
    /// The dossier, which names the content too.
    pub dossier: String,
    /// The content's size.
    pub size: usize,
    /// The receipt.
    pub receipt: Value,
}

impl Promise {
    /// What this answer acknowledges.
    fn of(answer: &Answer, dossier: &str, size: usize) -> Self {
        Self {
            id: answer.reconciliation_id(),
            dossier: dossier.to_owned(),
            size,
            receipt: answer.json()["receipt"].clone(),
        }
    }

    /// The bytes that were sent.
    pub fn content(&self) -> Vec<u8> {
        document::pdf(&self.dossier, self.size)
    }
}

/// Applications at work.
pub struct Load {
    shared: Arc<Shared>,
    applications: JoinSet<Vec<Promise>>,
}

struct Shared {
    client: Client,
    partner: Arc<Partner>,
    acknowledged: AtomicUsize,
    stopping: AtomicBool,
}

impl Load {
    /// Starts `count` applications, each on a connection of its own that it keeps.
    pub fn start(gateway: &Gateway, client: &Client, count: usize, chance: &mut Chance) -> Self {
        let shared = Arc::new(Shared {
            client: client.clone(),
            partner: gateway.partner_handle(),
            acknowledged: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let mut applications = JoinSet::new();
        for number in 0..count {
            applications.spawn(application(shared.clone(), number, chance.fork()));
        }
        Self {
            shared,
            applications,
        }
    }

    /// Waits until `count` more pieces are acknowledged.
    pub async fn more(&self, count: usize) {
        let goal = self.shared.acknowledged() + count;
        while self.shared.acknowledged() < goal {
            wait::pause().await;
        }
    }

    /// Lets each application end with the piece that it is sending; gives all that was promised.
    pub async fn finish(self) -> Vec<Promise> {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.applications.join_all().await.concat()
    }
}

impl Shared {
    fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }

    fn has_room(&self) -> bool {
        self.acknowledged() < self.partner.count() + BACKLOG || self.stopping.load(Ordering::SeqCst)
    }
}

async fn application(shared: Arc<Shared>, number: usize, mut chance: Chance) -> Vec<Promise> {
    let mut promises = Vec::new();
    while !shared.stopping.load(Ordering::SeqCst) {
        let dossier = format!("D-{number}-{}", promises.len());
        let size = 2_000 << chance.below(9);
        promises.push(insist(&shared.client, &dossier, size).await);
        shared.acknowledged.fetch_add(1, Ordering::SeqCst);
        while !shared.has_room() {
            wait::pause().await;
        }
    }
    promises
}

/// Sends a piece of `size` bytes until it is acknowledged, as an application does whose gateway is away.
pub async fn insist(client: &Client, dossier: &str, size: usize) -> Promise {
    let content = Bytes::from(document::pdf(dossier, size));
    let end = Instant::now() + PATIENCE;
    let answer = loop {
        match attempt(client, dossier, content.clone()).await {
            Some(answer) => break answer,
            None => wait::pause().await,
        }
        assert!(Instant::now() < end, "{dossier}: no acknowledgment");
    };
    Promise::of(&answer, dossier, size)
}

/// Sends small pieces until there is no room for one more: what was promised, and the dossier that was refused with its answer.
pub async fn fill(client: &Client) -> (Vec<Promise>, String, Answer) {
    const SIZE: usize = 2_000;
    let mut promises = Vec::new();
    for number in 0..MOST {
        let dossier = format!("FULL-{number}");
        let content = document::pdf(&dossier, SIZE);
        let answer = client.push(&metadata(&dossier), content).await;
        if answer.status != 202 {
            return (promises, dossier, answer);
        }
        promises.push(Promise::of(&answer, &dossier, SIZE));
    }
    panic!("{MOST} pieces found room");
}

async fn attempt(client: &Client, dossier: &str, content: Bytes) -> Option<Answer> {
    let answer = client.try_push(&metadata(dossier), content).await.ok()?;
    match answer.status {
        200 | 202 => Some(answer),
        503 | 507 => None,
        _ => panic!("{answer:?}"),
    }
}
