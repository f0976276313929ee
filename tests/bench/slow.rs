//! Slow senders: how much longer others wait while two thousand bodies trickle in.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt, net::TcpStream, runtime::Runtime, sync::Barrier, task::JoinSet, time::sleep,
};
use tokio_rustls::TlsConnector;

use super::{driver::Until, figures::Figures, request::MARK, request::Request, subject::Subject};
use crate::kit::{
    document,
    gateway::{Engine, PROJECT},
    pki::pki,
    tls,
};

/// How many bodies are open.
const OPEN: usize = 2000;
/// How long the others are measured: within the time that a body may be slower than the least rate.
const RUN: Duration = Duration::from_secs(5);
/// Bytes that a slow sender sends before it slows down: head, metadata, the beginning of the content.
const AHEAD: usize = 2048;

/// Measures pieces at eight connections without slow bodies, and with them.
pub fn measure(figures: &mut Figures) {
    let content = document::pdf(MARK, 100_000);
    let mut subject = Subject::start(Engine::Sqlite);
    let without = subject.push(&content, 8, Until::Time(RUN)).p99();
    let runtime = Runtime::new().expect("threads can be started");
    let request = Request::piece(
        subject.gateway.address(),
        subject.token(),
        PROJECT,
        &content,
    );
    let slow = runtime.block_on(open(&subject, &request));
    let with = subject.push(&content, 8, Until::Time(RUN)).p99();
    drop(slow);
    let [without, with] = [without, with].map(|time| time.as_secs_f64() * 1000.0);
    figures.line("p99 of a piece of 100 KB, 8 connections", without, "ms");
    figures.line("the same with 2,000 slow bodies open", with, "ms");
    figures.named("slow_body_p99_ratio", with / without, "at most 2");
}

/// Senders that have begun, and go on with a byte every second until they are dropped.
async fn open(subject: &Subject, request: &Request) -> JoinSet<()> {
    let connector = TlsConnector::from(Arc::new(tls::client(Some(&pki().client))));
    let address = subject.gateway.address();
    let ready = Arc::new(Barrier::new(OPEN + 1));
    let mut senders = JoinSet::new();
    for _ in 0..OPEN {
        let (connector, ready, mut request) = (connector.clone(), ready.clone(), request.clone());
        senders.spawn(async move {
            let socket = TcpStream::connect(address).await.expect("it listens");
            let name = "localhost".try_into().expect("a valid name");
            let mut stream = connector.connect(name, socket).await.expect("it lets in");
            ready.wait().await;
            let (front, _) = request.next();
            let (ahead, rest) = front.split_at(AHEAD);
            if stream.write_all(ahead).await.is_err() {
                return;
            }
            for byte in rest.chunks(1) {
                let sent = async {
                    stream.write_all(byte).await?;
                    stream.flush().await
                };
                if sent.await.is_err() {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
        });
    }
    ready.wait().await;
    senders
}
