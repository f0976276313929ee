//! Journeys through the public doors: the binary, HTTP, files, the database's URL.

#[path = "../kit/mod.rs"]
mod kit;

mod access;
mod access_clients;
mod access_tls;
mod access_tokens;
mod commands;
mod contract;
mod demo;
mod equipment;
mod fixtures;
mod health;
mod inside;
mod inspection;
mod journal;
mod journey;
mod returns;
mod secrecy;
mod storage;
mod tidy;
