//! A flipped byte in a stored blob: told where it can be, broken off where it cannot, and never one wrong byte.

use std::{fs, os::unix::fs::FileExt};

use reqwest::Method;

use crate::{
    both_engines,
    kit::{
        client::{Client, finish, metadata, try_finish},
        document,
        gateway::Gateway,
    },
};

/// A content of many groups of frames.
const SIZE: usize = 3_000_000;

/// Flips one bit of the only blob, at that part of its length.
fn flip(gateway: &Gateway, numerator: u64, denominator: u64) {
    let blobs = gateway.blobs();
    assert_eq!(blobs.len(), 1, "{blobs:?}");
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(&blobs[0])
        .unwrap();
    let place = file.metadata().unwrap().len() * numerator / denominator;
    let mut byte = [0];
    file.read_exact_at(&mut byte, place).unwrap();
    file.write_all_at(&[byte[0] ^ 1], place).unwrap();
}

/// The path of a content that was sent whole and has been processed.
async fn content(gateway: &Gateway, client: &Client, bytes: &[u8]) -> String {
    let id = client
        .push(&metadata("D-1"), bytes.to_vec())
        .await
        .reconciliation_id();
    gateway.partner().wait_for(1, super::SOON).await;
    format!("/v1/pieces/{id}/content")
}

both_engines! {
    async fn a_small_content_with_a_flipped_byte_is_told_as_corrupt(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let path = content(&gateway, &client, &document::small("x")).await;
        flip(&gateway, 1, 2);
        client.get(&path).await.is_problem(500, "corrupt");
        let part = client.request(Method::GET, &path).header("range", "bytes=0-0");
        finish(part).await.is_problem(500, "corrupt");
    }

    async fn a_header_with_a_flipped_byte_is_told_as_corrupt(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let path = content(&gateway, &client, &document::small("x")).await;
        flip(&gateway, 0, 1);
        client.get(&path).await.is_problem(500, "corrupt");
    }

    async fn a_blob_that_is_gone_or_cut_is_told_as_corrupt(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let path = content(&gateway, &client, &document::small("x")).await;
        let blob = &gateway.blobs()[0];
        let file = fs::File::options().write(true).open(blob).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        client.get(&path).await.is_problem(500, "corrupt");
        fs::remove_file(blob).unwrap();
        client.get(&path).await.is_problem(500, "corrupt");
    }

    /// The answer had begun: it ends before the damage, and is no whole answer.
    async fn a_large_content_breaks_off_before_its_flipped_byte(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let bytes = document::pdf("x", SIZE);
        let path = content(&gateway, &client, &bytes).await;
        flip(&gateway, 2, 3);
        let mut response = client.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut read = Vec::new();
        let ended = loop {
            match response.chunk().await {
                Ok(Some(piece)) => read.extend_from_slice(&piece),
                other => break other,
            }
        };
        assert!(ended.is_err(), "a cut answer must not look whole");
        assert!(read.len() < SIZE && bytes.starts_with(&read), "{}", read.len());
    }

    /// What is not touched by the damage is still to be had.
    async fn a_range_beside_the_flipped_byte_is_answered(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let bytes = document::pdf("x", SIZE);
        let path = content(&gateway, &client, &bytes).await;
        flip(&gateway, 2, 3);
        for (range, part) in [("bytes=0-99999", &bytes[..100_000]), ("bytes=-500000", &bytes[SIZE - 500_000..])] {
            let answer = try_finish(client.request(Method::GET, &path).header("range", range)).await.unwrap();
            assert!(answer.status == 206 && answer.body == part, "{range}");
        }
        let across = client.request(Method::GET, &path).header("range", "bytes=1990000-2010000");
        finish(across).await.is_problem(500, "corrupt");
    }

    async fn damage_is_logged_as_a_fault_of_ours(kit) {
        let gateway = kit.start();
        let client = gateway.client().await;
        let path = content(&gateway, &client, &document::small("x")).await;
        flip(&gateway, 1, 2);
        client.get(&path).await.is_problem(500, "corrupt");
        let log = gateway.log();
        assert!(log.lines().any(|line| line.contains(r#""level":"ERROR""#) && line.contains("corrupt")), "{log}");
    }
}
