//! One gigabyte put to a real FTPS server, by us and by `lftp`, the two in turns; the server is vsftpd with the TLS session's
//! reuse demanded.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use navette::{
    config::{Depot, depots},
    kernel::clock::Clock,
    transport,
};

use super::{figures::Figures, rounds};
use crate::kit::{
    ftps::{FtpsServer, Make, PASSWORD, USER},
    pki::pki,
    process, scratch,
};

/// The file's size in bytes.
const SIZE: u64 = 1_000_000_000;

/// What is written of it at once: a thousandth.
const BLOCK: usize = 1_000_000;

/// Seconds for one sending.
const PATIENCE: u32 = 600;

/// Measures `ftps_put_vs_lftp`.
pub fn measure(figures: &mut Figures) {
    let dir = scratch::fresh("ftps-bench");
    let file = noise(&dir);
    let server = FtpsServer::start(Make::Vsftpd);
    let depot = settings(&dir, &server);
    let rates = rounds::medians(
        rounds::ROUNDS,
        vec![
            Box::new(|_| rate(&server, || ours(&depot, &file))),
            Box::new(|_| rate(&server, || lftp(&server, &file))),
        ],
    );
    let [ours, lftp] = rates[..] else {
        unreachable!("two contenders")
    };
    figures.line("FTPS, 1 GB put by us", ours / 1e6, "MB/s");
    figures.line("FTPS, 1 GB put by lftp", lftp / 1e6, "MB/s");
    figures.named("ftps_put_vs_lftp", lftp / ours, "at most 1.2");
}

/// Bytes that no compression shortens.
fn noise(dir: &Path) -> PathBuf {
    let path = dir.join("lot.zip");
    let mut file = File::create(&path).expect("the scratch directory is writable");
    let mut block = vec![0; BLOCK];
    aws_lc_rs::rand::fill(&mut block).expect("the system has randomness");
    for _ in 0..SIZE / BLOCK as u64 {
        file.write_all(&block)
            .expect("there is room for a gigabyte");
    }
    file.sync_all().expect("the disk is sound");
    path
}

fn settings(dir: &Path, server: &FtpsServer) -> Arc<Depot> {
    let text = format!(
        "depot = \"mesure\"\ntransport = \"ftps\"\n{}\n[[flow]]\nname = \"retours\"\nproject = \"marche-1\"\n\
         direction = \"out\"\npath = \".\"\n",
        server.settings()
    );
    fs::create_dir(dir.join("depots")).expect("the scratch directory is writable");
    fs::write(dir.join("depots/1.toml"), text).expect("so is its folder");
    depots::depot(&dir.join("navette.toml"), "mesure").expect("the settings are sound")
}

/// Bytes a second of one sending, whose file is looked at and removed.
fn rate(server: &FtpsServer, send: impl Fn()) -> f64 {
    let begun = Instant::now();
    send();
    let taken = begun.elapsed().max(Duration::from_millis(1));
    let arrived = server.root().join("lot.zip");
    let size = fs::metadata(&arrived).expect("it arrived").len();
    assert_eq!(size, SIZE);
    fs::remove_file(arrived).expect("it is ours");
    SIZE as f64 / taken.as_secs_f64()
}

fn ours(depot: &Depot, file: &Path) {
    let mut session = transport::connect(depot, &Clock::system()).expect("the server runs");
    let mut source = File::open(file).expect("we wrote it");
    transport::upload(session.as_mut(), "", "lot.zip", &mut source, SIZE).expect("it is put");
}

fn lftp(server: &FtpsServer, file: &Path) {
    let script = format!(
        "set net:max-retries 1; set ftp:ssl-force true; set ftp:ssl-protect-data true; set ssl:ca-file {:?}; put {:?}; bye",
        pki().root,
        file
    );
    let mut command = Command::new("lftp");
    command
        .args(["--norc", "-u", &format!("{USER},{PASSWORD}"), "-e", &script])
        .arg(format!("ftp://localhost:{}", server.port()));
    process::run(&command, PATIENCE).succeeded();
}
