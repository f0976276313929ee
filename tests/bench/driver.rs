//! The load: keep-alive connections over mutual TLS that send one request after the other.
//!
//! Written by hand down to the bytes, because it shares the processors with what it measures.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    sync::Barrier,
    task::JoinSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::request::Request;
use crate::kit::{pki::pki, tls};

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
    let connector = TlsConnector::from(Arc::new(tls::client(Some(&pki().client))));
    let mut connections = JoinSet::new();
    for _ in 0..load.connections {
        let sender = Sender::new(load.clone(), connector.clone());
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
    buffer: Vec<u8>,
}

impl Sender {
    fn new(load: Load, connector: TlsConnector) -> Self {
        Self {
            load,
            connector,
            buffer: Vec::with_capacity(16_384),
        }
    }

    /// How long each request measured took.
    async fn run(mut self, gate: Arc<Barrier>, pace: Arc<Pace>) -> Vec<Duration> {
        let mut stream = self.connect().await.expect("the server takes connections");
        for _ in 0..pace.ahead() {
            self.exchange(&mut stream).await;
        }
        gate.wait().await;
        let start = Instant::now();
        let mut latencies = Vec::new();
        while pace.goes_on(start) {
            let sent = Instant::now();
            self.exchange(&mut stream).await;
            latencies.push(sent.elapsed());
        }
        latencies
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(self.load.address).await?;
        socket.set_nodelay(true)?;
        let name = "localhost".try_into().expect("a valid name");
        self.connector.connect(name, socket).await
    }

    async fn exchange(&mut self, stream: &mut TlsStream<TcpStream>) {
        let sent = self.send(stream).await;
        let status = self.answer(stream).await;
        let text = String::from_utf8_lossy(&self.buffer);
        assert_eq!(
            status.ok(),
            Some(self.load.expected),
            "sent: {sent:?}, answer: {text}"
        );
    }

    async fn send(&mut self, stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
        let (front, rest) = self.load.request.next();
        stream.write_all(front).await?;
        stream.write_all(rest).await?;
        stream.flush().await
    }

    /// Reads one whole answer and gives its status.
    async fn answer(&mut self, stream: &mut TlsStream<TcpStream>) -> io::Result<u16> {
        self.buffer.clear();
        loop {
            if let Some((status, length)) = measured(&self.buffer)
                && self.buffer.len() >= length
            {
                return Ok(status);
            }
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Status and total length of the answer at the buffer's start, once its head is there.
fn measured(buffer: &[u8]) -> Option<(u16, usize)> {
    let end = buffer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&buffer[..end]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(content_length).unwrap_or(0);
    Some((status, end + 4 + length))
}

fn content_length(line: &str) -> Option<usize> {
    let (name, value) = line.split_once(':')?;
    let named = name.eq_ignore_ascii_case("content-length");
    named.then(|| value.trim().parse().ok()).flatten()
}
