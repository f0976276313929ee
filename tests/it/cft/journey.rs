//! An archive that comes by CFT, from the monitor's procedure to the acknowledgment of its return.

use std::time::Duration;

use serde_json::Value;

use crate::{
    both_engines,
    kit::{cft::Monitor, gateway::Gateway, wait},
    reception::exchange,
    sending::{lot, with_status},
};

const SOON: Duration = Duration::from_secs(60);

/// The transfers that the gateway knows of.
fn transfers(gateway: &Gateway) -> Vec<Value> {
    let said = gateway.run(&["cft", "list", "--json"]).succeeded();
    serde_json::from_str(&said).unwrap()
}

both_engines! {
    /// Receipt and return leave by the monitor; the ids of every transfer are kept with the exchange.
    async fn an_archive_that_came_by_cft_gets_its_receipt_its_return_and_its_acknowledgment(kit) {
        let monitor = Monitor::start();
        let kit = kit.with_depot("cft", monitor.settings());
        let kit = kit.set_project("return.depot", "\"cft\"").set_project("return.flow", "\"retours\"");
        let mut gateway = kit.start();
        let file = monitor.receives("A0000042", &lot().zip());
        let told = ["--name", "LOT42.zip", "--part", "ASP", "--idf", "NAVLOT", "--idtu", "A0000042"];
        gateway.run(&[&["cft", "received", "--file", file.to_str().unwrap()][..], &told].concat()).succeeded();
        let receipt = wait::until("receipt", SOON, || monitor.sent("NAVREC", "LOT42.zip.ack.json"));
        let receipt: Value = serde_json::from_slice(&receipt).unwrap();
        let id = exchange(&receipt).to_owned();
        let answer = wait::until("return", SOON, || monitor.catalog().into_iter().find(|transfer| transfer.idf == "NAVRET"));
        assert!(monitor.sent("NAVRET", &answer.parm).unwrap().starts_with(b"PK"));
        // In, receipt, signature, return: all of the one exchange.
        let known = wait::until("transfers of the exchange", SOON, || {
            let of_it = transfers(&gateway).into_iter().filter(|row| row["reconciliationId"] == id.as_str());
            let of_it: Vec<_> = of_it.collect();
            (of_it.len() == 4).then_some(of_it)
        });
        let came = known.iter().find(|row| row["direction"] == "in").unwrap();
        assert_eq!((&came["idtu"], &came["state"]), (&"A0000042".into(), &"received".into()));
        for transfer in monitor.catalog() {
            gateway.run(&["cft", "sent", "--idtu", &transfer.idtu, "--ida", &transfer.ida]).succeeded();
        }
        assert_eq!(monitor.waiting().len(), 0);
        with_status(&gateway, &id, "returned");
        gateway.run(&["cft", "acknowledged", "--idtu", &answer.idtu, "--ida", &answer.ida]).succeeded();
        with_status(&gateway, &id, "acknowledged");
        assert!(gateway.stop().success());
        gateway.doctor();
    }

    /// The same archive sent again comes by a transfer of its own, which is kept with the exchange too.
    async fn an_archive_that_comes_again_is_kept_with_the_transfer_that_it_came_by(kit) {
        let monitor = Monitor::start();
        let gateway = kit.with_depot("cft", monitor.settings()).start();
        let bytes = lot().zip();
        let take = |name: &str, idtu: &str| {
            let file = monitor.receives(idtu, &bytes);
            let file = file.to_str().unwrap();
            gateway.run(&["cft", "received", "--file", file, "--name", name, "--part", "ASP", "--idf", "NAVLOT", "--idtu", idtu]).succeeded();
            let receipt = wait::until("receipt", SOON, || monitor.sent("NAVREC", &format!("{name}.ack.json")));
            serde_json::from_slice::<Value>(&receipt).unwrap()
        };
        let (first, again) = (take("A.zip", "A0000051"), take("B.zip", "A0000052"));
        assert_eq!(again["duplicateOf"], first["reconciliationId"], "{again:#}");
        let came = transfers(&gateway).into_iter().filter(|row| row["direction"] == "in");
        let mut came: Vec<_> = came.map(|row| (row["idtu"].clone(), row["reconciliationId"].clone())).collect();
        came.sort_by_key(|(idtu, _)| idtu.to_string());
        let kept = ["A0000051", "A0000052"].map(|idtu| (idtu.into(), exchange(&first).into()));
        assert_eq!(came, kept);
    }

    /// ASP may as well send a file that acknowledges: it comes by a model of its own.
    async fn a_return_that_left_by_cft_is_acknowledged_by_a_file_too(kit) {
        let monitor = Monitor::with_rest();
        let kit = kit.with_depot("cft", monitor.settings());
        let kit = kit.set_project("return.depot", "\"cft\"").set_project("return.flow", "\"retours\"");
        let gateway = kit.start();
        let take = |name: &str, idf: &str, idtu: &str, content: &[u8]| {
            let file = monitor.receives(idtu, content);
            let file = file.to_str().unwrap();
            gateway.run(&["cft", "received", "--file", file, "--name", name, "--part", "ASP", "--idf", idf, "--idtu", idtu]).succeeded();
        };
        take("LOT43.zip", "NAVLOT", "A0000043", &lot().zip());
        let answer = wait::until("return", SOON, || monitor.catalog().into_iter().find(|transfer| transfer.idf == "NAVRET"));
        let receipt = wait::until("receipt", SOON, || monitor.sent("NAVREC", "LOT43.zip.ack.json"));
        let receipt: Value = serde_json::from_slice(&receipt).unwrap();
        take(&format!("{}.ack.json", answer.parm), "NAVACK", "A0000044", b"{\"acknowledgmentId\": \"AR-1\"}");
        with_status(&gateway, exchange(&receipt), "acknowledged");
    }
}
