//! Files of a gigabyte, both ways: what the gateway holds in memory meanwhile (R14).

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::{
    Body, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};

use super::{created, status};
use crate::kit::{
    gateway::{Engine, Kit},
    hubee::{build::File, caller::finish, hub::Hub, referential::LARGEST},
};

/// The most that the gateway may ever hold, in kB.
const MOST: u64 = 128 * 1024;
/// What is sent at once.
const PIECE: usize = 1 << 20;

/// A text of `size` bytes, as a stream.
fn text(size: u64) -> Body {
    let piece = Bytes::from(vec![b'n'; PIECE]);
    let whole = size / PIECE as u64;
    let rest = piece.slice(..(size % PIECE as u64) as usize);
    let pieces =
        stream::iter(std::iter::repeat_n(piece, whole as usize)).chain(stream::iter([rest]));
    Body::wrap_stream(pieces.map(Ok::<_, std::io::Error>))
}

async fn send(hub: &Hub, path: &str, size: u64) -> crate::kit::client::Answer {
    let request = hub.osl.request(Method::PUT, path);
    let request = request
        .header(CONTENT_TYPE, "application/octet-stream")
        .header(CONTENT_LENGTH, size);
    finish(request.body(text(size))).await
}

/// R14: a file of 1 GB streams in and out in constant memory; one byte more is refused, and its sender reads why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_streams_both_ways_in_little_memory_and_one_byte_more_is_refused() {
    let hub = Hub::open(Kit::new(Engine::Sqlite)).await;
    let mut files = [
        File::of("a.txt", "text/plain", ""),
        File::of("b.txt", "text/plain", ""),
    ];
    files
        .iter_mut()
        .for_each(|file| file.said["size"] = LARGEST.into());
    let sent = created(&hub, "M-1", &files).await;
    send(&hub, &sent.file_path(0), LARGEST).await.of(204);
    send(&hub, &sent.file_path(1), LARGEST + 1)
        .await
        .is_bad(&["size"]);
    assert_eq!(status(&hub.osl, &sent, 1).await, "REJECTED");
    let request = hub.osl.request(Method::GET, &sent.case_file_path(0, 0));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut pieces = response.bytes_stream();
    let mut received = 0;
    while let Some(piece) = pieces.next().await {
        received += piece.unwrap().len() as u64;
    }
    assert_eq!(received, LARGEST);
    let peak = hub.peak();
    println!("1 GB both ways: {peak} kB");
    assert!(peak <= MOST, "{peak} kB");
}
