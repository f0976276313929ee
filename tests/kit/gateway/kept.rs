//! What a gateway keeps, looked at from outside: rows by SQL, blobs by their files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Gateway;

/// The tables that a piece leaves rows in.
const TABLES: [&str; 6] = [
    "exchange",
    "document",
    "receipt",
    "natural_key",
    "exchange_return",
    "job",
];

/// How much is kept: rows by table, and blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Each table with its rows.
    pub rows: Vec<(&'static str, u64)>,
    /// Files below the store, half-written ones too.
    pub blobs: u64,
}

impl Gateway {
    /// What is kept now.
    pub fn kept(&self) -> Kept {
        let counts = TABLES.map(|table| format!("(SELECT count(*) FROM {table})"));
        let row = self.sql(&format!("SELECT {}", counts.join(", ")));
        let numbers = row
            .split('|')
            .map(|number| number.parse().expect("a number"));
        Kept {
            rows: TABLES.into_iter().zip(numbers).collect(),
            blobs: self.blobs().len() as u64,
        }
    }

    /// The files of the blobs.
    pub fn blobs(&self) -> Vec<PathBuf> {
        files(&self.dir().join("data/store"))
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path()),
            _ => vec![entry.path()],
        })
        .collect()
}
