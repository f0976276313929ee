#[path = "../kit/mod.rs"]
mod kit;

mod equipment;
