//! Unit pieces whose produced files are too large for the API: their returns leave through the depot, where the project has
//! that channel, instead of carrying links. Produced files of archives' pieces lie in the return archive.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{acknowledge, conforms, dropped, entries, lot, returned, through, with_status};
use crate::{
    both_engines, inside,
    kit::{
        depot::{Depot, Make},
        gateway::Gateway,
    },
    returns::{
        produced::{produced, worker},
        sent,
    },
};

/// A house beside the gateway with a processor that makes a file of `size` bytes of each document.
struct Workshop {
    stop: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Workshop {
    async fn open(gateway: &Gateway, size: usize) -> Self {
        let stop = CancellationToken::new();
        let house = inside::house(gateway).await;
        let (ctx, lines) = (house.ctx.clone(), inside::lines(&house));
        let looks = [
            tokio::spawn({
                let (ctx, lines, stop) = (ctx.clone(), lines.clone(), stop.clone());
                async move {
                    navette::worker::depots::run(ctx, lines, stop)
                        .await
                        .unwrap()
                }
            }),
            tokio::spawn({
                let stop = stop.clone();
                async move {
                    navette::worker::acknowledgments::run(ctx, lines, stop)
                        .await
                        .unwrap()
                }
            }),
            tokio::spawn({
                let stop = stop.clone();
                async move { worker(house, size).await.run(stop).await }
            }),
        ];
        Self {
            stop,
            tasks: looks.into(),
        }
    }

    async fn close(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

both_engines! {
    async fn a_piece_whose_produced_files_are_too_large_for_the_api_is_answered_through_the_depot(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = through(kit, &depot).without_worker().start();
        let client = gateway.client().await;
        let workshop = Workshop::open(&gateway, 1_000_001).await;
        let id = sent(&client, "D-1").await;
        let name = tokio::task::block_in_place(|| returned(&depot));
        let all = entries(&depot, &name);
        let told: Value = serde_json::from_slice(&all[0].1).unwrap();
        conforms(&told);
        assert_eq!((&told["type"], &told["reconciliationId"]), (&json!("navette.return/1"), &json!(id)));
        assert_eq!(told["documents"][0]["entry"], all[1].0.as_str());
        assert!(all[1].1 == produced(1_000_001));
        assert_eq!(gateway.partner().count(), 0);
        // What its sender is shown is what lies there, byte for byte.
        let shown = client.get(&format!("/v1/pieces/{id}/return")).await;
        assert_eq!((shown.status, &shown.body[..]), (200, &all[0].1[..]));
        // The file is seen before it is recorded that it was left.
        let piece = crate::kit::wait::eventually("return left", super::SOON, async || {
            let piece = client.get(&format!("/v1/pieces/{id}")).await.json();
            (piece["return"]["state"] != "pending").then_some(piece)
        })
        .await;
        assert_eq!((&piece["status"], &piece["return"]["state"]), (&json!("returned"), &json!("sent")), "{piece}");
        acknowledge(&depot, &name);
        tokio::task::block_in_place(|| with_status(&gateway, &id, "acknowledged"));
        workshop.close().await;
        gateway.doctor();
    }

    async fn a_piece_whose_produced_files_fit_is_answered_by_callback_though_there_is_a_depot(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = through(kit, &depot).without_worker().start();
        let client = gateway.client().await;
        let workshop = Workshop::open(&gateway, 1000).await;
        sent(&client, "D-1").await;
        gateway.partner().wait_for(1, super::SOON).await;
        assert_eq!(depot.names("out"), [""; 0]);
        workshop.close().await;
    }

    async fn the_files_produced_from_an_archives_pieces_lie_in_the_return_archive(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = through(kit, &depot).without_worker().start();
        let workshop = Workshop::open(&gateway, 300_000).await;
        let all = tokio::task::block_in_place(|| {
            dropped(&depot, "LOT.zip", &lot().zip());
            entries(&depot, &returned(&depot))
        });
        workshop.close().await;
        let told: Value = serde_json::from_slice(&all[0].1).unwrap();
        conforms(&told);
        let pieces = told["pieces"].as_array().unwrap().iter();
        let named = pieces.flat_map(|piece| piece["documents"].as_array().unwrap());
        let named: Vec<_> = named.map(|document| document["entry"].as_str().unwrap()).collect();
        let there: Vec<_> = all[1..].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((named.len(), &named), (3, &there));
        assert!(all[1..].iter().all(|(_, bytes)| *bytes == produced(300_000)));
        gateway.doctor();
    }
}
