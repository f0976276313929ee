//! Navette: a document-exchange gateway.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod kernel;
pub mod outbound;
pub mod sandbox;
pub mod storage;
pub mod vault;
pub mod worker;
