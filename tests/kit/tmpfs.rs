//! A disk of a few megabytes that a test can fill to the last page.
//!
//! It is a mount, so the tests that use it run as root; elsewhere they fail and say so.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use super::process;

/// What is written at once, and what a file takes at least.
const PAGE: usize = 4096;

/// A mounted `tmpfs`; gone when dropped, or at the latest with the scratch directory.
#[derive(Debug)]
pub struct Tmpfs {
    path: PathBuf,
}

impl Tmpfs {
    /// Mounts one of `megabytes` at `path`, which is made.
    pub fn mount(path: &Path, megabytes: u32) -> Self {
        fs::create_dir_all(path).expect("the scratch directory is writable");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={megabytes}m,mode=0700"))
            .arg("tmpfs")
            .arg(path);
        process::run(&mount, 10).succeeded();
        Self {
            path: path.to_owned(),
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it with ballast until at most `bytes` are free, whoever else writes meanwhile.
    pub fn leave(&self, bytes: u64) {
        let mut file = File::create(self.ballast()).expect("an empty file needs no room");
        while self.free() > bytes && file.write_all(&[0; PAGE]).is_ok() {}
    }

    fn free(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.path).expect("it is mounted");
        disk.f_bavail * disk.f_frsize
    }

    /// Throws the ballast away.
    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("it was filled before");
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
