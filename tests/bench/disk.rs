//! The disk as a yardstick: files written as durably as a piece, with nothing else around it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::kit::scratch;

/// How the files lie.
#[derive(Clone, Copy, Debug)]
pub enum Layout {
    /// All in one directory.
    Together,
    /// Each thread in a directory of its own, which spares the threads waiting for each other.
    Apart,
}

/// Create, write, fsync, rename and sync the directory, per second, by `threads` threads.
///
/// The files stay until the benchmark ends: removing them would keep the disk busy in the rounds that follow.
pub fn durable_files(threads: usize, layout: Layout, content: &[u8], time: Duration) -> f64 {
    let folders = folders(threads, layout);
    let start = Instant::now();
    let end = start + time;
    let written: u64 = thread::scope(|scope| {
        let workers: Vec<_> = folders
            .iter()
            .enumerate()
            .map(|(worker, folder)| scope.spawn(move || write_until(end, worker, folder, content)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a full disk ends the benchmark"))
            .sum()
    });
    crate::driver::rate(written, start.elapsed())
}

fn folders(threads: usize, layout: Layout) -> Vec<PathBuf> {
    match layout {
        Layout::Together => vec![scratch::fresh("fsync"); threads],
        Layout::Apart => (0..threads).map(|_| scratch::fresh("fsync")).collect(),
    }
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
