//! Axway's Transfer CFT, by a stand-in after its public documentation (`kit::cft`): what comes, what leaves, and what the
//! monitor's procedures tell of it.

mod incoming;
mod journey;
mod outgoing;
mod procedures;
mod told;

use std::{fs, io::Cursor, path::Path, sync::Arc};

use navette::{
    config::{Depot, depots},
    kernel::{clock::Clock, fault::Result},
    transport::{self, Session, Uploaded},
};

use crate::kit::cft::Monitor;

/// Writes the settings of the monitor's depot beside a settings file of this folder.
fn write_settings(monitor: &Monitor, dir: &Path) {
    fs::create_dir_all(dir.join("depots")).expect("the scratch directory is writable");
    fs::write(dir.join("depots/cft.toml"), monitor.settings()).expect("so is its folder");
}

fn depot(monitor: &Monitor) -> Arc<Depot> {
    let dir = crate::kit::scratch::fresh("settings");
    write_settings(monitor, &dir);
    depots::depot(&dir.join("navette.toml"), "cft").expect("the settings are sound")
}

fn connect(monitor: &Monitor) -> Box<dyn Session> {
    transport::connect(&depot(monitor), &Clock::system()).expect("the folders are there")
}

/// Sends bytes as the worker sends a return.
fn upload(session: &mut dyn Session, name: &str, content: &[u8]) -> Result<Uploaded> {
    let size = content.len() as u64;
    transport::upload(
        session,
        "out/ASP/NAVRET",
        name,
        &mut Cursor::new(content),
        size,
    )
}

fn about(session: &mut dyn Session, path: &str, name: &str) -> String {
    let known = session.about(path).expect("it can be read");
    let found = known.into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value).unwrap_or_default()
}
