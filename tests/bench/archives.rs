//! Archives over SFTP, next to what an operator would do by hand on the same server: fetch, unpack, hash, sync.

use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use navette::kernel::digest::{hex, sha256};
use serde_json::{Value, json};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{figures::Figures, processes};
use crate::kit::{
    depot::{
        DIRECT, Depot, FOLDERS, Make,
        sshd::{Sshd, USER},
    },
    document,
    gateway::{APPLICATION, Engine, Gateway, Kit, PROJECT, workers::WorkerProcess},
    process, scratch, wait,
};

/// Long enough for the largest archive on a slow machine.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often each contender runs.
const ROUNDS: usize = 3;
/// How many archives wait on the depots of [`dead`].
const WAITING: usize = 100;
/// How many depots there are.
const DEPOTS: usize = 4;

/// Measures the archives.
pub fn measure(figures: &mut Figures) {
    let mut bench = Bench::start();
    let large = bench.against_shell(1_000, 1_000_000);
    figures.named("sftp_1g_vs_shell", large, "at most 0.6");
    let many = bench.against_shell(10_000, 20_000);
    figures.named("sftp_10k_vs_shell", many, "at most 1.0");
    bench.take_entries(100_000);
    let pid = bench.worker.pid();
    figures.named("rss_worker_mb", processes::high_water(pid), "at most 128");
    drop(bench);
    figures.named("dead_depot_slowdown", dead(), "at most 1.1");
}

/// A gateway with a worker of its own and an SFTP server.
struct Bench {
    depot: Depot,
    /// How the plain command fetches a file of the depot.
    get: String,
    _gateway: Gateway,
    worker: WorkerProcess,
    count: usize,
}

impl Bench {
    fn start() -> Self {
        let root = scratch::fresh("depot");
        for folder in FOLDERS {
            fs::create_dir_all(root.join(folder)).expect("the scratch directory is writable");
        }
        let server = Sshd::start(root);
        let get = format!(
            "sftp -q -P {} -i {} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -b - {USER}@{DIRECT}",
            server.port(),
            server.file("user").display()
        );
        let depot = Depot::of(Box::new(server));
        let settings = format!("poll_millis = 200\n{}", depot.settings_at(DIRECT));
        let kit = Kit::new(Engine::Sqlite).with_depot(depot.name(), settings);
        let gateway = kit.without_worker().start();
        let worker = gateway.start_worker(&[]);
        Self {
            depot,
            get,
            _gateway: gateway,
            worker,
            count: 0,
        }
    }

    /// The median of our time over that of the shell, for an archive of so many pieces of so many bytes.
    fn against_shell(&mut self, pieces: usize, bytes: usize) -> f64 {
        let mut ratios = Vec::new();
        for _ in 0..ROUNDS {
            self.count += 1;
            let lot = scratch::fresh("lot").join("lot.zip");
            pack(&lot, self.count, pieces, bytes);
            let shell = self.shell(&lot);
            let ours = self.ours(&lot);
            eprintln!("    {pieces} pieces: {ours:.1?}, by hand {shell:.1?}");
            ratios.push(ours.as_secs_f64() / shell.as_secs_f64());
            fs::remove_file(&lot).expect("it is ours");
        }
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }

    /// From the rename on the depot to the receipt.
    fn ours(&mut self, lot: &Path) -> Duration {
        let name = format!("lot{}.zip", self.count);
        let arriving = self.depot.inside(&format!("in/.{name}"));
        fs::copy(lot, &arriving).expect("the depot is writable");
        let folder = fs::metadata(self.depot.inside("in")).expect("it is there");
        give(&arriving, &folder);
        rustix::fs::sync();
        let started = Instant::now();
        fs::rename(&arriving, self.depot.inside(&format!("in/{name}"))).expect("one file system");
        let receipts = self.depot.inside("receipts");
        let signature = receipts.join(format!("{name}.ack.p7s"));
        wait::until("receipt", PATIENCE, || signature.exists().then_some(()));
        let taken = started.elapsed();
        let text = fs::read(receipts.join(format!("{name}.ack.json"))).expect("it came first");
        let receipt: Value = serde_json::from_slice(&text).expect("a receipt is JSON");
        assert_eq!(receipt["outcome"], "accepted", "{receipt:#}");
        let source = self.depot.inside(&format!("in/{name}"));
        wait::until("source leaving", PATIENCE, || {
            (!source.exists()).then_some(())
        });
        taken
    }

