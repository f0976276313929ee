//! A stand-in for the API that ASP exposes for returns: a real HTTPS server that demands a client certificate.
//!
//! A test scripts what a path answers ([`Partner::script`]), lets the gateway call, waits for the calls
//! ([`Partner::wait_for`]) and looks at what came. Unscripted paths acknowledge. How many calls of a path are open at once is
//! counted (`open`). To add a way of answering: a variant of [`Answer`] and its line in `answer::render`.

mod answer;
mod open;
mod server;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::HeaderMap;
use tokio::{runtime::Runtime, sync::watch};

pub use answer::Answer;

use super::{
    pki::{Identity, pki},
    ports,
};

/// One call of the gateway, as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The path called.
    pub path: String,
    /// The headers, all of them.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// When its last byte was here.
    pub at: Instant,
    /// SHA-256 of the client certificate shown.
    pub certificate: [u8; 32],
}

impl Received {
    /// A header's text, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a return is JSON")
    }
}

/// The running stand-in; it stops when dropped.
#[derive(Debug)]
pub struct Partner {
    port: u16,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

#[derive(Debug)]
struct Shared {
    scripts: Mutex<HashMap<String, VecDeque<Answer>>>,
    calls: Mutex<Vec<Received>>,
    counts: Mutex<HashMap<String, usize>>,
    count: watch::Sender<usize>,
    open: open::Calls,
}

impl Partner {
    /// Starts one with the certificate that the gateway trusts.
    pub fn start() -> Self {
        Self::with_identity(&pki().partner)
    }

    /// Starts one with a certificate of the test's choice.
    pub fn with_identity(identity: &Identity) -> Self {
        let shared = Arc::new(Shared {
            scripts: Mutex::default(),
            calls: Mutex::default(),
            counts: Mutex::default(),
            count: watch::Sender::new(0),
            open: open::Calls::default(),
        });
        let runtime = runtime();
        let port = ports::free();
        {
            let _inside = runtime.enter();
            server::listen(port, identity, Arc::clone(&shared));
        }
        Self {
            port,
            shared,
            runtime: Some(runtime),
        }
    }

    /// The address of a path (which starts with `/`).
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// Sets what a path answers: each in turn, the last one for ever.
    pub fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let answers = answers.into_iter().collect();
        lock(&self.shared.scripts).insert(path.to_owned(), answers);
    }

    /// Every call so far, oldest first.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.calls).clone()
    }

    /// The number of calls so far.
    pub fn count(&self) -> usize {
        *self.shared.count.borrow()
    }

    /// The number of calls of one path so far.
    pub fn count_of(&self, path: &str) -> usize {
        let counts = lock(&self.shared.counts);
        counts.get(path).copied().unwrap_or_default()
    }

    /// How many calls of one path are open now: taken, and neither answered nor given up by the gateway.
    pub fn open_on(&self, path: &str) -> usize {
        self.shared.open.now(path)
    }

    /// The most calls of one path that were ever open at once.
    pub fn peak_on(&self, path: &str) -> usize {
        self.shared.open.peak(path)
    }

    /// Acknowledges every call that was [`Answer::Held`], and those to come.
    pub fn release(&self) {
        self.shared.open.release();
    }

    /// Waits until `count` calls of one path have come. Panics at the deadline.
    pub async fn wait_on(&self, path: &str, count: usize, deadline: Duration) {
        let mut calls = self.shared.count.subscribe();
        let enough = calls.wait_for(|_| self.count_of(path) >= count);
        let waited = tokio::time::timeout(deadline, enough).await.is_ok();
        assert!(
            waited,
            "{} of {count} calls of {path} came",
            self.count_of(path)
        );
    }

    /// Waits until `count` calls have come, and gives them all. Panics at the deadline.
    pub async fn wait_for(&self, count: usize, deadline: Duration) -> Vec<Received> {
        let mut calls = self.shared.count.subscribe();
        let enough = calls.wait_for(|calls| *calls >= count);
        let waited = tokio::time::timeout(deadline, enough).await.is_ok();
        assert!(waited, "{} of {count} calls came", self.count());
        self.received()
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Unlike a plain drop, allowed inside of a test's own runtime.
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn record(&self, call: Received) {
        *lock(&self.counts).entry(call.path.clone()).or_default() += 1;
        lock(&self.calls).push(call);
        self.count.send_modify(|count| *count += 1);
    }

    fn next(&self, path: &str) -> Answer {
        let mut scripts = lock(&self.scripts);
        let Some(script) = scripts.get_mut(path) else {
            return Answer::Acknowledge;
        };
        match script.len() {
            0 => Answer::Acknowledge,
            1 => script[0].clone(),
            _ => script.pop_front().expect("two are left"),
        }
    }
}

/// One thread suffices, and leaves the rest of the machine to the gateway.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("partner")
        .enable_all()
        .build()
        .expect("a thread can be started")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
