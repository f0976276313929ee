//! A client that hangs up right after its last byte has sent its piece.

use std::{sync::mpsc, time::Duration};

use navette::storage::Engine;
use tokio::sync::oneshot;

use crate::{
    both_engines, inside,
    kit::{
        client::{Client, metadata},
        document,
        gateway::Gateway,
        pki::pki,
        raw::Raw,
        wait,
    },
};

/// Within one group of the vault's, beyond it, and far beyond it.
const SIZES: [usize; 3] = [2_000, 300_000, 3_000_000];

/// For what happens at once, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often each size is tried: the window is narrow.
const TIMES: usize = 6;

both_engines! {
    /// It closes in good order, and does not wait for its answer.
    async fn a_client_that_closes_after_its_last_byte_has_sent_its_piece(kit) {
        hang_up(&kit.start(), async |connection| connection.close().await).await;
    }

    /// Its process is gone: the gateway is told by a reset.
    async fn a_client_that_resets_after_its_last_byte_has_sent_its_piece(kit) {
        hang_up(&kit.start(), async |connection| connection.reset()).await;
    }

    /// An operator stops the gateway while the database has nobody write: the process does not end before the piece is in.
    async fn a_piece_whose_client_has_hung_up_is_taken_in_before_the_gateway_ends(kit) {
        let mut gateway = kit.without_worker().start();
        let client = gateway.client().await;
        // The project has its keys of today, which are rows too.
        client.push(&metadata("D-0"), document::small("D-0")).await.reconciliation_id();
        let (before, mut connection) = (whole(&gateway), greeted(&gateway, &client).await);
        let open = connections(&gateway);
        let release = nobody_writes(&gateway).await;
        let sent = connection.send(&request(&client, "D-1", SIZES[1])).await;
        sent.expect("the gateway reads to the end");
        connection.delivered().await;
        wait::until("whole blob", PATIENCE, || (whole(&gateway) > before).then_some(()));
        connection.close().await;
        wait::until("end of the connection", PATIENCE, || (connections(&gateway) < open).then_some(()));
        gateway.ask_to_stop();
        wait::until("end of health", PATIENCE, || gateway.health("/metrics").is_none().then_some(()));
        drop(release);
        assert!(gateway.ended().success());
        gateway.restart();
        arrives(&client, "D-1").await;
        gateway.doctor();
    }
}

/// Blobs that are written to their end.
fn whole(gateway: &Gateway) -> usize {
    let blobs = gateway.blobs().into_iter();
    blobs.filter(|blob| blob.extension().is_none()).count()
}

/// How many connections the gateway has, this question's among them.
fn connections(gateway: &Gateway) -> u64 {
    let (_, text) = gateway.health("/metrics").expect("it runs");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("navette_connections "));
    line.and_then(|number| number.parse().ok())
        .expect("it is counted")
}

/// Has nobody write to the gateway's exchanges before the answer is dropped.
async fn nobody_writes(gateway: &Gateway) -> mpsc::Sender<()> {
    let store = inside::store(gateway);
    let ((release, gate), (tell, held)) = (mpsc::channel::<()>(), oneshot::channel());
    let mut tell = Some(tell);
    tokio::spawn(async move {
        let holding = store.write(move |tx| {
            // SQLite has one writer.
            if tx.engine() == Engine::Postgres {
                tx.script("LOCK TABLE exchange IN EXCLUSIVE MODE")?;
            }
            tell.take().map(|tell| tell.send(()));
            let _ = gate.recv_timeout(PATIENCE);
            Ok(())
        });
        holding.await
    });
    held.await.expect("it holds");
    release
}

async fn hang_up(gateway: &Gateway, how: impl AsyncFn(Raw)) {
    let client = gateway.client().await;
    for size in SIZES {
        for time in 0..TIMES {
            let dossier = format!("D-{size}-{time}");
            let mut connection = greeted(gateway, &client).await;
            let sent = connection.send(&request(&client, &dossier, size)).await;
            sent.expect("the gateway reads to the end");
            connection.delivered().await;
            how(connection).await;
            arrives(&client, &dossier).await;
        }
    }
    gateway.await_idle();
    gateway.doctor();
}

/// A connection on which a first answer came: whoever resets before the handshake's last message is read has sent nothing.
async fn greeted(gateway: &Gateway, client: &Client) -> Raw {
    let mut connection = Raw::connect(gateway, Some(&pki().client)).await;
    let token = client.token.as_deref().expect("it has asked for one");
    let head = format!(
        "GET /v1/pieces HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let sent = connection.send(head.as_bytes()).await;
    sent.expect("the gateway reads");
    let answer = connection.answer("GET", "/v1/pieces").await;
    assert_eq!(answer.expect("an answer").status, 200);
    connection
}

async fn arrives(client: &Client, dossier: &str) {
    let path = format!("/v1/pieces?dossierId={dossier}");
    wait::eventually(dossier, Duration::from_secs(20), async || {
        let page = client.get(&path).await.json();
        (page["items"].as_array()?.len() == 1).then_some(())
    })
    .await;
}

/// A whole request as bytes.
pub fn request(client: &Client, dossier: &str, size: usize) -> Vec<u8> {
    let opening = format!(
        "--limite\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n\
         {}\r\n--limite\r\nContent-Disposition: form-data; name=\"content\"; filename=\"facture.pdf\"\r\n\
         Content-Type: application/pdf\r\n\r\n",
        metadata(dossier)
    );
    let closing = "\r\n--limite--\r\n";
    let token = client.token.as_deref().expect("it has asked for one");
    let head = format!(
        "POST /v1/pieces HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary=limite\r\nContent-Length: {}\r\n\r\n",
        opening.len() + size + closing.len()
    );
    let content = document::pdf(dossier, size);
    [
        head.as_bytes(),
        opening.as_bytes(),
        &content,
        closing.as_bytes(),
    ]
    .concat()
}
