//! The load: keep-alive connections over mutual TLS that send one request after the other.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, sync::Barrier, task::JoinSet};
use tokio_rustls::TlsConnector;

use super::{
    request::Request,
    wire::{self, Wire},
};
use crate::kit::pki::pki;

/// What to send, where, and for how long.
#[derive(Clone, Debug)]
pub struct Load {
    /// The server's address.
    pub address: SocketAddr,
    /// How many connections send at the same time.
    pub connections: usize,
    /// The request to number and send.
    pub request: Request,
    /// The status that counts as done.
    pub expected: u16,
    /// When to stop.
    pub until: Until,
}

/// The end of a load.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// After this time; one request per connection goes ahead, unmeasured.
    Time(Duration),
    /// After so many requests in all, none ahead.
    Count(u64),
}

/// What came of a load.
#[derive(Debug)]
pub struct Outcome {
    /// Requests answered as expected, those that went ahead included.
    pub accepted: u64,
    /// Requests measured per second.
    pub per_second: f64,
    /// When the first request measured was sent.
    pub start: Instant,
    /// How long each request measured took, shortest first.
    pub latencies: Vec<Duration>,
}

impl Outcome {
    /// The time that 99 of 100 requests stayed below.
    pub fn p99(&self) -> Duration {
        p99(&self.latencies)
    }
}

/// The time that 99 of 100 stayed below; sorted, shortest first.
pub fn p99(latencies: &[Duration]) -> Duration {
    latencies[latencies.len() * 99 / 100]
}

/// Events per second.
pub fn rate(events: u64, elapsed: Duration) -> f64 {
    f64::from(u32::try_from(events).expect("a benchmark is short")) / elapsed.as_secs_f64()
}

/// Runs a load to its end. Panics at the first request that is not answered as expected.
pub fn run(load: &Load) -> Outcome {
    let runtime = Runtime::new().expect("threads can be started");
    runtime.block_on(drive(load))
}

async fn drive(load: &Load) -> Outcome {
    let gate = Arc::new(Barrier::new(load.connections + 1));
    let pace = Arc::new(Pace::of(load.until));
    let connector = wire::connector(Some(&pki().client));
    let mut connections = JoinSet::new();
    for _ in 0..load.connections {
        let sender = Sender {
            load: load.clone(),
            connector: connector.clone(),
        };
        connections.spawn(sender.run(Arc::clone(&gate), Arc::clone(&pace)));
    }
    gate.wait().await;
    let start = Instant::now();
    let mut latencies: Vec<_> = connections.join_all().await.into_iter().flatten().collect();
    let (elapsed, done) = (start.elapsed(), latencies.len() as u64);
    latencies.sort_unstable();
    Outcome {
        accepted: done + pace.ahead() * load.connections as u64,
        per_second: rate(done, elapsed),
        start,
        latencies,
    }
}

/// Says whether there is another request to send.
struct Pace {
    until: Until,
    sent: AtomicU64,
}

impl Pace {
    fn of(until: Until) -> Self {
        Self {
            until,
            sent: AtomicU64::new(0),
        }
    }

    fn ahead(&self) -> u64 {
        match self.until {
            Until::Time(_) => 1,
            Until::Count(_) => 0,
        }
    }

    fn goes_on(&self, start: Instant) -> bool {
        match self.until {
            Until::Time(time) => start.elapsed() < time,
            Until::Count(count) => self.sent.fetch_add(1, Ordering::Relaxed) < count,
        }
    }
}

/// One connection.
struct Sender {
    load: Load,
    connector: TlsConnector,
}

impl Sender {
    /// How long each request measured took.
    async fn run(mut self, gate: Arc<Barrier>, pace: Arc<Pace>) -> Vec<Duration> {
        let wire = Wire::open(self.load.address, &self.connector).await;
        let mut wire = wire.expect("the server takes connections");
        for _ in 0..pace.ahead() {
            self.exchange(&mut wire).await;
        }
        gate.wait().await;
        let start = Instant::now();
        let mut latencies = Vec::new();
        while pace.goes_on(start) {
            let sent = Instant::now();
            self.exchange(&mut wire).await;
            latencies.push(sent.elapsed());
        }
        latencies
    }

    async fn exchange(&mut self, wire: &mut Wire) {
        let (front, rest) = self.load.request.next();
        let sent = wire.send(&[front, rest]).await;
        let status = wire.answer().await;
        assert_eq!(
            status.ok(),
            Some(self.load.expected),
            "sent: {sent:?}, answer: {}",
            wire.text()
        );
    }
}
