//! Navette: a document-exchange gateway.

pub mod domain;
pub mod kernel;
pub mod outbound;
