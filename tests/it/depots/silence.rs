//! A line that swallows everything is left, whatever it was doing.

use std::{
    thread,
    time::{Duration, Instant},
};

use navette::{
    kernel::fault::{Code, Result},
    transport::Session,
};

use super::{code, connect, put, session};
use crate::{
    distant_depots,
    kit::{
        depot::{Depot, Make, noise},
        process, wait,
    },
};

/// The depot's timeout in these tests.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What a busy machine adds to it.
const BUSY: Duration = Duration::from_secs(4);

fn impatient(depot: Depot) -> Depot {
    depot.with("timeout_seconds = 2")
}

/// Runs what a silent server should make fail, and holds it to the timeout; dropping the session counts.
#[track_caller]
fn left(depot: &Depot, verb: impl Fn(&mut dyn Session) -> Result<()>) {
    wait::within(TIMEOUT + BUSY, || {
        let mut session = session(depot);
        depot.proxy().swallow_after(0);
        let begun = Instant::now();
        let done = verb(session.as_mut());
        assert!(!session.is_open());
        drop(session);
        let took = begun.elapsed();
        assert_eq!(code(done), Some(Code::DepotUnreachable));
        depot.proxy().restore();
        took
    });
}

/// Holds a transfer to the timeout that a silent server interrupts.
#[track_caller]
fn left_half_way(
    depot: &Depot,
    swallowed: u64,
    transfer: impl Fn(&mut dyn Session) -> Result<u64>,
) {
    wait::within(TIMEOUT + BUSY, || {
        let mut session = session(depot);
        depot.proxy().swallow_after(swallowed);
        let begun = Instant::now();
        let done = transfer(session.as_mut());
        let took = begun.elapsed();
        assert_eq!(code(done), Some(Code::DepotUnreachable));
        depot.proxy().restore();
        took
    });
}

distant_depots! {
    fn a_black_hole_is_left_whatever_is_asked_of_it(plain) {
        let depot = impatient(plain);
        depot.put("in/a", &noise(1, 100_000));
        left(&depot, |session| session.list("in").map(drop));
        left(&depot, |session| session.stat("in/a").map(drop));
        left(&depot, |session| session.read("in/a", 0, &mut |_| Ok(())).map(drop));
        left(&depot, |session| put(session, "in/b", &noise(2, 1_000_000)).map(drop));
        left(&depot, |session| session.rename("in/a", "in/c"));
        left(&depot, |session| session.remove("in/a"));
    }

    fn a_black_hole_in_the_middle_of_a_transfer_is_left(plain) {
        let depot = impatient(plain);
        depot.put("in/a", &noise(1, 30_000_000));
        for swallowed in [10_000_000, 20_000_000] {
            left_half_way(&depot, swallowed, |session| session.read("in/a", 0, &mut |_| Ok(())));
            left_half_way(&depot, swallowed, |session| put(session, "in/b", &noise(2, 30_000_000)));
        }
    }

    fn a_black_hole_is_left_in_every_moment_of_a_login(plain) {
        let depot = impatient(plain);
        for after in [0, 30, 500, 1500, 2500, 3500] {
            wait::within(TIMEOUT + BUSY, || {
                depot.proxy().swallow_after(after);
                let begun = Instant::now();
                let done = connect(&depot);
                let took = begun.elapsed();
                if let Err(fault) = done {
                    assert_eq!(fault.code(), Code::DepotUnreachable, "after {after}: {fault}");
                }
                depot.proxy().restore();
                took
            });
        }
    }
}

/// On every line at once: each is but a long wait.
#[test]
fn a_command_leaves_a_black_hole_within_a_minute() {
    thread::scope(|scope| {
        for make in [Make::Sftp, Make::Vsftpd, Make::Proftpd] {
            let named = thread::Builder::new().name(format!("{make:?}"));
            let spawned = named.spawn_scoped(scope, move || leaves_within_a_minute(make));
            spawned.expect("the system has a thread left");
        }
    });
}

/// With the settings as they come, tries again included.
fn leaves_within_a_minute(make: Make) {
    let depot = Depot::start(make);
    depot.local("LOT.zip", &noise(1, 30_000_000));
    let command = depot.command(&["archive", "send", "LOT.zip", "--depot", depot.name()]);
    wait::within(Duration::from_secs(60), || {
        depot.proxy().swallow_after(10_000_000);
        let begun = Instant::now();
        let said = process::run(&command, 90);
        let took = begun.elapsed();
        assert!(said.failed_with(4).contains("depot-unreachable"));
        depot.proxy().restore();
        took
    });
}
