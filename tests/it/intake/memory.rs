//! Intake in constant memory: what the gateway holds while many large pieces are on their way at once.

use super::{
    Desk,
    framing::{self, Request},
};
use crate::kit::{
    document,
    gateway::{Engine, Kit},
    pki::pki,
    raw::Raw,
};

/// How many pieces are on their way at once, of how many bytes: 318 MB together.
const UPLOADS: usize = 16;
const SIZE: usize = 19_900_000;
/// What is kept back of each, so that none is whole yet.
const KEPT_BACK: usize = 1000;
/// The most that the gateway may hold for all of them together, in kB.
const MOST: u64 = 64 * 1024;

/// Nothing but the next frames of a piece is held, from its first byte to its receipt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_large_pieces_at_once_are_taken_in_little_memory() {
    // The first of them waits for the last one, on a busy machine.
    let kit = Kit::new(Engine::Sqlite)
        .set("limits.body_deadline_seconds", 600)
        .set("limits.body_silence_seconds", 300)
        .set("limits.body_bytes_per_second", 1);
    let desk = Desk::open(kit.without_worker()).await;
    let (content, before) = (document::pdf("D-1", SIZE), desk.gateway.peak());
    let mut uploads = Vec::new();
    for number in 0..UPLOADS {
        let request = Request::of(&desk, framing::around(&format!("D-{number}"), &content));
        let bytes = request.bytes();
        let (most, rest) = bytes.split_at(bytes.len() - KEPT_BACK);
        let mut raw = Raw::connect(&desk.gateway, Some(&pki().client)).await;
        raw.send(most).await.unwrap();
        raw.delivered().await;
        uploads.push((raw, rest.to_vec()));
    }
    let midway = desk.gateway.peak() - before;
    for (raw, rest) in &mut uploads {
        raw.send(rest).await.unwrap();
    }
    for (mut raw, _) in uploads {
        let answer = raw.answer("POST", framing::PATH).await.expect("an answer");
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    let grown = desk.gateway.peak() - before;
    println!(
        "{UPLOADS} pieces of {SIZE} bytes: {midway} kB before their ends, {grown} kB with them"
    );
    assert!(grown <= MOST, "{midway} kB, then {grown} kB");
}
