//! Depots: how long a gigabyte takes to a real server on the loopback, next to the client that everybody has.
//!
//! Both sides use the same server, file and disk, and take turns. Ours does more: it asks before, checks the size and renames.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

use navette::{
    config::{self, depots},
    kernel::clock::Clock,
    transport::{Line, upload_over},
};

use super::figures::Figures;
use crate::kit::{
    depot::{
        DIRECT, Depot, noise,
        sshd::{Sshd, USER},
    },
    process, scratch,
};

/// What is sent.
const SIZE: u64 = 1_000_000_000;

/// How often each of both sends it.
const ROUNDS: usize = 3;

/// Seconds for one sending.
const PATIENCE: u32 = 600;

/// Measures `sftp_put_vs_openssh`.
pub fn measure(figures: &mut Figures) {
    let root = scratch::fresh("depot");
    fs::create_dir(root.join("in")).expect("the scratch directory is writable");
    let sshd = Sshd::start(root);
    let batch = Batch::of(&sshd);
    let depot = Depot::of(Box::new(sshd));
    let file = gigabyte();
    let settings = read(&depot);
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(timed(&depot, || batch.put(&file)));
        ours.push(timed(&depot, || put(&settings, &file)));
    }
    let (theirs, ours) = (median(theirs), median(ours));
    figures.line("1 GB to OpenSSH by sftp put", theirs, "s");
    figures.line("1 GB to OpenSSH by us", ours, "s");
    figures.named("sftp_put_vs_openssh", ours / theirs, "at most 1.2");
}

/// Seconds of one sending to an empty folder, with nothing left to be written from before.
fn timed(depot: &Depot, send: impl FnOnce()) -> f64 {
    rustix::fs::sync();
    let begun = Instant::now();
    send();
    let took = begun.elapsed();
    let arrived = depot.inside("in/LOT.zip");
    let size = fs::metadata(&arrived).expect("it arrived").len();
    assert_eq!(size, SIZE);
    fs::remove_file(arrived).expect("we are root");
    took.as_secs_f64()
}

fn put(settings: &Arc<config::Depot>, file: &Path) {
    let mut line = Line::new(Arc::clone(settings), Clock::system());
    let mut source = File::open(file).expect("it was made");
    upload_over(&mut line, "in", "LOT.zip", &mut source, SIZE).expect("it arrives");
}

/// OpenSSH's own client, told what to do by a file.
struct Batch {
    command: Command,
    orders: PathBuf,
}

impl Batch {
    fn of(sshd: &Sshd) -> Self {
        let orders = sshd.file("orders");
        let mut command = Command::new("sftp");
        command
            .args(["-q", "-b"])
            .arg(&orders)
            .args(["-P", &sshd.port().to_string(), "-i"])
            .arg(sshd.file("user"))
            .args(["-o", "StrictHostKeyChecking=no", "-o"])
            .args(["UserKnownHostsFile=/dev/null", &format!("{USER}@{DIRECT}")]);
        Self { command, orders }
    }

    fn put(&self, file: &Path) {
        let orders = format!("put {} in/LOT.zip\n", file.display());
        fs::write(&self.orders, orders).expect("the scratch directory is writable");
        process::run(&self.command, PATIENCE).succeeded();
    }
}

/// The depot without the middleman of the tests.
fn read(depot: &Depot) -> Arc<config::Depot> {
    let dir = depot.write_text(&depot.settings_at(DIRECT));
    depots::depot(&dir.join("navette.toml"), depot.name()).expect("the settings are sound")
}

/// A file that no compression shortens.
fn gigabyte() -> PathBuf {
    let path = scratch::fresh("bench").join("LOT.zip");
    let mut file = BufWriter::new(File::create(&path).expect("the scratch directory is writable"));
    let block = noise(1, 1_000_000);
    for _ in 0..SIZE / block.len() as u64 {
        file.write_all(&block).expect("there is room");
    }
    file.flush().expect("there is room");
    path
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    eprintln!("    rounds: {seconds:.2?}");
    seconds[seconds.len() / 2]
}
