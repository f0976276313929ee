//! Slow and silent clients, under a clock that runs ahead as soon as everyone waits.

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    time::{Duration, Instant, sleep},
};

use super::super::{
    body::{Guard, Limits, Meter},
    listener::Settings,
    rig::{Authority, read_all, routes, start},
};
use crate::kernel::fault::Code;

use http_body_util::{BodyExt, StreamBody};
use tokio::net::TcpStream;

const HEAD: &[u8] = b"POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";

/// Sends `first`, then one byte per `pause` until the server closes; its answer and how long it took.
async fn trickle(first: &[u8], pause: Duration) -> (String, Duration) {
    let settings = Settings::default();
    let server = start(None, settings, routes(settings)).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let (mut reader, mut writer) = socket.split();
    writer.write_all(first).await.unwrap();
    let start = Instant::now();
    let mut answer = Vec::new();
    tokio::select! {
        _ = reader.read_to_end(&mut answer) => {}
        () = async { loop {
            sleep(pause).await;
            // The server may be gone: the reader tells.
            let _ = writer.write_all(b"a").await;
        } } => {}
    }
    (
        String::from_utf8_lossy(&answer).into_owned(),
        start.elapsed(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_not_whole_after_5_seconds_ends_the_connection() {
    let (answer, took) = trickle(b"GET /who HTTP/1.1\r\nX-Slow: ", Duration::from_secs(1)).await;
    assert_eq!(answer, "");
    assert!((5..=6).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_below_1_000_bytes_per_second_gets_408_after_10_seconds() {
    let (answer, took) = trickle(HEAD, Duration::from_secs(1)).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!((10..=50).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_after_75_seconds() {
    let settings = Settings::default();
    let server = start(None, settings, routes(settings)).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let start = Instant::now();
    socket
        .write_all(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let answer = read_all(&mut socket).await;
    assert!(answer.starts_with("HTTP/1.1 200"));
    assert!(
        (74..=77).contains(&start.elapsed().as_secs()),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_handshake_ends_after_3_seconds() {
    let ours = Authority::new();
    let settings = Settings::default();
    let server = start(Some(ours.tls(&[])), settings, routes(settings)).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let start = Instant::now();
    assert_eq!(read_all(&mut socket).await, "");
    assert!(
        (2..=4).contains(&start.elapsed().as_secs()),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_of_its_answer_is_cut_after_75_seconds() {
    let settings = Settings {
        grace: Duration::from_secs(3600),
        ..Settings::default()
    };
    let router = Router::new().route("/large", get(async || vec![0; 50_000_000]));
    let server = start(None, settings, router).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let start = Instant::now();
    socket
        .write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    socket.read_exact(&mut [0; 12]).await.unwrap();
    server.stop.cancel();
    server.done.await.unwrap();
    assert!(
        (74..=77).contains(&start.elapsed().as_secs()),
        "{:?}",
        start.elapsed()
    );
}

/// A guarded body fed by `writer` in pieces of what it writes.
fn guarded(
    limits: Limits,
) -> (
    tokio::io::DuplexStream,
    Guard<impl http_body::Body<Data = bytes::Bytes, Error = std::io::Error> + Unpin>,
) {
    let (writer, reader) = duplex(1 << 20);
    let frames = tokio_util::io::ReaderStream::new(reader);
    let frames = futures_util::StreamExt::map(frames, |piece| piece.map(http_body::Frame::data));
    (
        writer,
        Guard::new(StreamBody::new(frames), limits, Meter::default()),
    )
}

#[tokio::test(start_paused = true)]
async fn a_silence_of_20_seconds_ends_a_body_that_was_fast_before() {
    let (mut writer, mut body) = guarded(Limits::default());
    writer.write_all(&[0; 500_000]).await.unwrap();
    let start = Instant::now();
    let fault = loop {
        if let Err(fault) = body.frame().await.unwrap() {
            break fault;
        }
    };
    assert_eq!(fault.code(), Code::BodyTooSlow);
    assert!((20..=21).contains(&start.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_body_lives_300_seconds_at_most_however_steady() {
    let (mut writer, mut body) = guarded(Limits::default());
    let start = Instant::now();
    let feeding = async {
        loop {
            writer.write_all(&[0; 4_000]).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    };
    let reading = async { while body.frame().await.unwrap().is_ok() {} };
    tokio::select! { () = feeding => {}, () = reading => {} }
    assert!((299..=302).contains(&start.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn time_that_the_handler_takes_does_not_count_against_the_sender() {
    let (mut writer, mut body) = guarded(Limits::default());
    for _ in 0..5 {
        writer.write_all(&[0; 100]).await.unwrap();
        assert!(body.frame().await.unwrap().is_ok());
        sleep(Duration::from_secs(50)).await;
    }
}
