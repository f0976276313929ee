//! A clock that jumps under a running gateway (Debian's libfaketime): what it calls the time is ours to set.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::gateway::Kit;

/// Where Debian has the library, by architecture.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The clock of one gateway's processes; its commands show the true time.
#[derive(Debug)]
pub struct FakeClock {
    file: PathBuf,
}

impl FakeClock {
    /// Puts the gateway of `kit` under a clock that shows the true time until it is set.
    pub fn over(kit: Kit) -> (Kit, Self) {
        let clock = Self::beside(&kit.dir().join("clock"));
        let all = clock.environment().into_iter();
        let kit = all.fold(kit, |kit, (name, value)| kit.env(name, &value));
        (kit, clock)
    }

    /// One in this file, which shows the true time until it is set, for commands that a test starts itself.
    pub fn beside(file: &Path) -> Self {
        let file = file.to_owned();
        let clock = Self { file };
        clock.set("+0");
        clock
    }

    /// What a process needs in its environment to go by it.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("LD_PRELOAD", library().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
    }

    /// Sets it: `+1d` is a day ahead of the true time, `-2h` two hours behind.
    pub fn set(&self, offset: &str) {
        let fresh = self.file.with_extension("fresh");
        fs::write(&fresh, offset).expect("the scratch directory is writable");
        fs::rename(&fresh, &self.file).expect("so it is");
    }
}

fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut all = folders.map(|folder| folder.path().join(Path::new(LIBRARY)));
    all.find(|file| file.is_file())
        .expect("libfaketime is missing: install Debian's package libfaketime")
}
