//! The disk as a yardstick: files written as durably as a piece, with nothing else around it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::kit::scratch;

/// Create, write, fsync, rename and sync the directory, per second, by `threads` threads in one directory.
pub fn durable_files(threads: usize, content: &[u8], time: Duration) -> f64 {
    let folder = scratch::fresh("fsync");
    let start = Instant::now();
    let written: u64 = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| (worker, folder.clone()))
            .map(|(worker, folder)| {
                scope.spawn(move || write_until(start + time, worker, &folder, content))
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a full disk ends the benchmark"))
            .sum()
    });
    let elapsed = start.elapsed();
    fs::remove_dir_all(folder).expect("it is ours");
    crate::driver::rate(written, elapsed)
}

fn write_until(end: Instant, worker: usize, folder: &Path, content: &[u8]) -> u64 {
    let mut written = 0;
    while Instant::now() < end {
        let name = folder.join(format!("{worker}-{written}"));
        write_durably(folder, name, content).expect("the disk takes it");
        written += 1;
    }
    written
}

fn write_durably(folder: &Path, name: PathBuf, content: &[u8]) -> io::Result<()> {
    let temporary = name.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(temporary, name)?;
    File::open(folder)?.sync_all()
}
