//! Navette: a document-exchange gateway.

pub mod http;
pub mod kernel;
