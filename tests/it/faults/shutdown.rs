//! An operator stops a busy gateway: what was begun is finished.

use std::{net::TcpStream, time::Duration};

use super::hangup::request;
use crate::{
    both_engines,
    kit::{gateway::Gateway, pki::pki, raw::Raw, wait},
};

const UPLOADS: usize = 16;
/// Half of it is more than the vault keeps in memory: a file stands for each upload.
const SIZE: usize = 1_600_000;
const PATIENCE: Duration = Duration::from_secs(30);

both_engines! {
    /// Sixteen uploads are in flight at SIGTERM: each gets its receipt, and the process ends well.
    async fn uploads_in_flight_at_the_stop_are_all_acknowledged(kit) {
        let mut gateway = kit.start();
        let client = gateway.client().await;
        let mut uploads = Vec::new();
        for number in 0..UPLOADS {
            let request = request(&client, &format!("D-{number}"), SIZE);
            let mut connection = Raw::connect(&gateway, Some(&pki().client)).await;
            let (first, rest) = request.split_at(SIZE / 2);
            connection.send(first).await.unwrap();
            uploads.push((connection, rest.to_vec()));
        }
        wait::until("begun blobs", PATIENCE, || (begun(&gateway) == UPLOADS).then_some(()));
        gateway.ask_to_stop();
        wait::until("closed door", PATIENCE, || TcpStream::connect(gateway.address()).err());
        for (connection, rest) in &mut uploads {
            connection.send(rest).await.unwrap();
        }
        for (mut connection, _) in uploads {
            let answer = connection.answer("POST", "/v1/pieces").await.expect("an answer");
            assert_eq!(answer.status, 202, "{answer:?}");
        }
        assert!(gateway.ended().success());
        gateway.doctor();
    }
}

/// Blobs that are being written.
fn begun(gateway: &Gateway) -> usize {
    let blobs = gateway.blobs().into_iter();
    blobs.filter(|blob| blob.extension().is_some()).count()
}
