//! What a gateway keeps, looked at from outside: rows by SQL, blobs by their files.

use std::{fs, path::Path};

use super::Gateway;
use crate::kit::postgres;

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
    /// Rows of a statement on the gateway's database, one a line, columns separated by `|`. The statement must be one
    /// that both engines understand.
    pub fn sql(&self, statement: &str) -> String {
        match self.database() {
            Some(url) => postgres::sql(url, statement),
            None => self.sqlite(statement).expect("the statement is sound"),
        }
    }

    /// The number that a statement answers.
    pub fn number(&self, statement: &str) -> u64 {
        self.sql(statement).trim().parse().expect("a number")
    }

    /// What is kept now.
    pub fn kept(&self) -> Kept {
        let count = |table| self.number(&format!("SELECT count(*) FROM {table}"));
        Kept {
            rows: TABLES.iter().map(|table| (*table, count(table))).collect(),
            blobs: files(&self.store()).len() as u64,
        }
    }

    /// The files of the blobs.
    pub fn blobs(&self) -> Vec<std::path::PathBuf> {
        files(&self.store())
    }

    fn store(&self) -> std::path::PathBuf {
        self.dir().join("data/store")
    }

    fn sqlite(&self, statement: &str) -> rusqlite::Result<String> {
        let connection = rusqlite::Connection::open(self.dir().join("data/navette.db"))?;
        connection.busy_timeout(std::time::Duration::from_secs(20))?;
        let mut prepared = connection.prepare(statement)?;
        let columns = prepared.column_count();
        let mut rows = prepared.query([])?;
        let mut text = String::new();
        while let Some(row) = rows.next()? {
            let shown = (0..columns).map(|column| Ok(shown(row.get_ref(column)?)));
            text += &shown.collect::<rusqlite::Result<Vec<_>>>()?.join("|");
            text.push('\n');
        }
        Ok(text)
    }
}

/// As `psql` shows it.
fn shown(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("\\x{}", data_encoding::HEXLOWER.encode(bytes)),
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path()),
            _ => vec![entry.path()],
        })
        .collect()
}
