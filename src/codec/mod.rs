//! Archives as bytes.

pub mod writer;
