//! Depots: the same sentences on every transport, and what is SSH's own. The far end is a real server behind a middleman that
//! cuts and swallows.

mod check;
mod cuts;
mod keys;
mod login;
mod overlaps;
mod sending;
mod sessions;
mod silence;

use std::sync::Arc;

use navette::{
    config::{self, depots},
    kernel::{
        clock::Clock,
        fault::{Code, Result},
    },
    transport::{self, Session},
};
use serde_json::Value;

use crate::kit::depot::Depot;

/// The depot as the program reads it.
fn read(depot: &Depot) -> Arc<config::Depot> {
    let file = depot.write().join("navette.toml");
    depots::depot(&file, depot.name()).expect("the settings are sound")
}

/// The depot of settings of the test's own.
fn read_text(depot: &Depot, text: &str) -> Arc<config::Depot> {
    let file = depot.write_text(text).join("navette.toml");
    depots::depot(&file, depot.name()).expect("the settings are sound")
}

fn connect(depot: &Depot) -> Result<Box<dyn Session>> {
    transport::connect(&read(depot), &Clock::system())
}

#[track_caller]
fn session(depot: &Depot) -> Box<dyn Session> {
    connect(depot).expect("it lets us in")
}

/// What a connection fails with.
#[track_caller]
fn refusal(depot: &config::Depot) -> navette::kernel::fault::Fault {
    match transport::connect(depot, &Clock::system()) {
        Ok(_) => panic!("it lets us in"),
        Err(fault) => fault,
    }
}

fn put(session: &mut dyn Session, path: &str, bytes: &[u8]) -> Result<u64> {
    session.write(path, 0, &mut &bytes[..])
}

#[track_caller]
fn got(session: &mut dyn Session, path: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = |more: &[u8]| {
        bytes.extend_from_slice(more);
        Ok(())
    };
    session.read(path, 0, &mut sink).expect("it is there");
    bytes
}

fn code<T>(done: Result<T>) -> Option<Code> {
    done.err().map(|fault| fault.code())
}

/// `archive send` of a file that is there, with its answer in JSON.
#[track_caller]
fn sent(depot: &Depot, name: &str) -> Value {
    let said = depot.run(&["archive", "send", name, "--depot", depot.name(), "--json"]);
    serde_json::from_str(&said.succeeded()).expect("it was asked for JSON")
}
