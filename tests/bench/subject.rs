//! The gateway under load, with default settings and its worker on.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    driver::{self, Load, Outcome, Until},
    processes,
    request::Request,
};
use crate::kit::{
    client::Client,
    gateway::{Engine, Gateway, Kit, PROJECT},
    wait,
};

/// A running gateway, an application that may send, and the count of what it acknowledged.
#[derive(Debug)]
pub struct Subject {
    /// The gateway.
    pub gateway: Gateway,
    client: Client,
    runtime: Runtime,
    accepted: u64,
}

impl Subject {
    /// Starts it and gets a token.
    pub fn start(engine: Engine) -> Self {
        Self::of(Kit::new(engine).start())
    }

    /// The same around a gateway with settings of its own.
    pub fn of(gateway: Gateway) -> Self {
        let runtime = Runtime::new().expect("threads can be started");
        Self {
            client: runtime.block_on(gateway.client()),
            gateway,
            runtime,
            accepted: 0,
        }
    }

    /// Starts one that stands still until [`Subject::rate_while_thawed`].
    pub fn frozen(engine: Engine) -> Self {
        let subject = Self::start(engine);
        subject.signal(Signal::STOP);
        subject
    }

    /// Sends pieces, each with bytes and a dossier of its own.
    pub fn push(&mut self, content: &[u8], connections: usize, until: Until) -> Outcome {
        self.push_to(PROJECT, content, connections, until)
    }

    /// The same for a project.
    pub fn push_to(
        &mut self,
        project: &str,
        content: &[u8],
        connections: usize,
        until: Until,
    ) -> Outcome {
        let address = self.gateway.address();
        let outcome = driver::run(&Load {
            address,
            connections,
            request: Request::piece(address, self.token(), project, content),
            expected: 202,
            until,
        });
        self.accepted += outcome.accepted;
        outcome
    }

    /// The application's token.
    pub fn token(&self) -> &str {
        self.client.token.as_deref().unwrap_or_default()
    }

    /// The dossier of a piece.
    pub fn some_dossier(&self) -> String {
        let page = self.runtime.block_on(self.client.get("/v1/pieces?limit=1"));
        let page = page.json();
        let dossier = page["items"][0]["metadata"]["dossierId"].as_str();
        dossier.expect("pieces were sent").to_owned()
    }

    /// The path of the page after this one.
    pub fn next_page(&self, path: &str) -> Option<String> {
        let page = self.runtime.block_on(self.client.get(path)).json();
        let (list, _) = path.split_once("&cursor=").unwrap_or((path, ""));
        let cursor = page["nextCursor"].as_str()?;
        Some(format!("{list}&cursor={cursor}"))
    }

    /// How long each reading of a path took, shortest first; all of them answer 200.
    pub fn reading(&self, paths: &[String]) -> Vec<Duration> {
        let mut latencies = Vec::with_capacity(paths.len());
        self.runtime.block_on(async {
            for path in paths {
                let asked = Instant::now();
                let answer = self.client.get(path).await;
                latencies.push(asked.elapsed());
                assert_eq!(answer.status, 200, "{path}: {answer:?}");
            }
        });
        latencies.sort_unstable();
        latencies
    }

    /// The rate over some time, of a gateway that stands still outside of it: what its worker still has to do must
    /// not slow the yardsticks down.
    pub fn rate_while_thawed(&mut self, content: &[u8], connections: usize, time: Duration) -> f64 {
        self.signal(Signal::CONT);
        self.runtime.block_on(self.let_in());
        let outcome = self.push(content, connections, Until::Time(time));
        self.signal(Signal::STOP);
        outcome.per_second
    }

    /// A gateway that stood still for long believes no token until it has read its clients again.
    async fn let_in(&self) {
        wait::eventually("good answer", Duration::from_secs(10), async || {
            let answer = self.client.get("/v1/pieces?limit=1").await;
            (answer.status == 200).then_some(())
        })
        .await;
    }

    /// Processor time that the gateway and its children have taken per piece so far, in milliseconds.
    pub fn processor_ms_per_piece(&self) -> f64 {
        let pid = self.gateway.pid().as_raw_nonzero().get();
        let all = processes::family(pid).into_iter();
        let seconds: f64 = all.map(processes::processor_seconds).sum();
        seconds * 1000.0 / self.accepted as f64
    }

    /// Waits until the partner has a return for every piece.
    pub fn settle(&self, deadline: Duration) {
        let partner = self.gateway.partner();
        let all = usize::try_from(self.accepted).expect("64 bits");
        self.runtime.block_on(partner.wait_for(all, deadline));
    }

    /// Waits until the partner has had so many calls of one path.
    pub fn await_calls(&self, path: &str, count: usize, deadline: Duration) {
        let partner = self.gateway.partner();
        self.runtime
            .block_on(partner.wait_on(path, count, deadline));
    }

    /// Fails unless rows and verified blobs are as many as the pieces acknowledged.
    pub fn audit(&self) {
        self.signal(Signal::CONT);
        let report = self.gateway.doctor();
        let listed = self.runtime.block_on(self.listed());
        let found = [&report["exchanges"], &report["documents"]].map(Value::as_u64);
        assert_eq!(found, [Some(self.accepted); 2], "rows and verified blobs");
        assert_eq!(listed, self.accepted, "pieces that the API lists");
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.gateway.pid(), signal).expect("it runs");
    }

    async fn listed(&self) -> u64 {
        let mut rows = 0;
        let mut path = "/v1/pieces?limit=200".to_owned();
        loop {
            let page = self.client.get(&path).await.json();
            rows += page["items"].as_array().map_or(0, Vec::len) as u64;
            let Some(cursor) = page["nextCursor"].as_str() else {
                return rows;
            };
            path = format!("/v1/pieces?limit=200&cursor={cursor}");
        }
    }
}
