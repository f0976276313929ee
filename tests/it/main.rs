//! Journeys through the public doors: the binary, HTTP, files, the database's URL.

#[path = "../kit/mod.rs"]
mod kit;

mod access;
mod access_clients;
mod access_tls;
mod access_tokens;
mod antivirus;
mod archives;
mod cft;
mod commands;
mod conformity;
mod contract;
mod demo;
mod deploy;
mod depots;
mod duplicates;
mod equipment;
mod faults;
mod fixtures;
mod ftps;
mod health;
mod hubee;
mod idempotency;
mod incidents;
mod inside;
mod inspection;
mod intake;
mod iterations;
mod journal;
mod journey;
mod reading;
mod reception;
mod retention;
mod returns;
mod secrecy;
mod sending;
mod storage;
mod tidy;
