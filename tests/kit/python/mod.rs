//! Judges from outside: programs from PyPI, each in an environment of its own under `target/`, made the first time.
//!
//! To add one: its `NAME.txt` of pinned requirements beside this file, then [`program`].

use std::{path::PathBuf, process::Command};

use super::process;

/// Seconds to make an environment, the network included.
const PATIENCE: u32 = 300;

/// The program `name` of the environment `environment`.
pub fn program(environment: &str, name: &str) -> Command {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/kit/python/environment.sh"
    );
    let mut make = Command::new("sh");
    make.args([script, environment]);
    let folder = PathBuf::from(process::run(&make, PATIENCE).succeeded().trim());
    Command::new(folder.join("bin").join(name))
}
