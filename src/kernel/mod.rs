//! What every room stands on, and which itself does no input or output.
//!
//! | file | what it gives |
//! |---|---|
//! | [`cidr`] | ranges of addresses, as settings write them |
//! | [`clock`] | the time, passed in, so that a test can freeze it |
//! | [`entropy`] | random bytes and ids, passed in for the same reason |
//! | [`fault`] | the one error type: a stable code, a public text, a pointer per fault |
//! | [`gathering`] | faults of the settings, gathered where each is found and told together |
//! | [`json`] | strict reading of JSON: no key twice, bounded depth, no number altered |
//! | [`numbers`] | which numbers of a JSON text would come back altered |
//! | [`memory`] | what the allocator keeps of what was given back; large works that do not add up |
//! | [`crowd`] | how many are at something now, for those who give way |
//! | [`digest`] | SHA-256, SHA-512 and keyed hashes |
//! | [`schema`] | a JSON Schema that documents are held to |
//! | [`secret`] | values that never reach a log and are wiped when dropped |
//! | [`seal`] | encryption of small values and wrapping of keys |
//! | [`term`] | terms in calendar units: how long things are kept |
//! | [`failpoint`] | named places where a test can kill the process |
//!
//! To add a file: it must need neither socket, file nor database, and be wanted by two rooms at least.

pub mod cidr;
pub mod clock;
pub mod crowd;
pub mod digest;
pub mod entropy;
pub mod failpoint;
pub mod fault;
pub mod gathering;
pub mod json;
pub mod memory;
pub mod numbers;
pub mod schema;
pub mod seal;
pub mod secret;
pub mod term;
