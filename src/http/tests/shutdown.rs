//! Limits on connections, and the graceful end.

use std::sync::Arc;

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::{Duration, Instant},
};

use super::super::{
    listener::Settings,
    rig::{read_all, routes, start},
};

const GET: &[u8] = b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";

/// `/wait` says when it was entered and answers when it is let go.
fn waiting(entered: &Arc<Notify>, release: &Arc<Notify>) -> Router {
    let (entered, release) = (Arc::clone(entered), Arc::clone(release));
    let handler = move || async move {
        entered.notify_one();
        release.notified().await;
        "done"
    };
    Router::new().route("/wait", get(handler))
}

#[tokio::test]
async fn a_request_in_flight_is_finished_and_an_idle_connection_ends_at_once() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = start(None, Settings::default(), waiting(&entered, &release)).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(GET).await.unwrap();
    entered.notified().await;
    server.stop.cancel();
    assert_eq!(read_all(&mut idle).await, "");
    release.notify_one();
    let answer = read_all(&mut busy).await;
    assert!(answer.ends_with("done"), "{answer}");
    server.done.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

/// From its last byte on, its client is not needed any more.
#[tokio::test]
async fn a_request_whose_client_has_hung_up_is_finished_too() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = start(None, Settings::default(), waiting(&entered, &release)).await;
    let mut gone = TcpStream::connect(server.address).await.unwrap();
    gone.write_all(GET).await.unwrap();
    entered.notified().await;
    drop(gone);
    server.stop.cancel();
    let mut done = server.done;
    let soon = Duration::from_millis(300);
    assert!(tokio::time::timeout(soon, &mut done).await.is_err());
    release.notify_one();
    done.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_done_30_seconds_after_the_stop_is_cut() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = start(None, Settings::default(), waiting(&entered, &release)).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(GET).await.unwrap();
    entered.notified().await;
    let start = Instant::now();
    server.stop.cancel();
    server.done.await.unwrap();
    assert!((30..=31).contains(&start.elapsed().as_secs()));
    assert_eq!(read_all(&mut busy).await, "");
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_a_place() {
    let settings = Settings {
        connections: 1,
        ..Settings::default()
    };
    let server = start(None, settings, routes(settings)).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first
        .write_all(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    first.read_exact(&mut [0; 12]).await.unwrap();
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second
        .write_all(b"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut early = [0; 12];
    let soon = Duration::from_millis(100);
    assert!(
        tokio::time::timeout(soon, second.read_exact(&mut early))
            .await
            .is_err()
    );
    drop(first);
    let answer = read_all(&mut second).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
