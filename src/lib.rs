//! Navette: a document-exchange gateway.

pub mod kernel;
pub mod vault;
