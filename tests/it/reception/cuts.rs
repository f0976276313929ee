//! A line that is cut for longer than a transfer waits: what came before is not fetched twice.

use super::{SOON, at, left, receipt};
use crate::kit::{
    depot::{Depot, Make},
    document,
    gateway::{Engine, Kit},
    lot::Lot,
    wait,
};

/// Of the archive: so many pieces of so many bytes.
const PIECES: usize = 8;
const SIZE: usize = 5_000_000;

/// What passes until its line falls silent; what may pass twice: what was in flight, and talk.
const BEFORE: u64 = 30_000_000;
const AGAIN: u64 = 12_000_000;

/// The server falls silent in the middle, and stays so until it is told to an operator.
#[test]
fn an_archive_whose_line_is_cut_for_long_is_taken_on_from_where_it_was() {
    let more = "timeout_seconds = 3\nconnections = 1\nfailures_before_incident = 1";
    let depot = Depot::start(Make::Sftp).with(more);
    let gateway = at(Kit::new(Engine::Sqlite), &depot).start();
    let pieces = (0..PIECES).map(|at| (format!("P-{at}"), format!("{at}.pdf")));
    let lot = pieces.fold(Lot::new("D-1"), |lot, (uid, name)| {
        lot.piece(&uid, &name, &document::pdf(&uid, SIZE))
    });
    let archive = lot.zip_stored();
    let before = depot.proxy().passed();
    depot.proxy().swallow_after(BEFORE);
    depot.put("in/a.zip", &archive);
    let stuck = "SELECT count(*) FROM incident WHERE code = 'archive-stuck' AND state = 'open'";
    wait::until("incident of the archive", SOON, || {
        (gateway.count(stuck) == 1).then_some(())
    });
    assert_eq!(gateway.sql("SELECT state FROM archive"), "spooling");
    depot.proxy().restore();
    assert_eq!(receipt(&depot, "a.zip")["outcome"], "accepted");
    let passed = depot.proxy().passed() - before;
    assert!(
        passed < archive.len() as u64 + AGAIN,
        "{passed} bytes: it began again"
    );
    left(&gateway, &depot, "a.zip");
    assert_eq!(gateway.count("SELECT count(*) FROM archive"), 1);
    gateway.doctor();
}
