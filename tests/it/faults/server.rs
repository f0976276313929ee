//! PostgreSQL's own disk: without room, and cut off.

use std::os::unix::fs::symlink;

use rustix::process::{Signal, kill_process};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    audit,
    load::{fill, insist},
    power,
};
use crate::kit::{gateway::Kit, loopdisk::LoopDisk, postgres::Server, scratch, tmpfs::Tmpfs};

/// Megabytes of the database's disk: its own tables take seven.
const MEGABYTES: u32 = 16;
/// Megabytes of the disk that is cut off: the server's log takes a third.
const WHOLE: u64 = 400;
const APPLICATIONS: usize = 4;
const CUTS: usize = 3;
/// Pieces between two cuts.
const BETWEEN: usize = 15;

/// The tables are full: 507 as for a full store, nothing kept of the piece, and room helps without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_server_without_room_refuses_and_recovers_without_loss() {
    let server = Server::start_new();
    let folder = server.dir().join("tables");
    let disk = Tmpfs::mount(&folder, MEGABYTES);
    let kit = Kit::with_database(Some(server.fresh_database_in(&folder)));
    let gateway = kit.set("worker.lease_seconds", 2).start();
    let client = gateway.client().await;
    let mut promises = vec![insist(&client, "D-0", 2_000).await];
    gateway.await_idle();
    disk.leave(64 * 1024);
    let (filled, dossier, answer) = fill(&client).await;
    promises.extend(filled);
    answer.is_problem(507, "storage-full");
    disk.make_room();
    promises.push(insist(&client, &dossier, 2_000).await);
    audit::promises_are_kept(&gateway, &client, &promises).await;
    assert_eq!(
        gateway.blobs().len(),
        promises.len(),
        "no blob without a piece"
    );
}

/// Store, database and the server's log stand on the disk that is cut off: what was acknowledged before is there, exact.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_with_a_database_server_leaves_every_acknowledged_piece_whole() {
    let site = scratch::fresh("site");
    let disk = LoopDisk::mount(&site, WHOLE);
    let server = Server::start_in(site.clone());
    let kit = Kit::with_database(Some(server.fresh_database()));
    std::fs::create_dir(site.join("gateway")).expect("the disk has room");
    symlink(site.join("gateway"), kit.dir().join("data")).expect("it is not there yet");
    // The cluster itself was made in haste.
    rustix::fs::sync();
    let mut gateway = kit.set("worker.lease_seconds", 2).start();
    let client = gateway.client().await;
    let (promises, stop) = (power::Promises::default(), CancellationToken::new());
    let applications = TaskTracker::new();
    for number in 0..APPLICATIONS {
        applications.spawn(power::send(
            client.clone(),
            number,
            promises.clone(),
            stop.clone(),
        ));
    }
    let mut cuts = Vec::new();
    for _ in 0..CUTS {
        power::more(&promises, BETWEEN).await;
        // Nobody writes while the copy is made, so that it is of one moment.
        kill_process(gateway.pid(), Signal::STOP).expect("it runs");
        server.signal(Signal::STOP);
        let promised = promises.lock().expect("no sender panics").clone();
        cuts.push((disk.cut(), promised));
        server.signal(Signal::CONT);
        kill_process(gateway.pid(), Signal::CONT).expect("it runs");
    }
    stop.cancel();
    applications.close();
    applications.wait().await;
    gateway.kill();
    for (image, promised) in cuts {
        server.stop();
        disk.replace_with(&image);
        server.start_after_a_cut();
        gateway.restart();
        gateway.await_idle();
        audit::are_whole(&client, &promised).await;
        gateway.doctor();
        gateway.kill();
    }
    server.stop();
}
