//! Journeys through the public doors: the binary, HTTP, files, the database's URL.

#[path = "../kit/mod.rs"]
mod kit;

mod demo;
mod equipment;
mod fixtures;
mod inspection;
mod journey;
mod tidy;
