//! A directory as a depot. What its user may not do there is told by a mount: the tests run as root, whom no mode stops.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::Server;
use crate::kit::process;

/// A directory.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// One that is there.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

impl Server for Folder {
    fn root(&self) -> &Path {
        &self.root
    }

    fn settings(&self, _host: &str) -> String {
        format!("transport = \"folder\"\n[folder]\npath = {:?}\n", self.root)
    }

    fn ports(&self) -> Vec<u16> {
        Vec::new()
    }

    fn forbid_writing(&self, folder: &str) {
        make_read_only(&self.root.join(folder));
    }
}

/// Takes the ban of [`make_read_only`] back; who is in the folder meanwhile loses nothing.
pub fn make_writable(folder: &Path) {
    let mut umount = Command::new("umount");
    umount.arg("-l").arg(folder);
    process::run(&umount, 10).succeeded();
}

/// Makes a folder one that nobody may write to, root included.
pub fn make_read_only(folder: &Path) {
    for options in [&["--bind"][..], &["-o", "remount,ro,bind"]] {
        let mut mount = Command::new("mount");
        mount.args(options).args([folder, folder]);
        process::run(&mount, 10).succeeded();
    }
}
