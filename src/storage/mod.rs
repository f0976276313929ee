//! The database: SQL and nothing else, one file per domain.
//!
//! [`engine`] runs units of work on SQLite or PostgreSQL; [`migrate`] brings a database to today's schema; the other files
//! hold the statements of one domain each, declared with [`statements!`](crate::statements) so that a test prepares every
//! one of them on both engines.

pub mod engine;
pub mod migrate;

pub use engine::{Engine, Row, Store, Tx, Value};

/// Every statement of every file, by name: what the preparation test walks.
pub fn statements() -> Vec<(&'static str, &'static str)> {
    [migrate::ALL].concat()
}
