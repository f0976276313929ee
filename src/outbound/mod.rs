//! What goes out of the house to partners: HTTP for now.
//!
//! To add a channel: a folder of its own, which takes what to send as bytes and answers what the partner said.

pub mod callback;
