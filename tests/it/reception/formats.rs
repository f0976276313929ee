//! Every format, and files that are not complete yet.

use std::{fs, sync::Arc};

use jiff::SignedDuration;
use navette::{
    domain::archives::reception::{CHECKS, Desk, Round, Rounds},
    kernel::{
        clock::Clock,
        digest::{hex, sha256},
    },
};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{SOON, at, left, receipt, with_poll};
use crate::{
    both_engines, inside,
    kit::{
        archive::zip,
        depot::{Depot, Make},
        document,
        gateway::{APPLICATION, Gateway, PROJECT},
        lot::Lot,
    },
};

fn lot(dossier: &str) -> Lot {
    Lot::new(dossier)
        .piece("P-1", "a.pdf", &document::pdf(dossier, 400_000))
        .piece(
            "P-2",
            "dossier/note.txt",
            "Un été à l'autre.".repeat(5000).as_bytes(),
        )
}

both_engines! {
    /// Stored, deflated, tar, tar.gz: every file is kept where it lies, and reads with its digest.
    async fn every_format_is_taken_and_read_where_it_lies(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        // Told by content: the names say nothing.
        let archives = [
            ("1", lot("D-1").zip(), "zip"),
            ("2", lot("D-2").zip_stored(), "zip"),
            ("3", lot("D-3").tar(), "tar"),
            ("4", lot("D-4").tar_gz(), "tar.gz"),
        ];
        for (name, bytes, _) in &archives {
            depot.put(&format!("in/{name}"), bytes);
        }
        for (name, _, format) in &archives {
            let receipt = receipt(&depot, name);
            assert_eq!(receipt["outcome"], "accepted", "{receipt:#}");
            assert_eq!(receipt["format"], *format);
        }
        left(&gateway, &depot, "4");
        let report = gateway.doctor();
        // Four archives, one of them unpacked beside, and two files each.
        assert_eq!(report["documents"], 4 + 1 + 8, "{report:#}");
    }

    /// The field's own habit: the manifest in XML instead, in the code page of its declaration.
    async fn an_archive_whose_manifest_is_in_xml_is_taken_like_any_other(kit) {
        let depot = Depot::start(Make::Folder);
        let gateway = at(kit, &depot).start();
        let content = document::small("xml");
        let manifest = format!(
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><manifest xmlns=\"urn:navette:schema:manifest:1\">\
             <project>{PROJECT}</project><sourceApplication>{APPLICATION}</sourceApplication><dossier>\
             <dossierId>D-1</dossierId><iteration>1</iteration><piece><uid>P-1</uid><file><name>re\u{e7}u.pdf</name>\
             <mediaType>application/pdf</mediaType><size>{}</size><hash algorithm=\"SHA-256\">{}</hash></file></piece>\
             </dossier></manifest>",
            content.len(),
            hex(&sha256(&content)),
        );
        let (manifest, _, _) = encoding_rs::WINDOWS_1252.encode(&manifest);
        let entries = [("manifest.xml", &*manifest), ("re\u{e7}u.pdf", &content[..])];
        depot.put("in/a.zip", &zip::zip(&entries.map(|(name, text)| zip::Entry::deflated(name, text))));
        let receipt = receipt(&depot, "a.zip");
        assert_eq!((&receipt["outcome"], &receipt["pieces"]["accepted"]), (&"accepted".into(), &1.into()), "{receipt:#}");
        left(&gateway, &depot, "a.zip");
        gateway.doctor();
    }

    /// A file waits for its marker, which leaves with it.
    async fn a_file_waits_for_its_marker(kit) {
        let depot = Depot::start(Make::Folder);
        let settings = depot.settings().replacen("receipts = ", "complete = \"marker\"\nmarker = \".ok\"\nreceipts = ", 1);
        let gateway = kit.with_depot(depot.name(), with_poll(&settings)).start();
        depot.put("in/half.zip", b"half of it");
        depot.put("in/a.zip", &lot("D-1").zip());
        depot.put("in/a.zip.ok", b"");
        receipt(&depot, "a.zip");
        left(&gateway, &depot, "a.zip");
        assert_eq!(depot.names("in"), ["half.zip"]);
        assert_eq!(gateway.count("SELECT count(*) FROM archive"), 1);
    }

    /// A file that grows is left alone until it is the same in two looks a poll apart. The looks and their clock are our own, so
    /// that it never stands still by accident.
    async fn a_growing_file_is_left_alone_until_it_stands_still(kit) {
        let depot = Depot::start(Make::Folder);
        let settings = depot.settings().replacen("receipts = ", "complete = \"stable\"\nreceipts = ", 1);
        let mut gateway = kit.with_depot(depot.name(), with_poll(&settings)).stopped();
        let clock = Clock::frozen(Clock::system().now() - POLL * 20);
        let mut rounds = rounds(&gateway, &depot, &clock).await;
        let (bytes, stop) = (lot("D-1").zip(), CancellationToken::new());
        for size in (1..=8).map(|eighth| bytes.len() * eighth / 8) {
            fs::write(depot.inside("in/a.zip"), &bytes[..size]).unwrap();
            assert_eq!(rounds.look(&stop).await.unwrap(), Round::Taking(0));
            clock.set(clock.now() + POLL);
        }
        assert_eq!(rounds.look(&stop).await.unwrap(), Round::Taking(1));
        rounds.end(SOON).await;
        gateway.restart();
        assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
        left(&gateway, &depot, "a.zip");
    }
}

/// The pause between two looks of [`with_poll`].
pub const POLL: SignedDuration = SignedDuration::from_millis(200);

/// The looks at a depot of a gateway that does not run.
pub(super) async fn rounds(gateway: &Gateway, depot: &Depot, clock: &Clock) -> Rounds {
    let house = inside::house(gateway).await;
    let lines = inside::lines(&house);
    let mut ctx = house.ctx;
    ctx.clock = clock.clone();
    let shared = (None, Arc::new(Semaphore::new(CHECKS)));
    let settings = ctx.config.depots[depot.name()].clone();
    let desk = Desk::new(&ctx, settings, &lines, shared, inside::id());
    Rounds::new(desk, Arc::new(Notify::new()))
}
