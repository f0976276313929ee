//! What the gateway does, in the field's words: no HTTP, no SQL, no socket.

pub mod access;
pub mod receipts;
