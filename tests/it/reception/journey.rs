//! The journey from the drop to the receipt, the same on every transport.

use std::{fs, process::Command};

use super::{at, exchange, left, receipt};
use crate::{
    everywhere,
    kit::{document, lot::Lot, pki::pki, process, scratch},
};

everywhere! {
    /// What is dropped is taken, its signed receipt lies on the depot, the source has left, and every file of it is kept.
    fn an_archive_is_taken_acknowledged_and_leaves(kit, depot) {
        let gateway = at(kit, &depot).start();
        let lot = Lot::new("D-1")
            .piece("P-1", "courrier/lettre.pdf", &document::small("lettre"))
            .piece_of(0, "P-2", &[("a.pdf", &document::pdf("a", 300_000)), ("b.txt", b"Bonjour")]);
        let bytes = lot.zip();
        depot.put("in/LOT42.zip", &bytes);
        let receipt = receipt(&depot, "LOT42.zip");
        assert_eq!(receipt["type"], "navette.archive-receipt/1");
        assert_eq!(receipt["outcome"], "accepted", "{receipt:#}");
        assert_eq!(receipt["pieces"]["accepted"], 2);
        assert_eq!(receipt["format"], "zip");
        assert_eq!(receipt["size"], bytes.len());
        assert!(receipt["findings"].is_null());
        left(&gateway, &depot, "LOT42.zip");
        assert_eq!(depot.names("in"), [""; 0]);
        assert_eq!(depot.names("receipts"), ["LOT42.zip.ack.json", "LOT42.zip.ack.p7s"]);
        let id = gateway.id(exchange(&receipt));
        let files = format!("SELECT count(*) FROM document WHERE exchange_id = {id} AND container_id IS NOT NULL");
        assert_eq!(gateway.count(&files), 3);
        // Every file is read where it lies, and has its digest.
        let report = gateway.doctor();
        assert_eq!(report["exchanges"], 1, "{report:#}");
        assert_eq!(report["documents"], 4, "{report:#}");
    }

    /// The signature beside the receipt verifies with the plain command, and holds the very bytes of the receipt.
    fn the_signature_of_a_receipt_verifies_with_the_plain_command(kit, depot) {
        let gateway = at(kit, &depot).start();
        depot.put("in/a.zip", &Lot::new("D-1").piece("P-1", "a.pdf", &document::small("a")).zip());
        receipt(&depot, "a.zip");
        left(&gateway, &depot, "a.zip");
        let content = scratch::fresh("verified").join("content");
        let mut openssl = Command::new("openssl");
        openssl.args(["cms", "-verify", "-inform", "DER", "-in"]).arg(depot.inside("receipts/a.zip.ack.p7s"));
        openssl.arg("-CAfile").arg(&pki().root).arg("-out").arg(&content);
        process::run(&openssl, 30).succeeded();
        assert_eq!(fs::read(content).unwrap(), fs::read(depot.inside("receipts/a.zip.ack.json")).unwrap());
    }

    /// Forty archives that lie there all at once each get their receipt.
    fn every_one_of_many_archives_gets_its_receipt(kit, depot) {
        let gateway = at(kit, &depot).start();
        let name = |number: usize| format!("LOT{number:03}.zip");
        for number in 0..40 {
            let piece = document::small(&name(number));
            let lot = Lot::new(&format!("D-{number}")).piece("P", "a.pdf", &piece);
            depot.put(&format!("in/{}", name(number)), &lot.zip());
        }
        for number in 0..40 {
            assert_eq!(receipt(&depot, &name(number))["outcome"], "accepted");
        }
        left(&gateway, &depot, &name(39));
        assert_eq!(gateway.count("SELECT count(*) FROM exchange"), 40);
        gateway.doctor();
    }
}
