//! What the gateway does, in the field's words: no HTTP, no SQL, no socket, no process.

pub mod processing;
