//! Power cuts: copies of a live disk, taken while applications send, mounted and looked at one after the other.

use std::sync::{Arc, Mutex};

use rustix::process::{Signal, kill_process};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    audit,
    load::{Promise, insist},
};
use crate::kit::{
    client::Client,
    gateway::{Engine, Kit},
    loopdisk::LoopDisk,
    wait,
};

const MEGABYTES: u64 = 160;
const APPLICATIONS: usize = 6;
const CUTS: usize = 6;
/// Pieces between two cuts.
const BETWEEN: usize = 25;

pub type Promises = Arc<Mutex<Vec<Promise>>>;

/// Store and database stand on the disk that is cut off: what was acknowledged before the cut is there, exact.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_at_any_moment_leaves_every_acknowledged_piece_whole() {
    let kit = Kit::new(Engine::Sqlite);
    let disk = LoopDisk::mount(&kit.dir().join("data"), MEGABYTES);
    let mut gateway = kit.start();
    let client = gateway.client().await;
    let (promises, stop) = (Promises::default(), CancellationToken::new());
    let applications = TaskTracker::new();
    for number in 0..APPLICATIONS {
        applications.spawn(send(client.clone(), number, promises.clone(), stop.clone()));
    }
    let mut cuts = Vec::new();
    for _ in 0..CUTS {
        more(&promises, BETWEEN).await;
        // Nobody writes while the copy is made, so that it is of one moment.
        kill_process(gateway.pid(), Signal::STOP).expect("it runs");
        let promised = promises.lock().expect("no sender panics").clone();
        cuts.push((disk.cut(), promised));
        kill_process(gateway.pid(), Signal::CONT).expect("it runs");
    }
    stop.cancel();
    applications.close();
    applications.wait().await;
    gateway.kill();
    for (image, promised) in cuts {
        disk.replace_with(&image);
        gateway.restart();
        gateway.await_idle();
        audit::are_whole(&client, &promised).await;
        gateway.doctor();
        gateway.kill();
    }
}

pub async fn send(client: Client, number: usize, promises: Promises, stop: CancellationToken) {
    for count in 0.. {
        if stop.is_cancelled() {
            return;
        }
        let size = 2_000 << ((number + count) % 8);
        let promise = insist(&client, &format!("D-{number}-{count}"), size).await;
        promises.lock().expect("no sender panics").push(promise);
    }
}

pub async fn more(promises: &Promises, count: usize) {
    let made = || promises.lock().expect("no sender panics").len();
    let goal = made() + count;
    while made() < goal {
        wait::pause().await;
    }
}
