//! Batches of several dossiers, and plis.

use std::fs;

use serde_json::{Value, json};

use super::{at, exchange, left, receipt};
use crate::{
    both_engines,
    kit::{
        client::{Client, metadata},
        depot::{Depot, Make},
        document,
        gateway::{PROJECT, REASON},
        lot::Lot,
        pki::pki,
    },
};

both_engines! {
    /// A hold on any dossier of a batch keeps the batch, and the list of holds names the dossier.
    async fn a_hold_on_one_dossier_of_a_batch_keeps_the_batch(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let lot = Lot::batch(&["D-1", "D-2"])
            .piece_of(0, "P-1", &[("1.pdf", &document::small("1"))])
            .piece_of(1, "P-1", &[("2.pdf", &document::small("2"))]);
        depot.put("in/a.zip", &lot.zip());
        assert_eq!(receipt(&depot, "a.zip")["pieces"]["accepted"], 2);
        left(&gateway, &depot, "a.zip");
        gateway.run(&["hold", "add", "D-2", "--project", PROJECT, "--reason", REASON]).succeeded();
        let held = gateway.run(&["hold", "list", "--json"]).succeeded();
        let held: Value = serde_json::from_str(&held).unwrap();
        let hold = held["items"].get(0).or(held.get(0)).unwrap_or(&held);
        assert_eq!(hold["dossierId"], "D-2", "{held:#}");
        assert_eq!(hold["exchanges"], 1);
    }

    /// A pli opens an exchange of its own kind; its id stands in no column that is not sealed.
    async fn a_pli_opens_an_exchange_of_its_own_kind(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let lot = Lot::new("PLI-75-2026-0001").piece("P-1", "1.pdf", &document::small("1")).with(|manifest| {
            manifest["kind"] = "pli".into();
            manifest["pliId"] = "PLI-75-2026-0001".into();
            manifest["receivedOn"] = "2026-11-20".into();
            manifest["digitisedOn"] = json!("2026-11-21");
        });
        depot.put("in/pli.zip", &lot.zip());
        let receipt = receipt(&depot, "pli.zip");
        assert_eq!(receipt["outcome"], "accepted", "{receipt:#}");
        left(&gateway, &depot, "pli.zip");
        let id = gateway.id(exchange(&receipt));
        assert_eq!(gateway.sql(&format!("SELECT kind FROM exchange WHERE id = {id}")).trim(), "pli");
        let shown = gateway.run(&["archive", "show", exchange(&receipt), "--json"]).succeeded();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["pliId"], "PLI-75-2026-0001", "{shown:#}");
    }

    /// The pieces of a batch are told under the dossier of each, beside those that its sender sent alone; and a piece that follows
    /// them misses no iteration.
    async fn the_deposits_of_a_dossier_hold_what_came_in_batches(kit) {
        let depot = Depot::start(Make::Folder);
        let mut gateway = at(kit, &depot).start();
        let credentials = gateway.register("contractor", &["pieces:write", "pieces:read"]);
        let client = Client::with_token(&gateway, &pki().client, &credentials).await;
        assert!(gateway.stop().success());
        let file = gateway.dir().join(format!("depots/{}.toml", depot.name()));
        let settings = fs::read_to_string(&file).unwrap();
        let seen_by = format!("client = {:?}\nreceipts = ", credentials.id);
        fs::write(&file, settings.replacen("receipts = ", &seen_by, 1)).unwrap();
        gateway.restart();
        let lot = Lot::batch(&["D-1", "D-2"])
            .piece_of(0, "P-1", &[("1.pdf", &document::small("1"))])
            .piece_of(0, "P-2", &[("2.pdf", &document::small("2"))])
            .piece_of(1, "P-3", &[("3.pdf", &document::small("3"))])
            .with(|manifest| manifest["dossiers"][0]["iteration"] = 2.into());
        depot.put("in/a.zip", &lot.zip());
        assert_eq!(receipt(&depot, "a.zip")["pieces"]["accepted"], 3);
        for (iteration, missing) in [(3, true), (1, false)] {
            let mut alone = metadata("D-1");
            alone["iteration"] = iteration.into();
            let content = document::small(&format!("seul {iteration}"));
            let told = client.push(&alone, content).await.json();
            assert_eq!(told["earlierIterationMissing"], missing, "{told:#}");
        }
        let deposits = client.get("/v1/dossiers/D-1/iterations").await.json();
        let told: Vec<_> = deposits["items"].as_array().unwrap().iter().map(|deposit| {
            (deposit["iteration"].as_u64(), deposit["pieces"].as_u64(), deposit["earlierIterationMissing"].as_bool())
        }).collect();
        let expected = [(1, 1), (2, 2), (3, 1)].map(|(iteration, pieces)| (Some(iteration), Some(pieces), Some(false)));
        assert_eq!(told, expected, "{deposits:#}");
        let other = client.get("/v1/dossiers/D-2/iterations").await.json();
        assert_eq!((&other["items"][0]["iteration"], &other["items"][0]["pieces"]), (&1.into(), &1.into()), "{other:#}");
        left(&gateway, &depot, "a.zip");
    }
}
