//! Uploads that take their time: as long as the hub's own deadline gives them, and no longer; no sweep takes one of them for dead.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use navette::domain::ged::sweep::{self, Swept};
use reqwest::{Body, Method, header::CONTENT_TYPE};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{created, status};
use crate::{
    both_engines, inside,
    kit::{
        clamd::Impostor,
        client::Answer,
        document,
        gateway::{Engine, Kit},
        hubee::{build::File, caller::finish, hub::Hub},
        wait,
    },
    retention::clock::{frozen, hours},
};

/// Long enough for what takes some seconds, on a busy machine.
const SOON: Duration = Duration::from_secs(60);

/// Some of it is on the disk long before all of it has come.
fn long() -> File {
    File::of(
        "long.pdf",
        "application/pdf",
        document::pdf("long", 3_000_000),
    )
}

/// Begins an upload whose bytes are fed to it; it ends when the feed is dropped.
fn begun(hub: &Hub, path: &str) -> (mpsc::Sender<Bytes>, JoinHandle<Answer>) {
    let (feed, fed) = mpsc::channel::<Bytes>(1);
    let pieces = stream::unfold(fed, |mut fed| async move {
        let piece = fed.recv().await?;
        Some((Ok::<_, Infallible>(piece), fed))
    });
    let request = hub.osl.request(Method::PUT, path);
    let request = request.header(CONTENT_TYPE, "application/octet-stream");
    let going = finish(request.body(Body::wrap_stream(pieces)));
    (feed, tokio::spawn(going))
}

/// The upload's answer.
async fn ended(going: JoinHandle<Answer>) -> Answer {
    let ended = tokio::time::timeout(SOON, going).await;
    ended.expect("an answer comes").unwrap()
}

fn await_bytes(hub: &Hub) {
    wait::until("bytes on the disk", SOON, || {
        (!hub.blobs().is_empty()).then_some(())
    });
}

both_engines! {
    /// R14: a file that is hours old by the clock, and still coming within the hub's deadline, is swept by nobody.
    async fn an_upload_that_goes_on_for_hours_is_swept_by_nobody(kit) {
        let hub = Hub::open(kit.set("hubee.body_deadline_seconds", 14_400)).await;
        let file = long();
        let sent = created(&hub, "L-1", std::slice::from_ref(&file)).await;
        let (feed, going) = begun(&hub, &sent.file_path(0));
        let half = file.bytes.len() / 2;
        feed.send(file.bytes.slice(..half)).await.unwrap();
        await_bytes(&hub);
        let (ctx, _) = frozen(&hub, inside::now() + hours(3)).await;
        assert_eq!(sweep::sweep(&ctx, Duration::ZERO).await.unwrap(), Swept::default());
        feed.send(file.bytes.slice(half..)).await.unwrap();
        drop(feed);
        ended(going).await.of(204);
        sent.complete(&hub.osl).await;
        let got = hub.si.get(&sent.case_file_path(0, 0)).await.of(200);
        assert!(got.body == file.bytes, "other bytes");
        hub.await_idle();
        hub.doctor();
    }

    /// Pieces have a deadline of their own, and it is not the hub's.
    async fn an_upload_may_take_longer_than_a_piece(kit) {
        let hub = Hub::open(kit.set("limits.body_deadline_seconds", 2)).await;
        let sent = hub.create("L-2").await;
        let (feed, going) = begun(&hub, &sent.file_path(0));
        let file = sent.files[0].bytes.clone();
        for part in file.chunks(file.len().div_ceil(8)) {
            feed.send(Bytes::copy_from_slice(part)).await.unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        drop(feed);
        ended(going).await.of(204);
        assert_eq!(status(&hub.osl, &sent, 0).await, "RECEIVED");
    }

    /// R7, R14: who stalls is told so in the hub's own form once the hub's deadline is over; the attachment is as it was.
    async fn an_upload_that_stalls_is_told_so_and_leaves_nothing(kit) {
        let hub = Hub::open(kit.set("hubee.body_deadline_seconds", 2)).await;
        let file = long();
        let sent = created(&hub, "L-3", std::slice::from_ref(&file)).await;
        let (feed, going) = begun(&hub, &sent.file_path(0));
        feed.send(file.bytes.slice(..file.bytes.len() / 2)).await.unwrap();
        ended(going).await.is_refused(400, "Bad Request : the body came too slowly");
        drop(feed);
        assert_eq!(status(&hub.osl, &sent, 0).await, "PENDING");
        wait::until("end of what stalled", SOON, || hub.blobs().is_empty().then_some(()));
        hub.await_idle();
        hub.doctor();
    }
}

/// By a clock that jumps, what is on its way looks old: a sweep looks twice, as long apart as the longest upload can take with its
/// turn at the antivirus and the look itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_waits_as_long_as_the_longest_upload_can_take() {
    let antivirus = Impostor::start(None);
    let kit = antivirus.looking(Kit::new(Engine::Sqlite)).with_hub();
    let kit = kit
        .set("antivirus.max_bytes", 1 << 30)
        .set("antivirus.timeout_seconds", 600);
    let gateway = kit.stopped();
    let ctx = inside::house(&gateway).await.ctx;
    let longest = Duration::from_secs(3600 + 30 + 600);
    assert!(sweep::patience(&ctx) > longest);
}
