//! What the readers of archives use of the kernel.

#[path = "../../src/kernel/fault.rs"]
pub mod fault;
