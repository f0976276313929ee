//! Files that processors make: carried by the return up to the project's limit, linked to above, read by their own address.
//!
//! The house has no such processor yet, so these tests compose the house with one of their own, as `app.rs` does, beside a
//! gateway that only serves.

use std::sync::Arc;

use aws_lc_rs::digest;
use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use futures_util::future::BoxFuture;
use navette::{
    app::House,
    domain::{
        incidents::Herald,
        processing::{Document, Processor, ProducedFile, Registry, Report, Sandbox},
        returns::{Couriers, make::Workshop},
    },
    kernel::fault::Result,
    sandbox::{Pool, Settings},
    worker::Worker,
};
use tokio_util::sync::CancellationToken;

use super::{SOON, sent};
use crate::{
    both_engines, inside,
    kit::gateway::{Gateway, Kit},
};

/// Makes one file of so many bytes from every document.
struct Copier(usize);

impl Processor for Copier {
    fn name(&self) -> &'static str {
        "copier"
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn accepts(&self, _: &str) -> bool {
        true
    }

    fn run<'a>(&'a self, _: &'a Document, _: &'a dyn Sandbox) -> BoxFuture<'a, Result<Report>> {
        let file = ProducedFile {
            file_name: "vignette.png".to_owned(),
            media_type: "image/png".to_owned(),
            bytes: produced(self.0),
        };
        let report = Report {
            produced: vec![file],
            ..Report::default()
        };
        Box::pin(async { Ok(report) })
    }
}

/// What it makes.
pub fn produced(size: usize) -> Bytes {
    (0..size)
        .map(|index| (index % 251) as u8)
        .collect::<Vec<_>>()
        .into()
}

/// One piece's return, worked by a house with a processor that makes a file of `size` bytes.
async fn returned(
    kit: Kit,
    size: usize,
) -> (Gateway, crate::kit::client::Client, serde_json::Value) {
    let gateway = kit.without_worker().start();
    let client = gateway.client().await;
    let house = inside::house(&gateway).await;
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker(house, size).await.run(stop.clone()));
    sent(&client, "D-1").await;
    let call = gateway.partner().wait_for(1, SOON).await.remove(0);
    stop.cancel();
    working.await.unwrap();
    (gateway, client, call.json())
}

/// The worker of a house with a processor that makes a file of `size` bytes of each document.
pub async fn worker(house: House, size: usize) -> Worker {
    let pool = Pool::start(Settings::new(env!("CARGO_BIN_EXE_navette").into()));
    let workshop = Workshop {
        registry: Registry::builtin().with(Copier(size)),
        sandbox: Arc::new(pool.await.unwrap()),
    };
    let couriers = Couriers::new(&house.ctx.config.projects, &house.ctx.clock).unwrap();
    let herald = Herald::new(&house.ctx.config, &house.ctx.clock).unwrap();
    let lines = inside::lines(&house);
    Worker::new(house.ctx, workshop, (couriers, herald, lines))
}

both_engines! {
    async fn a_produced_file_of_a_megabyte_is_carried_by_the_return(kit) {
        let (_gateway, _client, returned) = returned(kit, 1_000_000).await;
        let document = &returned["documents"][0];
        let carried = BASE64.decode(document["content"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(carried, produced(1_000_000));
        assert!(document.get("href").is_none(), "{}", document["href"]);
    }

    async fn a_produced_file_above_a_megabyte_is_linked_to_and_read_by_its_link(kit) {
        let (_gateway, client, returned) = returned(kit, 1_000_001).await;
        let document = &returned["documents"][0];
        assert!(document.get("content").is_none());
        let read = client.get(document["href"].as_str().unwrap()).await;
        assert_eq!((read.status, read.header("content-type")), (200, "image/png"));
        assert_eq!(read.body, produced(1_000_001));
        let digest = digest::digest(&digest::SHA256, &read.body);
        assert_eq!(document["sha256"], HEXLOWER.encode(digest.as_ref()));
    }

    async fn another_clients_produced_file_is_not_found(kit) {
        let (gateway, client, returned) = returned(kit, 1_000_001).await;
        let other = gateway.register("autre", &["pieces:read"]);
        let other = crate::kit::client::Client::with_token(&gateway, &crate::kit::pki::pki().other_client, &other).await;
        let href = returned["documents"][0]["href"].as_str().unwrap();
        other.get(href).await.is_problem(404, "not-found");
        assert_eq!(client.get(href).await.status, 200);
    }

    /// It could not be fetched: a transaction of its own would be over the limit.
    async fn a_produced_file_over_the_limit_of_a_transaction_is_left_out_and_told(kit) {
        let kit = kit.set("limits.transaction_bytes", 1_000_000);
        let (_gateway, _client, returned) = returned(kit, 1_000_001).await;
        assert_eq!(returned["documents"], serde_json::json!([]), "{returned}");
        assert_eq!(returned["outcome"], "partial");
        let controls = returned["controls"].as_array().unwrap();
        let told = controls.iter().find(|control| control["code"] == "produced-size").unwrap();
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.contains("1000001 octets") && detail.contains("vignette.png"), "{detail}");
    }

    async fn a_produced_file_is_carried_only_while_the_transaction_stays_within_its_limit(kit) {
        let kit = kit.set("limits.transaction_bytes", 1_000_000);
        let (_gateway, _client, returned) = returned(kit, 800_000).await;
        assert!(returned["documents"][0]["href"].is_string());
    }
}
