//! Journeys through the public doors: the binary, HTTP, files, the database's URL.

#[path = "../kit/mod.rs"]
mod kit;

mod access;
mod access_clients;
mod access_tls;
mod access_tokens;
mod contract;
mod duplicates;
mod equipment;
mod fixtures;
mod inspection;
mod intake;
mod journey;
mod reading;
