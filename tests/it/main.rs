#[path = "../kit/mod.rs"]
mod kit;
