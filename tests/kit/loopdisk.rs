//! A disk in a file: a copy of the file at any moment is what a power cut at that moment would have left.
//!
//! What the system holds back in memory is not in the file yet, and so not in the copy. It is a mount, so the tests that use
//! it run as root; elsewhere they fail and say so.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use super::{process, scratch};

/// Seconds for a mount on a busy machine.
const PATIENCE: u32 = 30;

/// A mounted disk. It is unmounted when dropped.
#[derive(Debug)]
pub struct LoopDisk {
    image: PathBuf,
    path: PathBuf,
}

impl LoopDisk {
    /// Makes one of `megabytes` with an ext4 of its own and mounts it at `path`, which is made.
    pub fn mount(path: &Path, megabytes: u64) -> Self {
        fs::create_dir_all(path).expect("the scratch directory is writable");
        let image = scratch::fresh("disk").join("image");
        let file = File::create(&image).expect("so it is");
        file.set_len(megabytes * 1024 * 1024)
            .expect("a sparse file takes no room");
        let mut format = Command::new("/sbin/mkfs.ext4");
        format.args(["-q", "-F"]).arg(&image);
        process::run(&format, PATIENCE).succeeded();
        let disk = Self {
            image,
            path: path.to_owned(),
        };
        disk.attach(&disk.image);
        disk
    }

    /// What a power cut would leave now: another image.
    pub fn cut(&self) -> PathBuf {
        let left = scratch::fresh("cut").join("image");
        fs::copy(&self.image, &left).expect("there is room for a copy");
        left
    }

    /// Puts another image in this one's place, as after a power cut: its journal is played back.
    pub fn replace_with(&self, image: &Path) {
        self.detach();
        self.attach(image);
    }

    fn attach(&self, image: &Path) {
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop"]).arg(image).arg(&self.path);
        process::run(&mount, PATIENCE).succeeded();
    }

    fn detach(&self) {
        let mut unmount = Command::new("umount");
        unmount.arg(&self.path);
        process::run(&unmount, PATIENCE).succeeded();
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