    /// `sftp get`, `unzip`, `sha256sum` of every file, `sync`.
    fn shell(&self, lot: &Path) -> Duration {
        let source = self.depot.inside("out/lot.zip");
        fs::copy(lot, &source).expect("the depot is writable");
        give(
            &source,
            &fs::metadata(self.depot.inside("out")).expect("it is there"),
        );
        let folder = scratch::fresh("by-hand");
        let script = folder.join("run.sh");
        let text = format!(
            "set -e\ncd {}\necho get out/lot.zip | {}\nunzip -q lot.zip -d files\nfind files -type f -print0 | xargs -0 sha256sum > sums\nsync\n",
            folder.display(),
            self.get
        );
        fs::write(&script, text).expect("the scratch directory is writable");
        rustix::fs::sync();
        let started = Instant::now();
        let mut shell = Command::new("bash");
        process::run(shell.arg(&script), 600).succeeded();
        let taken = started.elapsed();
        fs::remove_file(source).expect("it is ours");
        fs::remove_dir_all(folder).expect("so is that");
        taken
    }

    /// An archive of so many tiny pieces.
    fn take_entries(&mut self, entries: usize) {
        self.count += 1;
        let lot = scratch::fresh("lot").join("lot.zip");
        // One entry is the manifest.
        pack(&lot, self.count, entries - 1, 0);
        let taken = self.ours(&lot);
        eprintln!("    {entries} entries: {taken:.1?}");
        fs::remove_file(lot).expect("it is ours");
    }
}

fn give(file: &Path, like: &fs::Metadata) {
    use std::os::unix::fs::MetadataExt;
    std::os::unix::fs::chown(file, Some(like.uid()), Some(like.gid())).expect("we are root");
}

/// Writes an archive of PDFs that do not compress (texts of a line, where `bytes` is 0), other ones for each number.
fn pack(file: &Path, number: usize, pieces: usize, bytes: usize) {
    let out = BufWriter::new(File::create(file).expect("the scratch directory is writable"));
    let mut zip = ZipWriter::new(out);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1));
    let mut listed = Vec::with_capacity(pieces);
    for piece in 0..pieces {
        let label = format!("{number}/{piece}");
        let (name, kind, content) = match bytes {
            0 => (format!("{piece}.txt"), "text/plain", label.into_bytes()),
            _ => (
                format!("{piece}.pdf"),
                "application/pdf",
                document::pdf(&label, bytes),
            ),
        };
        zip.start_file(&name, options).expect("a name");
        std::io::Write::write_all(&mut zip, &content).expect("there is room");
        listed.push(
            json!({ "uid": format!("P-{piece}"), "businessData": {}, "files": [{
                "name": name, "mediaType": kind, "size": content.len(),
                "hash": { "algorithm": "SHA-256", "value": hex(&sha256(&content)) },
            }]}),
        );
    }
    let manifest = json!({
        "project": PROJECT, "sourceApplication": APPLICATION,
        "dossiers": [{ "dossierId": format!("D-{number}"), "iteration": 1, "businessData": {}, "pieces": listed }],
    });
    zip.start_file("manifest.json", options).expect("a name");
    serde_json::to_writer(&mut zip, &manifest).expect("there is room");
    zip.finish().expect("there is room");
}

/// How much longer the archives of the living depots wait where one of four depots is dead.
fn dead() -> f64 {
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let all = cleared(None);
        let with_dead = cleared(Some(0));
        eprintln!("    {WAITING} archives: {all:.1?}, with a dead depot {with_dead:.1?}");
        ratios.push(with_dead.as_secs_f64() / all.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// How long the depots but the first take to be cleared; one that is dead swallows all that is sent to it.
fn cleared(dead: Option<usize>) -> Duration {
    let depots: Vec<Depot> = (0..DEPOTS).map(|_| Depot::start(Make::Sftp)).collect();
    let mut kit = Kit::new(Engine::Sqlite).without_worker();
    for (number, depot) in depots.iter().enumerate() {
        let name = format!("depot-{number}");
        let settings = depot.settings().replace(
            &format!("depot = {:?}", depot.name()),
            &format!("depot = {name:?}\npoll_millis = 200"),
        );
        kit = kit.with_depot(&name, settings);
    }
    for (number, depot) in depots.iter().enumerate() {
        for lot in 0..WAITING / DEPOTS {
            let file = scratch::fresh("lot").join("lot.zip");
            pack(&file, number * WAITING + lot, 5, 50_000);
            let bytes = fs::read(&file).expect("it was packed");
            depot.put(&format!("in/{lot}.zip"), &bytes);
            fs::remove_file(file).expect("it is ours");
        }
        if dead == Some(number) {
            depot.proxy().swallow_after(0);
        }
    }
    let gateway = kit.start();
    rustix::fs::sync();
    let started = Instant::now();
    let _worker = gateway.start_worker(&[]);
    let living: Vec<PathBuf> = depots
        .iter()
        .skip(1)
        .map(|depot| depot.inside("receipts"))
        .collect();
    let wanted = WAITING / DEPOTS * 2;
    wait::until("all receipts", PATIENCE, || {
        let there = |folder: &PathBuf| fs::read_dir(folder).map_or(0, Iterator::count);
        living
            .iter()
            .all(|folder| there(folder) == wanted)
            .then_some(())
    });
    started.elapsed()
}
