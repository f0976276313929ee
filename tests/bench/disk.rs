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

/// The files written so far. They stay until it is dropped: removing them would keep the disk busy in the rounds that
/// follow.
#[derive(Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// No file yet.
    pub fn new() -> Self {
        Self(scratch::fresh("fsync"))
    }

    /// Create, write, fsync, rename and sync the directory, per second, by `threads` threads.
    pub fn durable_files(
        &self,
        threads: usize,
        layout: Layout,
        content: &[u8],
        time: Duration,
    ) -> f64 {
        let folders = self.folders(threads, layout);
        let start = Instant::now();
        let end = start + time;
        let written: u64 = thread::scope(|scope| {
            let workers: Vec<_> = folders
                .iter()
                .enumerate()
                .map(|(worker, folder)| {
                    scope.spawn(move || write_until(end, worker, folder, content))
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().expect("a full disk ends the benchmark"))
                .sum()
        });
        crate::driver::rate(written, start.elapsed())
    }

    /// How many files a second `threads` threads remove, of `count` that the disk has whole: where freed blocks are discarded
    /// at once (the mount's `discard`), some devices take a few hundred a second, and many thousands otherwise.
    pub fn removals(&self, threads: usize, count: usize, content: &[u8]) -> f64 {
        let folders = self.folders(threads, Layout::Apart);
        let files: Vec<Vec<PathBuf>> = folders
            .iter()
            .map(|folder| {
                (0..count / threads)
                    .map(|n| folder.join(n.to_string()))
                    .collect()
            })
            .collect();
        for file in files.iter().flatten() {
            fs::write(file, content).expect("the disk takes it");
        }
        rustix::fs::sync();
        let start = Instant::now();
        thread::scope(|scope| {
            for files in &files {
                scope.spawn(move || {
                    for file in files {
                        fs::remove_file(file).expect("it is ours");
                    }
                });
            }
        });
        crate::driver::rate(count as u64, start.elapsed())
    }

    /// New ones for each call: nothing is overwritten.
    fn folders(&self, threads: usize, layout: Layout) -> Vec<PathBuf> {
        let new = || {
            let folder = tempfile::tempdir_in(&self.0);
            folder.expect("the scratch directory is writable").keep()
        };
        match layout {
            Layout::Together => vec![new(); threads],
            Layout::Apart => std::iter::repeat_with(new).take(threads).collect(),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What is left goes with the scratch directory.
        let _ = fs::remove_dir_all(&self.0);
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
