//! Connections that end in the middle, at many places and in both ways: nothing half is ever visible (ARC-1).

use std::collections::BTreeSet;

use super::{Desk, SOON, framing::Request};
use crate::{
    both_engines,
    kit::{pki::pki, raw::Raw, wait},
};

/// How many places a request is cut at, evenly spread, in each of the two ways.
const PLACES: usize = 64;

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Closed,
    Reset,
}

/// The places to cut a request of that length at: its first byte, its last ones, and many between.
fn places(length: usize) -> BTreeSet<usize> {
    let even = (0..PLACES).map(|number| 1 + number * (length - 1) / PLACES);
    even.chain([length - 4, length - 2, length - 1, length])
        .collect()
}

/// Sends the first bytes of a request and ends the connection.
async fn cut(desk: &Desk, request: &[u8], place: usize, end: End) {
    let mut raw = Raw::connect(&desk.gateway, Some(&pki().client)).await;
    let _ = raw.send(&request[..place]).await;
    match end {
        End::Closed => raw.close().await,
        End::Reset => raw.reset(),
    }
}

/// The dossiers of the pieces that the client sees.
async fn visible(desk: &Desk) -> BTreeSet<String> {
    let page = desk.client.get("/v1/pieces?limit=200").await.json();
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["metadata"]["dossierId"].as_str().unwrap().to_owned())
        .collect()
}

async fn survives(desk: &mut Desk, end: End) {
    let length = Request::good(desk, "D-000").bytes().len();
    let mut whole = BTreeSet::new();
    for (number, place) in places(length).into_iter().enumerate() {
        let dossier = format!("D-{number:03}");
        let request = Request::good(desk, &dossier).bytes();
        cut(desk, &request, place, end).await;
        if place == length {
            whole.insert(dossier);
        }
    }
    settled(desk);
    let seen = visible(desk).await;
    assert!(
        seen.is_subset(&whole),
        "{end:?}: {:?}",
        seen.difference(&whole)
    );
    desk.gateway.stop();
    desk.gateway.doctor();
}

/// Waits until every file of the store belongs to a row: what was cut has been thrown away.
fn settled(desk: &Desk) {
    wait::until("store without leavings", SOON, || {
        let documents = desk.gateway.count("SELECT count(*) FROM document");
        (desk.gateway.blobs().len() as u64 == documents).then_some(())
    });
}

both_engines! {
    async fn a_connection_closed_anywhere_leaves_nothing_half(kit) {
        survives(&mut Desk::open(kit).await, End::Closed).await;
    }

    async fn a_connection_reset_anywhere_leaves_nothing_half(kit) {
        survives(&mut Desk::open(kit).await, End::Reset).await;
    }
}
