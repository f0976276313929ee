//! What a flow says of the archives that come by it: formats, applications, the code page of names; and that a check of the same
//! archive sees the same.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use super::{left, receipt, with_poll};
use crate::{
    both_engines,
    kit::{
        archive::zip,
        depot::{Depot, Make},
        document,
        gateway::{APPLICATION, Gateway, Kit},
        lot::Lot,
    },
};

/// A gateway whose incoming flow says this, too.
fn saying(kit: Kit, depot: &Depot, more: &str) -> Gateway {
    let flow = format!("{more}\nreceipts = ");
    let settings = depot.settings().replacen("receipts = ", &flow, 1);
    kit.with_depot(depot.name(), with_poll(&settings)).start()
}

/// The codes of findings; a receipt without any names none.
fn codes(findings: &Value) -> BTreeSet<String> {
    let findings = findings.as_array().into_iter().flatten();
    let codes = findings.map(|finding| finding["code"].as_str().expect("a code").to_owned());
    codes.collect()
}

/// What is wrong with an archive: as its receipt says, and as a check before its sending has said.
#[track_caller]
fn wrong(gateway: &Gateway, depot: &Depot, name: &str, bytes: &[u8]) -> BTreeSet<String> {
    let file = gateway.dir().join(name);
    fs::write(&file, bytes).unwrap();
    let path = file.to_str().unwrap();
    let said = gateway.run(&["archive", "check", path, "--depot", depot.name(), "--json"]);
    let said: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
    depot.put(&format!("in/{name}"), bytes);
    let receipt = receipt(depot, name);
    let found = codes(&receipt["findings"]);
    assert_eq!(codes(&said["findings"]), found, "{said:#} {receipt:#}");
    assert_eq!(receipt["outcome"] == "accepted", found.is_empty());
    left(gateway, depot, name);
    found
}

/// A lot of one piece, its file called \"été.pdf\".
fn summer(dossier: &str) -> Lot {
    Lot::new(dossier).piece("P-1", "\u{e9}t\u{e9}.pdf", &document::small(dossier))
}

/// It as a zip that does not say how names are written, as older programs make them: these bytes.
fn unsaid(lot: &Lot, name: &[u8]) -> Vec<u8> {
    let manifest = lot.manifest.to_string();
    let file = zip::Entry::deflated("x", &lot.files[0].1).named(name);
    zip::zip(&[
        zip::Entry::deflated("manifest.json", manifest.as_bytes()),
        file,
    ])
}

fn set(codes: &[&str]) -> BTreeSet<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

/// What is told of a name that is read otherwise than the manifest writes it.
const OTHERWISE: [&str; 2] = ["missing-file", "undeclared-file"];
const UTF8: &[u8] = "\u{e9}t\u{e9}.pdf".as_bytes();

both_engines! {
    /// Where a flow says nothing, names that are UTF-8 are read so, and others as the zip's book has them.
    async fn a_name_that_does_not_say_how_it_is_written_is_utf8_or_of_the_book(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = saying(kit, &depot, "");
        assert_eq!(wrong(&gateway, &depot, "a.zip", &unsaid(&summer("D-1"), UTF8)), set(&[]));
        assert_eq!(wrong(&gateway, &depot, "b.zip", &unsaid(&summer("D-2"), b"\x82t\x82.pdf")), set(&[]));
        gateway.doctor();
    }

    /// Where it names a code page, all of them are of that page.
    async fn a_flow_reads_names_by_its_code_page(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = saying(kit, &depot, "code_page = \"cp1252\"");
        assert_eq!(wrong(&gateway, &depot, "a.zip", &unsaid(&summer("D-1"), b"\xe9t\xe9.pdf")), set(&[]));
        assert_eq!(wrong(&gateway, &depot, "b.zip", &unsaid(&summer("D-2"), UTF8)), set(&OTHERWISE));
        // One that says UTF-8 is UTF-8.
        assert_eq!(wrong(&gateway, &depot, "c.zip", &summer("D-3").zip()), set(&[]));
        gateway.doctor();
    }

    /// What is told of the formats that were agreed goes by the content: the name says nothing.
    async fn an_archive_of_a_format_that_the_flow_does_not_take_is_refused(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = saying(kit, &depot, "formats = [\"zip\", \"tar.gz\"]");
        assert_eq!(wrong(&gateway, &depot, "a.zip", &summer("D-1").tar()), set(&["format-not-accepted"]));
        assert_eq!(receipt(&depot, "a.zip")["format"], "tar");
        assert_eq!(depot.names("rejected"), ["a.zip"]);
        assert_eq!(wrong(&gateway, &depot, "b.zip", &summer("D-2").tar_gz()), set(&[]));
        assert_eq!(wrong(&gateway, &depot, "c.zip", &summer("D-3").zip()), set(&[]));
        gateway.doctor();
    }

    /// So does what is told of the applications, by the manifest.
    async fn an_archive_of_an_application_that_may_not_send_by_the_flow_is_refused(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = saying(kit, &depot, &format!("applications = [\"autre\", {APPLICATION:?}]"));
        let foreign = summer("D-1").with(|manifest| manifest["sourceApplication"] = "isis".into());
        assert_eq!(wrong(&gateway, &depot, "a.zip", &foreign.zip()), set(&["application-forbidden"]));
        assert_eq!(wrong(&gateway, &depot, "b.zip", &summer("D-1").zip()), set(&[]));
        gateway.doctor();
    }
}
