//! Navette: a document-exchange gateway.

pub mod config;
pub mod kernel;
pub mod storage;
